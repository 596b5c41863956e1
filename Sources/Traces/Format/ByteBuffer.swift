/// A growing buffer that is written to and compared without a check of bounds for each byte.
struct ByteBuffer: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 1 << 16) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  /// Makes room for `more` bytes, which `put` and `putVarint` rely on.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if capacity &- count < more { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let new = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    new.update(from: base, count: count)
    base.deallocate()
    base = new
    capacity = larger
  }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    base[count] = byte
    count &+= 1
  }

  /// Seven bits a byte, the low ones first; the high bit says that more follow. At most ten bytes.
  @inline(__always)
  mutating func putVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(truncatingIfNeeded: rest))
  }

  mutating func removeAll() { count = 0 }

  mutating func replace(with bytes: [UInt8]) {
    count = 0
    reserve(bytes.count)
    bytes.withUnsafeBufferPointer {
      if let start = $0.baseAddress { base.update(from: start, count: $0.count) }
    }
    count = bytes.count
  }

  @inline(__always)
  subscript(index: Int) -> UInt8 {
    get { base[index] }
    set { base[index] = newValue }
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

/// Numbers out of bytes that may be anything.
struct ByteReader {
  let bytes: [UInt8]
  private(set) var position = 0
  /// Whether something was asked for that was not there.
  private(set) var failed = false

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  /// What was read makes no sense.
  mutating func fail() { failed = true }

  mutating func byte() -> UInt8 {
    guard position < bytes.count else {
      failed = true
      return 0
    }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func varint() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = byte()
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    failed = true
    return value
  }
}

/// Signed differences as unsigned numbers that are small where the difference is: 0, -1, 1, -2, ...
enum ZigZag {
  @inline(__always)
  static func encode(_ value: UInt64, after last: UInt64) -> UInt64 {
    let difference = Int64(bitPattern: value &- last)
    return UInt64(bitPattern: difference &<< 1 ^ difference &>> 63)
  }

  @inline(__always)
  static func decode(_ code: UInt64, after last: UInt64) -> UInt64 {
    last &+ (code &>> 1 ^ (0 &- (code & 1)))
  }
}

extension Array where Element == UInt8 {
  /// Appends `value`, little-endian.
  package mutating func append(little value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// The little-endian number at `offset`, which must be inside.
  package func little<Number: FixedWidthInteger>(_: Number.Type, at offset: Int) -> Number {
    withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
  }
}

/// FNV-1a over 8 bytes at a time, 64 bits: against damage, not against malice.
package struct Checksum {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset + 8 <= bytes.count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    while offset < bytes.count {
      mix(UInt64(bytes[offset]))
      offset += 1
    }
  }

  private mutating func mix(_ word: UInt64) {
    value = (value ^ word) &* 0x100_0000_01b3
    value ^= value >> 32
  }

  package static func of(_ parts: [UInt8]...) -> UInt64 {
    var sum = Checksum()
    for part in parts { part.withUnsafeBytes { sum.add($0) } }
    return sum.value
  }
}
