import IA32

/// What a stop waits for.
public enum StopKind: Hashable, Sendable {
  /// Before the instruction at any of some linear addresses.
  case breakpoint([UInt32])
  /// After an instruction that accessed linear addresses.
  case watch(ClosedRange<UInt32>, Accesses)
  /// After a store to physical addresses, the walker's included.
  case physicalWatch(Range<UInt64>)
  /// After a store to an entry that the translation of a linear address goes through.
  case tableWatch(UInt32)
  case event(Caught)

  /// The accesses that a watch is about.
  public enum Accesses: String, Hashable, CaseIterable, Sendable {
    case write
    case read
    case access
  }
}

/// What `catch` can wait for.
public enum Caught: Hashable, Sendable {
  /// The first step of a walk, before the access that needs it.
  case walk
  /// An exception: this vector, or any.
  case fault(UInt8?)
  /// The use of a translation that memory no longer gives.
  case stale
  case invlpg
  /// MOV to CR3.
  case cr3
  /// The third fault in a row, which ends the guest.
  case triple
  /// A change of CR0, CR4, EFER, or between user and supervisor mode.
  case mode
  /// An interrupt: this vector, or any.
  case interrupt(UInt8?)
}

/// A numbered stop.
public struct Stop: Sendable {
  /// Its number, from 1 on; never given twice.
  public let number: Int
  /// What it waits for.
  public let kind: StopKind
  /// Goes away when it is hit.
  public internal(set) var isTemporary = false
  /// Whether it stops the guest at all.
  public internal(set) var isEnabled = true
  /// How often it stopped the guest.
  public internal(set) var hits: UInt64 = 0
  /// An expression: a hit for which it is 0 does not count. nil for every hit.
  public internal(set) var condition: String?
  /// Lines to execute at each hit.
  public internal(set) var commands: [String] = []

  /// Such as "breakpoint at 00100014".
  public var text: String {
    switch kind {
    case .breakpoint(let linears):
      "breakpoint at \(linears.first.map { LinearAddress($0).description } ?? "no place")"
        + (linears.count > 1 ? " and \(linears.count - 1) more" : "")
    case .watch(let range, let accesses):
      "watch \(accesses.rawValue) of \(LinearAddress(range.lowerBound))-\(LinearAddress(range.upperBound))"
    case .physicalWatch(let range):
      "watch stores to physical \(PhysicalAddress(range.lowerBound))-\(PhysicalAddress(range.upperBound - 1))"
    case .tableWatch(let linear): "watch the entries that translate \(LinearAddress(linear))"
    case .event(let caught): "catch \(caught.text)"
    }
  }
}

extension StopKind {
  /// The instructions that it stops before; none for a stop that is not about instructions.
  var addresses: [UInt32] { if case .breakpoint(let addresses) = self { addresses } else { [] } }
}

extension Caught {
  var text: String {
    switch self {
    case .walk: "walk"
    case .fault(let vector): "fault" + (vector.map { " \($0)" } ?? "")
    case .stale: "stale"
    case .invlpg: "invlpg"
    case .cr3: "cr3"
    case .triple: "triple"
    case .mode: "mode"
    case .interrupt(let vector): "interrupt" + (vector.map { " \($0)" } ?? "")
    }
  }
}
