import Debugger
import Glibc

/// The guest's console under the debugger: standard output, and the keyboard while the guest runs, if there is one.
final class DebugConsole: GuestConsole {
  private let guest: GuestMachine
  private var console = Console()
  private let isTerminal = isatty(STDIN_FILENO) == 1
  /// The last byte that the guest sent; the shell begins a line of its own.
  private var last = UInt8(ascii: "\n")
  private var showsProgress = false

  init(_ guest: GuestMachine) { self.guest = guest }

  func begin() {
    if isTerminal { TerminalMode.enter() }
  }

  func end() {
    guest.flushDebugOutput()
    if isTerminal { TerminalMode.leave() }
  }

  func show(_ bytes: [UInt8]) {
    for byte in bytes { console.send(byte) }
    if let byte = bytes.last { last = byte }
    console.flush()
    guest.flushDebugOutput()
  }

  func receive(atMost limit: Int) -> [UInt8] { isTerminal ? console.receive(atMost: limit) : [] }

  func wait() -> Bool {
    guard isTerminal, console.isOpen else { return false }
    while !isInterrupted, !console.wait(milliseconds: 100) {}
    return console.isOpen
  }

  func say(_ lines: [String]) {
    beginLine()
    StandardError.write(lines.map { $0 + "\n" }.joined())
  }

  var isInterrupted: Bool { Interruption.isRequested }

  func progress(_ fraction: Double?) {
    guard isatty(StandardError.descriptor) == 1 else { return }
    if let fraction {
      showsProgress = true
      StandardError.write("\r\(Int(fraction * 100)) %")
    } else if showsProgress {
      showsProgress = false
      StandardError.write("\r      \r")
    }
  }

  /// Ends the guest's line, if it is in the middle of one.
  func beginLine() {
    guard last != UInt8(ascii: "\n") else { return }
    console.send(UInt8(ascii: "\n"))
    console.flush()
    last = UInt8(ascii: "\n")
  }
}
