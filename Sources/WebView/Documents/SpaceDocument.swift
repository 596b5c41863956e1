import Emulator
import IA32
import KernelAudit
import Reports

/// The linear address space as the processor would walk it now: neighbouring pages of one kind with the same rights.
struct AddressSpace {
  /// What a stretch is used for.
  enum Kind: String {
    /// Linear and physical addresses are the same.
    case identity
    /// Physical addresses that begin at C0000000: a kernel's direct map.
    case direct
    case vmalloc
    case vmap
    case ioremap
    /// Unmapped, behind an area of the mini-kernel.
    case guardPage = "guard"
    /// Open to CPL 3.
    case user
    /// No RAM.
    case device
    /// Supervisor pages of no other kind.
    case kernel
    /// An entry with reserved bits.
    case refused
  }

  struct Range: Hashable {
    var from: UInt32
    var bytes: UInt64
    var kind: Kind
    /// Such as "vmalloc 256 pages"; empty where the kind says all.
    var name = ""
    var rights = ""
    var isLarge = false
    var isGlobal = false
    var isUncached = false
    /// Of its first page; nil where nothing is mapped.
    var physical: UInt64?

    var end: UInt64 { UInt64(from) + bytes }

    fileprivate func goesOn(with next: Range, joiningPhysical: Bool) -> Bool {
      end == UInt64(next.from) && kind == next.kind && name == next.name && rights == next.rights
        && isLarge == next.isLarge && isGlobal == next.isGlobal && isUncached == next.isUncached
        && (!joiningPhysical || physical.map { $0 + bytes } == next.physical)
    }
  }

  private(set) var ranges: [Range] = []
  /// There are more than were asked for.
  private(set) var isCut = false
  /// Ranges go on where physical addresses do not.
  private(set) var isJoined = false
  private let areas: [KernelArea]
  private let machine: Machine

  init(_ machine: Machine, _ areas: [KernelArea], in range: ClosedRange<UInt32>, limit: Int) {
    self.machine = machine
    self.areas = areas.sorted { $0.start < $1.start }
    scan(range, limit, joiningPhysical: true)
    if isCut {
      isJoined = true
      scan(range, limit, joiningPhysical: false)
    }
    addGuards(range)
  }

  private mutating func scan(_ range: ClosedRange<UInt32>, _ limit: Int, joiningPhysical: Bool) {
    var ranges: [Range] = []
    var isCut = false
    TableScan(machine).forEachPage(in: range) { linear, bytes, found in
      let next = describe(linear, bytes, found)
      if let last = ranges.last, last.goesOn(with: next, joiningPhysical: joiningPhysical) {
        ranges[ranges.count - 1].bytes += bytes
        return true
      }
      guard ranges.count < limit else {
        isCut = true
        return false
      }
      ranges.append(next)
      return true
    }
    (self.ranges, self.isCut) = (ranges, isCut)
  }

  private func describe(_ linear: UInt32, _ bytes: UInt64, _ found: TableScan.Found) -> Range {
    guard case .page(let page) = found else { return Range(from: linear, bytes: bytes, kind: .refused) }
    var range = Range(from: linear, bytes: bytes, kind: .kernel, physical: page.frame)
    range.rights =
      "\(page.isUser ? "u" : "-")r\(page.isWritable ? "w" : "-")\(page.isNoExecute ? "-" : "x")"
    range.isLarge = page.isLarge
    range.isGlobal = page.isGlobal
    range.isUncached = page.isCacheDisabled
    if page.isUser {
      range.kind = .user
    } else if let area = area(at: linear) {
      range.kind = Kind(rawValue: area.kind) ?? .kernel
      range.name =
        "\(area.kind) area at \(LinearAddress(area.start)), \(area.pageCount > 0 ? "\(area.pageCount)" : "\(area.size / 4096 - 1)") pages"
    } else if !machine.memory.isRAM(PhysicalAddress(page.frame), count: 1) {
      range.kind = .device
    } else if page.frame == UInt64(linear) {
      range.kind = .identity
    } else if UInt64(linear) >= 0xc000_0000, page.frame == UInt64(linear) - 0xc000_0000 {
      range.kind = .direct
    }
    return range
  }

