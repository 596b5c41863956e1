import CZstd
import Foundation

/// Vectors in a file: states before instructions, and what a real processor made of them. docs/vectors.md describes it.
struct VectorFile {
  static let magic: [UInt8] = Array("pagewalk vectors 1\n".utf8)

  /// The processor that was asked, in words.
  var processor: String
  /// The states that forms begin with, by pool.
  var pools: [[VectorState]]
  var forms: [VectorForm]
  /// The states afterwards, a form's packed: `outcomes` unpacks them.
  private var packed: [PackedOutcomes] = []

  init(processor: String, pools: [[VectorState]]) {
    self.processor = processor
    self.pools = pools
    forms = []
  }

  func pool(_ form: VectorForm) -> [VectorState] { pools[Int(form.pool.rawValue)] }

  /// The states before a form's cases.
  func before(_ form: VectorForm) -> [VectorState] {
    let pool = pool(form)
    return form.encodings.indices.flatMap { encoding in
      (0..<VectorForm.casesPerEncoding).map { form.state(encoding: encoding, case: $0, in: pool) }
    }
  }

  mutating func add(_ form: VectorForm, _ after: [VectorState]) {
    packed.append(PackedOutcomes(before: before(form), after: after))
    forms.append(form)
  }

  /// The states after each case of form `number`; of `only` some, where it is given.
  func after(_ number: Int, _ before: [VectorState]) -> [VectorState] { packed[number].unpack(before) }

  // MARK: Bytes

  var bytes: [UInt8] {
    var writer = VectorBytes()
    writer.text(processor)
    writer.bytes += VectorState().bytes
    for (pool, states) in zip(VectorForm.Pool.allCases, pools) {
      let ranges = VectorPools.ranges(pool)
      writer.number(UInt16(states.count))
      writer.number(UInt16(ranges.count))
      for range in ranges {
        writer.number(UInt16(range.lowerBound))
        writer.number(UInt16(range.count))
      }
      for place in ranges.joined() { writer.bytes += states.map { $0.bytes[place] } }
    }
    writer.number(UInt16(forms.count))
    for (form, outcomes) in zip(forms, packed) {
      writer.text(form.name)
      writer.number(form.pool.rawValue)
      writer.number(UInt16(form.first))
      writer.number(UInt16(form.stride))
      writer.number(UInt8(form.encodings.count))
      for encoding in form.encodings {
        writer.number(UInt8(encoding.bytes.count))
        writer.bytes += encoding.bytes
        writer.number(UInt8(encoding.fixups.count))
        for fixup in encoding.fixups {
          writer.number(UInt16(fixup.place))
          writer.number(fixup.mask)
          writer.number(fixup.addend)
        }
      }
      outcomes.write(to: &writer)
    }
    let capacity = ZSTD_compressBound(writer.bytes.count)
    let compressed = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      let size = ZSTD_compress(
        buffer.baseAddress, capacity, writer.bytes, writer.bytes.count, 19)
      precondition(ZSTD_isError(size) == 0)
      count = size
    }
    var header = VectorBytes()
    header.bytes = Self.magic
    header.number(UInt32(writer.bytes.count))
    return header.bytes + compressed
  }

  struct Damaged: Error {}

  init(_ file: [UInt8]) throws {
    guard file.starts(with: Self.magic) else { throw Damaged() }
    var header = VectorReader(Array(file.dropFirst(Self.magic.count).prefix(4)))
    let size = Int(header.number(UInt32.self))
    let frame = Array(file.dropFirst(Self.magic.count + 4))
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let result = ZSTD_decompress(buffer.baseAddress, size, frame, frame.count)
      count = ZSTD_isError(result) == 0 ? result : 0
    }
    guard bytes.count == size else { throw Damaged() }
    var reader = VectorReader(bytes)
    processor = reader.text()
    let base = reader.take(VectorState.size)
    pools = []
    for _ in VectorForm.Pool.allCases {
      var states = [VectorState](
        repeating: VectorState(bytes: base), count: Int(reader.number(UInt16.self)))
      let ranges = (0..<Int(reader.number(UInt16.self))).map { _ in
        let first = Int(reader.number(UInt16.self))
        return first..<first + Int(reader.number(UInt16.self))
      }
      for place in ranges.joined() {
        for index in states.indices { states[index].bytes[place] = reader.number(UInt8.self) }
      }
      pools.append(states)
    }
    forms = []
    for _ in 0..<reader.number(UInt16.self) {
      let name = reader.text()
      guard let pool = VectorForm.Pool(rawValue: reader.number()) else { throw Damaged() }
      let first = Int(reader.number(UInt16.self))
      let stride = Int(reader.number(UInt16.self))
      let encodings = (0..<reader.number(UInt8.self)).map { _ in
        let bytes = reader.take(Int(reader.number(UInt8.self)))
        let fixups = (0..<reader.number(UInt8.self)).map { _ in
          VectorFixup(
            place: Int(reader.number(UInt16.self)), mask: reader.number(), addend: reader.number())
        }
        return VectorEncoding(bytes: bytes, fixups: fixups)
      }
      let form = VectorForm(name: name, pool: pool, first: first, stride: stride, encodings: encodings)
      forms.append(form)
      packed.append(PackedOutcomes(cases: form.cases, from: &reader))
    }
  }
}

