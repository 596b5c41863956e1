import IA32

/// What a stop waits for.
enum StopKind: Hashable {
  /// Before the instruction at a linear address.
  case breakpoint(UInt32)
  /// After an instruction that accessed linear addresses.
  case watch(ClosedRange<UInt32>, Accesses)
  /// After a store to physical addresses, the walker's included.
  case physicalWatch(Range<UInt64>)
  /// After a store to an entry that the translation of a linear address goes through.
  case tableWatch(UInt32)
  case event(Caught)

  enum Accesses: String, Hashable, CaseIterable {
    case write
    case read
    case access
  }
}

/// What `catch` can wait for.
enum Caught: Hashable {
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
struct Stop {
  let number: Int
  let kind: StopKind
  /// Goes away when it is hit.
  var isTemporary = false
  var isEnabled = true
  var hits: UInt64 = 0

  /// Such as "breakpoint at 00100014".
  var text: String {
    switch kind {
    case .breakpoint(let linear): "breakpoint at \(LinearAddress(linear))"
    case .watch(let range, let accesses):
      "watch \(accesses.rawValue) of \(LinearAddress(range.lowerBound))-\(LinearAddress(range.upperBound))"
    case .physicalWatch(let range):
      "watch stores to physical \(PhysicalAddress(range.lowerBound))-\(PhysicalAddress(range.upperBound - 1))"
    case .tableWatch(let linear): "watch the entries that translate \(LinearAddress(linear))"
    case .event(let caught): "catch \(caught.text)"
    }
  }
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