  private func area(at linear: UInt32) -> KernelArea? {
    var (low, high) = (0, areas.count)
    while low < high {
      let middle = (low + high) / 2
      if areas[middle].start <= linear { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let area = areas[low - 1]
    return UInt64(linear) < UInt64(area.start) + UInt64(area.size) ? area : nil
  }

  /// Each area ends with a page that must not be mapped.
  private mutating func addGuards(_ range: ClosedRange<UInt32>) {
    let guards = areas.compactMap { area -> Range? in
      let end = UInt64(area.start) + UInt64(area.size)
      guard area.size >= 8192, end <= 1 << 32, range.contains(UInt32(end - 4096)) else { return nil }
      return Range(
        from: UInt32(end - 4096), bytes: 4096, kind: .guardPage,
        name: "guard page of the \(area.kind) area at \(LinearAddress(area.start))")
    }
    guard !guards.isEmpty else { return }
    let mapped = ranges
    ranges.append(
      contentsOf: guards.prefix(4096).filter { new in
        !mapped.contains { $0.from <= new.from && UInt64(new.from) < $0.end }
      })
    ranges.sort { $0.from < $1.from }
  }
}

extension AddressSpace {
  var json: JSONValue {
    .object([
      .init("cut", .bool(isCut)), .init("joined", .bool(isJoined)),
      .init(
        "ranges",
        .array(
          ranges.map { range in
            .object([
              .init("from", .linear(range.from)), .init("bytes", .number(range.bytes)),
              .init("kind", .string(range.kind.rawValue)), .init("name", .string(range.name)),
              .init("rights", .string(range.rights)),
              .init("physical", range.physical.map { .physical($0) } ?? .null),
              .init("large", .bool(range.isLarge)), .init("global", .bool(range.isGlobal)),
              .init("uncached", .bool(range.isUncached)),
            ])
          })),
    ])
  }
}

extension PageSource {
  /// What is mapped in `range`: at most `limit` stretches.
  public func space(_ range: ClosedRange<UInt32> = 0...UInt32.max, limit: Int = 4000) -> JSONValue {
    addressSpace(range, limit: limit).json
  }

  func addressSpace(_ range: ClosedRange<UInt32> = 0...UInt32.max, limit: Int) -> AddressSpace {
    AddressSpace(machine, kernel?.areas ?? [], in: range, limit: limit)
  }

  /// Where the processor's registers and TLB disagree with memory, and may not.
  var disagreements: JSONValue {
    let control = machine.pagingControl
    guard control.mode != .off else { return .array([]) }
    var rows: [JSONValue] = []
    func add(_ linear: UInt32, _ bytes: UInt64, _ source: String, _ finding: Finding) {
      guard finding.severity != .note else { return }
      rows.append(
        .object([
          .init("linear", .linear(linear)), .init("bytes", .number(bytes)), .init("source", .string(source)),
          .init("text", .string(finding.text)), .init("rule", .string(finding.section)),
        ]))
    }
    if control.mode == .pae {
      let table = PointerTable(machine)
      for index in 0..<4 {
        if let finding = table.finding(at: index) {
          add(UInt32(index) << 30, 1 << 30, "PDPTE register \(index)", finding)
        }
      }
    }
    for array in TLBArrayName.allCases {
      for line in machine.tlb(array) {
        let held = HeldTranslation(array, line, control)
        let bytes: UInt64 = held.translation.isLarge ? 1 << UInt64(control.largePageShift) : 4096
        for finding in held.findings(in: machine, at: held.linear) {
          add(held.linear, bytes, held.place, finding)
        }
      }
    }
    return .array(rows)
  }
}