/// What a form's cases changed, place by place.
struct PackedOutcomes {
  /// How a place's bytes follow from the states before.
  private enum Column {
    case constant(UInt8)
    /// As another place was.
    case copy(Int)
    case bytes([UInt8])
    /// Exclusive-or with the same place before.
    case changes([UInt8])
  }

  private var columns: [(place: Int, column: Column)] = []

  init(before: [VectorState], after: [VectorState]) {
    for place in Self.changed(before, after) {
      let old = before.map { $0.bytes[place] }
      let new = after.map { $0.bytes[place] }
      columns.append((place, Self.column(new, old, before)))
    }
  }

  /// Places that some case changed, found by eight bytes at a time.
  private static func changed(_ before: [VectorState], _ after: [VectorState]) -> [Int] {
    var bits = [UInt64](repeating: 0, count: VectorState.size / 8)
    for (old, new) in zip(before, after) {
      old.bytes.withUnsafeBytes { old in
        new.bytes.withUnsafeBytes { new in
          for word in bits.indices {
            bits[word] |=
              old.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
              ^ new.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
          }
        }
      }
    }
    return (0..<VectorState.size).filter { bits[$0 / 8].littleEndian >> UInt64(8 * ($0 % 8)) & 0xff != 0 }
  }

  private static func column(_ new: [UInt8], _ old: [UInt8], _ before: [VectorState]) -> Column {
    if new.allSatisfy({ $0 == new[0] }) { return .constant(new[0]) }
    let source = (0..<VectorState.size).first { place in
      for (index, state) in before.enumerated() where state.bytes[place] != new[index] { return false }
      return true
    }
    if let source { return .copy(source) }
    let changes = zip(new, old).map { $0 ^ $1 }
    return entropy(changes) < entropy(new) ? .changes(changes) : .bytes(new)
  }

  private static func entropy(_ bytes: [UInt8]) -> Double {
    var counts = [Int](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    return counts.reduce(0) { sum, count in
      count == 0 ? sum : sum - Double(count) * log2(Double(count) / Double(bytes.count))
    }
  }

  func unpack(_ before: [VectorState]) -> [VectorState] {
    var after = before
    for (place, column) in columns {
      for index in after.indices {
        after[index].bytes[place] =
          switch column {
          case .constant(let byte): byte
          case .copy(let source): before[index].bytes[source]
          case .bytes(let bytes): bytes[index]
          case .changes(let bytes): bytes[index] ^ before[index].bytes[place]
          }
      }
    }
    return after
  }

  func write(to writer: inout VectorBytes) {
    writer.number(UInt16(columns.count))
    for (place, column) in columns {
      writer.number(UInt16(place))
      switch column {
      case .constant(let byte):
        writer.number(0 as UInt8)
        writer.number(byte)
      case .copy(let source):
        writer.number(1 as UInt8)
        writer.number(UInt16(source))
      case .bytes(let bytes):
        writer.number(2 as UInt8)
        writer.bytes += bytes
      case .changes(let bytes):
        writer.number(3 as UInt8)
        writer.bytes += bytes
      }
    }
  }

  init(cases: Int, from reader: inout VectorReader) {
    for _ in 0..<reader.number(UInt16.self) {
      let place = Int(reader.number(UInt16.self))
      let column: Column =
        switch reader.number(UInt8.self) {
        case 0: .constant(reader.number())
        case 1: .copy(Int(reader.number(UInt16.self)))
        case 2: .bytes(reader.take(cases))
        default: .changes(reader.take(cases))
        }
      columns.append((place, column))
    }
  }
}

/// Numbers in little-endian order, one after the other.
struct VectorBytes {
  var bytes: [UInt8] = []

  mutating func number<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  mutating func text(_ text: String) {
    number(UInt16(text.utf8.count))
    bytes += text.utf8
  }
}

/// The way back. Past the end there are zeros.
struct VectorReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func take(_ count: Int) -> [UInt8] {
    guard position + count <= bytes.count else { return [UInt8](repeating: 0, count: count) }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  mutating func number<T: FixedWidthInteger & UnsignedInteger>(_: T.Type = T.self) -> T {
    var value: T = 0
    for shift in 0..<MemoryLayout<T>.size {
      guard position < bytes.count else { return value }
      value |= T(bytes[position]) << T(8 * shift)
      position += 1
    }
    return value
  }

  mutating func text() -> String { String(decoding: take(Int(number(UInt16.self))), as: UTF8.self) }
}
