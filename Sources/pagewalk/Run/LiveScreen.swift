import Emulator
import Glibc
import Runs

/// `run --screen`: the guest's text screen at the top of the terminal while it runs. What comes over the serial port meanwhile is
/// shown at the end, below it.
///
/// On a stream that is not a terminal, the screen is printed once, at the end.
final class LiveScreen: GuestConsole, RunCompanion {
  /// Cycles between two looks at the screen: some hundred a second on the host.
  private static let period: UInt64 = 1_000_000

  private let console: TerminalConsole
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  /// Set when the machine is built, which the console comes before.
  var machine: Machine?
  private var shown: TextScreen?
  private var shownWrites: UInt64?
  private var held: [UInt8] = []
  private var heldDebug: [UInt8] = []
  private var heldLines: [String] = []

  init(_ console: TerminalConsole) { self.console = console }

  // MARK: The companion

  var nextCycle: UInt64 {
    guard let machine else { return .max }
    let (next, overflow) = machine.cycle.addingReportingOverflow(Self.period)
    return overflow ? .max : next
  }

  func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    draw()
    return nil
  }

  private func draw() {
    guard isTerminal, let machine, machine.textScreenWrites != shownWrites else { return }
    shownWrites = machine.textScreenWrites
    let screen = machine.textScreen
    Output.standard.write(screen.ansiUpdate(from: shown))
    Output.standard.flush()
    shown = screen
  }

  // MARK: The console

  func begin() { console.begin() }

  func end() {
    if isTerminal {
      // Below the screen.
      if let shown { Output.standard.write("\u{1B}[\(shown.rows);1H\n") }
    } else if let machine, machine.textScreenWrites > 0 {
      Output.standard.write(lines: machine.textScreen.text)
    }
    console.end()
    console.show(held)
    console.showDebugOutput(heldDebug)
    if !heldLines.isEmpty { console.say(heldLines) }
    (held, heldDebug, heldLines) = ([], [], [])
    Output.standard.flush()
  }

  func show(_ bytes: [UInt8]) { held += bytes }
  func showDebugOutput(_ bytes: [UInt8]) { heldDebug += bytes }
  func receive(atMost limit: Int) -> [UInt8] { console.receive(atMost: limit) }
  func wait() -> Bool { console.wait() }
  func say(_ lines: [String]) { heldLines += lines }
  var isInterrupted: Bool { console.isInterrupted }
  func progress(_ fraction: Double?) {}
}
