import ArgumentParser
import Emulator
import Runs

/// What a run that can go back in time is told about its history.
struct HistoryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Memory that the history may take, from 16M on. (default: 512M)", valueName: "size"),
    transform: Self.parseBudget)
  var historyMemory = 512 << 20

  @Option(
    help: ArgumentHelp(
      "Cycles between two snapshots: fewer make going back faster. (default: 10000000)", valueName: "cycles"),
    transform: Self.parseInterval)
  var historyInterval: UInt64 = 10_000_000

  /// Begins the history of a machine.
  func begin(_ machine: Machine) -> MachineHistory {
    MachineHistory(machine, interval: historyInterval, budget: historyMemory)
  }

  private static func parseBudget(_ text: String) throws -> Int {
    let size = try MemorySize(parsing: text)
    guard size.bytes >= 16 << 20 else {
      throw ValidationError("'\(text)' is too little for a history: 16M at least")
    }
    return Int(size.bytes)
  }

  private static func parseInterval(_ text: String) throws -> UInt64 {
    guard let cycles = UInt64(text), cycles >= 10_000 else {
      throw ValidationError("'\(text)' is no interval for snapshots: a number of cycles from 10000 on")
    }
    return cycles
  }
}
