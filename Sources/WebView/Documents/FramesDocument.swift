import Emulator
import IA32
import KernelAudit
import Reports

/// Physical memory, frame by frame: whose each is.
struct FrameMap {
  /// Owners, in the order of their numbers in JSON.
  enum Owner: UInt8, CaseIterable {
    /// No RAM and no device.
    case hole
    /// RAM of which nothing is known.
    case ram
    case free
    case table
    case vmalloc
    case slab
    case block
    case used
    case user
    case kernel
    case image
    case reserved
    case device
  }

  /// By frame; bits 7-4 are a free block's order + 1.
  private var owners: [UInt8]
  /// Everything on the bus that is no RAM, also behind the last frame of it.
  private let devices: [MemoryRegion]
  /// The frames in question.
  let range: Range<UInt64>

  init(_ source: PageSource, _ wanted: Range<UInt64>) {
    let machine = source.machine
    let top = machine.memory.layout.top >> 12
    devices = machine.bus.regions.filter { $0.kind == .mmio || $0.kind == .rom }
    range = wanted.clamped(to: 0..<top)
    owners = .init(repeating: Owner.hole.rawValue, count: range.count)
    for ram in machine.memory.layout.ramRanges { paint(ram, .ram) }
    for device in devices { paint(device.range, .device) }
    for segment in source.session.image?.segments ?? [] { paint(segment.physicalRange, .image) }
    for frames in source.kernel?.frames ?? [] { paint(frames) }
    paintMapped(source)
  }

  private mutating func paint(_ bytes: Range<UInt64>, _ owner: Owner) {
    let frames = (bytes.lowerBound >> 12..<max(bytes.lowerBound >> 12, (bytes.upperBound + 4095) >> 12))
      .clamped(to: range)
    guard !frames.isEmpty else { return }
    let first = Int(frames.lowerBound - range.lowerBound)
    owners.withUnsafeMutableBufferPointer {
      $0[first..<first + frames.count].update(repeating: owner.rawValue)
    }
  }

  private mutating func paint(_ found: KernelFrames) {
    let code: UInt8
    switch found.owner {
    case .free(let order): code = Owner.free.rawValue | (min(order, 14) + 1) << 4
    case .table: code = Owner.table.rawValue
    case .slab: code = Owner.slab.rawValue
    case .block: code = Owner.block.rawValue
    case .used: code = Owner.used.rawValue
    case .reserved: code = Owner.reserved.rawValue
    case .unknown: return
    }
    let frames = (UInt64(found.frames.lowerBound)..<UInt64(found.frames.upperBound)).clamped(to: range)
    for frame in frames where owners[Int(frame - range.lowerBound)] != Owner.image.rawValue {
      owners[Int(frame - range.lowerBound)] = code
    }
  }

  /// What the tables say: themselves, and pages that one of them maps on its own.
  private mutating func paintMapped(_ source: PageSource) {
    let space = source.addressSpace(limit: 100_000)
    for range in space.ranges {
      guard let physical = range.physical, !space.isJoined else { continue }
      let bytes = physical..<physical + range.bytes
      switch range.kind {
      case .user: paint(bytes, .user)
      case .vmalloc: paint(bytes, .vmalloc)
      case .kernel where !range.isLarge: paint(bytes, .kernel)
      default: break
      }
    }
    var tables: [UInt64] = []
    TableScan(source.machine).forEachPage(
      in: 0...UInt32.max,
      enters: { table in
        tables.append(table.address)
        return tables.count < 100_000
      }, { _, _, _ in true })
    for table in tables { paint(table..<table + 4096, .table) }
  }

  /// Stretches of one owner if there are few; else cells of equal size with what most of each is.
  func json(limit: Int) -> JSONValue {
    var runs: [JSONValue] = []
    var start = 0
    for index in 0...owners.count where index == owners.count || owners[index] != owners[start] {
      if index > start { runs.append(row(start, index, owners[start])) }
      start = index
      if runs.count > limit { return cells(limit) }
    }
    return document("runs", 1, runs)
  }

  private func row(_ start: Int, _ end: Int, _ code: UInt8) -> JSONValue {
    .array([
      .number(range.lowerBound + UInt64(start)), .count(end - start), .count(code & 15), .count(code >> 4),
    ])
  }

  private func cells(_ limit: Int) -> JSONValue {
    var size = 1
    while owners.count / size > limit { size *= 2 }
    var rows: [JSONValue] = []
    for start in stride(from: 0, to: owners.count, by: size) {
      let end = min(owners.count, start + size)
      var counts = [Int](repeating: 0, count: Owner.allCases.count)
      for code in owners[start..<end] { counts[Int(code & 15)] += 1 }
      // What is in use is what a person looks for: a little of it is shown before a lot of free memory.
      let quiet: Set = [Int(Owner.free.rawValue), Int(Owner.ram.rawValue), Int(Owner.hole.rawValue)]
      let best = counts.indices.max { a, b in
        (quiet.contains(a) ? counts[a] : counts[a] * 4) < (quiet.contains(b) ? counts[b] : counts[b] * 4)
      }
      rows.append(
        .array([
          .number(range.lowerBound + UInt64(start)), .count(end - start), .count(best ?? 0), .number(0),
        ]))
    }
    return document("cells", size, rows)
  }

  private func document(_ form: String, _ size: Int, _ rows: [JSONValue]) -> JSONValue {
    var totals = [Int](repeating: 0, count: Owner.allCases.count)
    var orders = [Int](repeating: 0, count: 16)
    for code in owners {
      totals[Int(code & 15)] += 1
      if code >> 4 > 0 { orders[Int(code >> 4) - 1] += 1 }
    }
    return .object([
      .init("from", .number(range.lowerBound)), .init("frames", .count(owners.count)),
      .init("form", .string(form)),
      .init("cell", .count(size)), .init("owners", .strings(Owner.allCases.map { "\($0)" })),
      .init("totals", .array(totals.map { .count($0) })),
      .init("freeByOrder", .array(orders.prefix(11).map { .count($0) })), .init("rows", .array(rows)),
    ])
  }
}

extension PageSource {
  /// Frames `range` by their owners, in at most about `limit` rows.
  public func frames(_ range: Range<UInt64> = 0..<(64 << 30) >> 12, limit: Int = 3000) -> JSONValue {
    FrameMap(self, range).json(limit: limit)
  }

  /// The mini-kernel's zones and areas; null for other guests.
  public var kernelLists: JSONValue {
    guard let kernel else { return .null }
    return .object([
      .init("zones", answer("info buddy")), .init("areas", answer("info vmalloc")),
      .init("moment", .string("\(kernel.moment)")),
    ])
  }
}
