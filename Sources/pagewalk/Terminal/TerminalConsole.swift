import Glibc
import Reports
import Runs

/// The guest's console on this process's standard streams.
final class TerminalConsole: GuestConsole {
  /// Who uses it, which decides what standard input is for and how the guest is told of.
  enum Use {
    /// `run`: standard input is the guest's serial line.
    case run
    /// The debugger: standard input is the guest's while it runs, if it is a terminal, and the commands' otherwise.
    case debugger
    /// Traces, and runs whose input is in files: standard input is left alone.
    case output
  }

  private let use: Use
  /// Whether what the guest prints is left out.
  private let isQuiet: Bool
  /// Whether what is said about the guest is left out.
  private let isSilent: Bool
  /// Whether a person types, and sees the guest's lines.
  private let isTerminal = isatty(STDIN_FILENO) == 1
  /// Whether more input may come.
  private var isOpen: Bool
  /// The last byte that the guest sent; the shell begins a line of its own.
  private var last = UInt8(ascii: "\n")
  private var showsProgress = false

  init(_ use: Use, isQuiet: Bool = false, isSilent: Bool = false) {
    self.use = use
    self.isQuiet = isQuiet
    self.isSilent = isSilent
    isOpen = use == .run || (use == .debugger && isTerminal)
  }

  func begin() {
    if use != .output { TerminalMode.enter() }
  }

  func end() {
    if use != .output { TerminalMode.leave() }
  }

  func show(_ bytes: [UInt8]) {
    guard !isQuiet, let byte = bytes.last else { return }
    Output.standard.write(bytes)
    Output.standard.flush()
    last = byte
  }

  func showDebugOutput(_ bytes: [UInt8]) {
    if !isQuiet { StandardError.write(bytes) }
  }

  func receive(atMost limit: Int) -> [UInt8] {
    guard isOpen, limit > 0, hasInput(within: 0) else { return [] }
    var isClosed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
      let count = read(STDIN_FILENO, buffer.baseAddress, limit)
      filled = max(count, 0)
      isClosed = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)
    }
    if isClosed { isOpen = false }
    return bytes
  }

  func wait() -> Bool {
    guard isOpen else { return false }
    // In short naps, because a signal between the look at the flag and the call would not end a long one.
    while !isInterrupted, !hasInput(within: 100) {}
    return true
  }

  /// Whether input, or its end, arrives within this many milliseconds.
  private func hasInput(within milliseconds: Int32) -> Bool {
    var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) > 0
  }

  func say(_ lines: [String]) {
    if isSilent { return }
    guard use == .debugger else { return StandardError.report(lines) }
    beginLine()
    StandardError.write(lines.map { PlainText.of($0) + "\n" }.joined())
  }

  var isInterrupted: Bool { Interruption.isRequested }

  func progress(_ fraction: Double?) {
    guard isatty(StandardError.descriptor) == 1 else { return }
    if let fraction {
      showsProgress = true
      StandardError.write("\r\(Int(min(max(fraction, 0), 1) * 100)) %")
    } else if showsProgress {
      showsProgress = false
      StandardError.write("\r      \r")
    }
  }

  /// Ends the guest's line, if it is in the middle of one.
  func beginLine() {
    guard last != UInt8(ascii: "\n") else { return }
    Output.standard.write("\n")
    Output.standard.flush()
    last = UInt8(ascii: "\n")
  }
}
