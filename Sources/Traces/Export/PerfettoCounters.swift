import Emulator

/// What Perfetto shows as curves: how full the TLB arrays are, walks, and where the cycles go.
///
/// A TLB array's entries are counted from the fills, evictions and flushes of the trace; a trace that lacks one of these kinds has
/// no such curve, and one that begins in the middle of a run counts what came since.
struct PerfettoCounters {
  /// A curve. The raw value is its UUID.
  enum Curve: UInt64, CaseIterable {
    case walks = 100
    case walkCycles, otherCycles
    case data4K, dataLarge, instruction4K, instructionLarge

    var name: String {
      switch self {
      case .walks: "TLB misses (walks)"
      case .walkCycles: "Cycles in walks"
      case .otherCycles: "Other cycles"
      case .data4K: "TLB entries, data 4K"
      case .dataLarge: "TLB entries, data large"
      case .instruction4K: "TLB entries, instruction 4K"
      case .instructionLarge: "TLB entries, instruction large"
      }
    }

    var unit: String {
      switch self {
      case .walks: "walks"
      case .walkCycles, .otherCycles: "cycles"
      case .data4K, .dataLarge, .instruction4K, .instructionLarge: "entries"
      }
    }

    init(_ array: TLBArrayName) {
      self =
        switch array {
        case .data4K: .data4K
        case .dataLarge: .dataLarge
        case .instruction4K: .instruction4K
        case .instructionLarge: .instructionLarge
        }
    }
  }

  private struct Slot: Hashable {
    var processor: UInt8
    var array: UInt64
    var set: UInt64
    var way: UInt64
  }

  private struct Entry {
    var linear: UInt64
    var isGlobal: Bool
  }

  private let hasWalks: Bool
  private let hasTLB: Bool
  private var walks: UInt64 = 0
  private var walkCycles: UInt64 = 0
  private var firstCycle: UInt64?
  private var entries: [Slot: Entry] = [:]

  /// In the order of letters of `TLBFields.rights`.
  private static let globalRight: UInt64 = 1 << 2

  /// - Parameter kinds: those that were recorded.
  init(_ kinds: EventKinds) {
    hasWalks = kinds.contains(.walk)
    hasTLB = kinds.isSuperset(of: [.tlbFill, .tlbEvict, .flush])
  }

  /// The curves that the trace has events for.
  var curves: [Curve] {
    Curve.allCases.filter {
      switch $0 {
      case .walks, .walkCycles, .otherCycles: hasWalks
      case .data4K, .dataLarge, .instruction4K, .instructionLarge: hasTLB
      }
    }
  }

  /// Takes the next event. Returns the curves that go on, with their new values.
  mutating func take(_ event: TraceEvent) -> [(Curve, UInt64)] {
    let cycle = event.moment.cycle
    let first = firstCycle ?? cycle
    firstCycle = first
    switch event.kind {
    case .walk:
      walks &+= 1
      walkCycles &+= event.duration
      let passed = cycle &- first
      return [
        (.walks, walks), (.walkCycles, walkCycles),
        (.otherCycles, passed > walkCycles ? passed - walkCycles : 0),
      ]
    case .tlbFill where hasTLB:
      let rights = event[TLBFields.rights]
      entries[Self.slot(event)] = Entry(
        linear: event[TLBFields.linear], isGlobal: rights & Self.globalRight != 0)
      return count(of: event[TLBFields.array])
    case .tlbEvict where hasTLB:
      entries[Self.slot(event)] = nil
      return count(of: event[TLBFields.array])
    case .flush where hasTLB:
      flush(event)
      return (0..<UInt64(TLBArrayName.allCases.count)).flatMap(count)
    default: return []
    }
  }

  private static func slot(_ event: TraceEvent) -> Slot {
    Slot(
      processor: event.moment.processor, array: event[TLBFields.array], set: event[TLBFields.set],
      way: event[TLBFields.way])
  }

  private func count(of array: UInt64) -> [(Curve, UInt64)] {
    guard array < UInt64(TLBArrayName.allCases.count) else { return [] }
    return [
      (Curve(TLBArrayName.allCases[Int(array)]), UInt64(entries.keys.count { $0.array == array }))
    ]
  }

  private mutating func flush(_ event: TraceEvent) {
    let processor = event.moment.processor
    switch FlushFields.Cause(rawValue: event[FlushFields.by]) {
    case .invlpg:
      let linear = event[FlushFields.linear]
      entries = entries.filter { slot, entry in
        let name = slot.array < 4 ? TLBArrayName.allCases[Int(slot.array)] : .data4K
        // 2 MiB, as under PAE.
        let shift: UInt64 = name == .dataLarge || name == .instructionLarge ? 21 : 12
        return slot.processor != processor || entry.linear >> shift != linear >> shift
      }
    case .cr3 where event[FlushFields.keepsGlobal] == 1:
      entries = entries.filter { $0.key.processor != processor || $0.value.isGlobal }
    default: entries = entries.filter { $0.key.processor != processor }
    }
  }
}
