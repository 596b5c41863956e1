import Emulator
import IA32

/// Memory by one of the ways in which it can be seen. Reading leaves no trace: the TLB, A and D, the clock and devices are as
/// they were.
public struct MemoryView {
  /// The ways.
  public enum Kind: String, Sendable {
    /// As a load would see it: the data TLB first, then a walk.
    case processor
    /// As an instruction fetch would see it.
    case code
    /// Through the tables in memory, whatever the TLB holds.
    case tables
    /// By physical address.
    case physical
  }

  /// Where a translation came from.
  public enum Source: Hashable, Sendable {
    /// Paging is off, or the address is physical.
    case none
    case tlb(TLBArrayName, set: Int, way: Int)
    case walk
  }

  /// Where a byte lies.
  public struct Place: Hashable, Sendable {
    /// Its physical address.
    public var physical: UInt64
    /// What translated it.
    public var source: Source
  }

  /// The machine looked into.
  public let machine: Machine
  /// The way.
  public let kind: Kind

  /// Looks into `machine` by one of the ways.
  public init(_ machine: Machine, _ kind: Kind) {
    self.machine = machine
    self.kind = kind
  }

  /// The physical address behind `address`.
  /// - Throws: `ReportError` with the reason why there is none.
  public func place(of address: UInt64) throws(ReportError) -> Place {
    if kind == .physical { return Place(physical: address, source: .none) }
    guard let linear = UInt32(exactly: address) else {
      throw ReportError("0x\(String(address, radix: 16)) is no linear address of 32 bits")
    }
    let control = machine.pagingControl
    guard control.mode != .off else { return Place(physical: address, source: .none) }
    let access = PageAccess(kind == .code ? .fetch : .read, user: false)
    if kind != .tables, let (array, line) = machine.lookUp(LinearAddress(linear), fetch: kind == .code) {
      return Place(
        physical: Self.physical(line.entry.translation, linear, control),
        source: .tlb(array, set: line.set, way: line.way))
    }
    let result =
      kind == .tables
      ? machine.walkFromMemory(LinearAddress(linear), access)
      : machine.walkAsProcessor(LinearAddress(linear), access)
    guard let translation = result.translation else {
      throw ReportError("\(LinearAddress(linear)): \(Self.refusal(result))")
    }
    return Place(physical: Self.physical(translation, linear, control), source: .walk)
  }

  /// `count` bytes from `address` on, page by page.
  /// - Throws: `ReportError` where something is not mapped, or is no memory.
  public func read(_ address: UInt64, count: Int) throws(ReportError) -> [UInt8] {
    var bytes: [UInt8] = []
    var next = address
    while bytes.count < count {
      let length = min(count - bytes.count, 4096 - Int(next & 0xfff))
      let physical = try place(of: next).physical
      guard let part = machine.peek(PhysicalAddress(physical), count: length) else {
        throw ReportError(unreadable(physical, length))
      }
      bytes += part
      // Linear addresses wrap at 4 GiB.
      next = next &+ UInt64(length)
      if kind != .physical { next &= 0xffff_ffff }
    }
    return bytes
  }

  /// Four bytes as a number.
  /// - Throws: `ReportError` where they can not all be read.
  public func load32(_ linear: UInt32) throws(ReportError) -> UInt32 {
    try UInt32(truncatingIfNeeded: Self.value(read(UInt64(linear), count: 4)[...]))
  }

  /// Bytes as a number, the lowest first.
  public static func value(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The physical address that `translation` gives for `linear`.
  public static func physical(_ translation: Translation, _ linear: UInt32, _ control: PagingControl)
    -> UInt64
  {
    translation.physical(of: linear, largePageShift: control.largePageShift)
  }

  /// Why a walk found no page.
  private static func refusal(_ result: WalkResult) -> String {
    guard let (step, verdict) = result.culprit else { return "not mapped" }
    return "not mapped: the \(step.level.name) \(verdict.text)"
  }

  private func unreadable(_ physical: UInt64, _ length: Int) -> String {
    let region = machine.bus.region(at: PhysicalAddress(physical))
    return switch region?.kind {
    case .mmio:
      "\(PhysicalAddress(physical)) belongs to the device '\(region?.name ?? "")', which a read could change: not read"
    case .reserved, nil: "nothing answers at physical \(PhysicalAddress(physical))"
    case .ram, .rom: "the \(length) bytes at physical \(PhysicalAddress(physical)) are not all memory"
    }
  }
}

extension Machine {
  /// A walk through memory alone: under PAE from the page-directory-pointer table in memory, not from the registers.
  public func walkFromMemory(_ linear: LinearAddress, _ access: PageAccess) -> WalkResult {
    pagingControl.mode == .pae ? walk(linear, access, cr3: registers.cr3) : walk(linear, access)
  }
}
