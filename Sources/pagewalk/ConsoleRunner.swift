import Debugger
import Emulator

/// Lets the guest of a debugger run: in slices, with its console on standard output, until Ctrl-C.
final class ConsoleRunner: GuestRunner {
  private let guest: GuestMachine
  private var console = Console()
  /// The last byte that the guest sent; the shell begins a line of its own.
  private var last = UInt8(ascii: "\n")

  init(_ guest: GuestMachine) { self.guest = guest }

  func run(untilCycle limit: UInt64, passingBreakpoint: Bool) -> StopReason {
    var passesBreakpoint = passingBreakpoint
    while true {
      let (next, overflow) = guest.cycle.addingReportingOverflow(RunLoop.slice)
      let reason = guest.machine.run(
        untilCycle: min(limit, overflow ? .max : next), passingBreakpoint: passesBreakpoint)
      passesBreakpoint = false
      let isEnd = reason.isEnd
      printOutput(draining: isEnd)
      if isEnd || reason != .cycleLimit { return reason }
      if Interruption.isRequested { return .interrupted }
      if guest.cycle >= limit { return .cycleLimit }
    }
  }

  func receive(_ bytes: [UInt8]) { guest.receive(bytes) }

  private func printOutput(draining: Bool) {
    for byte in guest.takeConsoleOutput(draining: draining) {
      console.send(byte)
      last = byte
    }
    console.flush()
  }

  /// Ends the guest's line, if it is in the middle of one.
  func beginLine() {
    guard last != UInt8(ascii: "\n") else { return }
    console.send(UInt8(ascii: "\n"))
    console.flush()
    last = UInt8(ascii: "\n")
  }
}
