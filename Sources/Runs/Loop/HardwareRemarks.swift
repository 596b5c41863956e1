import Emulator
import Reports

/// Says at a run's end what the hardware took without a word: characters that the serial port lost, and accesses that led
/// nowhere.
public final class HardwareRemarks: RunCompanion {
  private let machine: GuestMachine
  private var last: StopReason?

  /// The remarks on a machine's run.
  public init(_ machine: GuestMachine) { self.machine = machine }

  public var nextCycle: UInt64 { .max }

  public func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    last = reason
    return nil
  }

  public var remarks: [String] {
    // A post-mortem names lost accesses itself.
    serialLoss + (last == .tripleFault ? [] : machine.lostAccesses.lines)
  }

  private var serialLoss: [String] {
    let lost = machine.machine.counters.serialCharactersLost
    guard lost > 0 else { return [] }
    let characters = lost == 1 ? "1 character" : "\(lost) characters"
    return ["COM1: \(characters) lost, the guest did not wait for LSR bit 5"]
  }
}

extension GuestMachine {
  /// Accesses of the guest that led nowhere.
  public var lostAccesses: LostAccessReport {
    let isPaged = machine.isPaging
    let places = places
    return LostAccessReport(machine.lostAccesses) { places.description(of: $0, isPaged: isPaged) }
  }

  /// What the text screen shows if that is all the guest has said: it was written to, and nothing came over the serial
  /// port. nil otherwise.
  public var onlyScreen: TextScreen? {
    guard machine.serialBytesSent == 0, machine.textScreenWrites > 0 else { return nil }
    let screen = machine.textScreen
    return screen.isBlank ? nil : screen
  }
}
