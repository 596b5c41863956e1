import Debugger
import Emulator
import GDBServer
import Glibc
import Runs

/// A guest that gdb attaches to, on this process's standard streams.
struct GDBSession {
  let machine: GuestMachine
  private let port: ClientPort
  private let console: RemoteConsole

  /// Finds the place for gdb, and switches the machine on.
  /// - Throws: a sentence where there can be no such place or machine.
  init(_ guest: GuestOptions, at address: ServerAddress, isSilent: Bool = false) throws {
    let terminal: any GuestConsole =
      address == .standardStreams
      ? ErrorConsole() : TerminalConsole(.debugger, isSilent: isSilent)
    port = try ClientPort(address)
    console = RemoteConsole(
      terminal, port, canType: address != .standardStreams && isatty(STDIN_FILENO) == 1,
      forgetInterruption: Interruption.begin)
    machine = try guest.makeMachine(console: console)
  }

  /// Serves gdb until there is no more to serve.
  /// - Returns: the machine's past.
  @discardableResult
  func serve(history: HistoryOptions, policy: GDBServer.Policy) -> MachineHistory {
    let history = history.begin(machine.machine)
    let session = DebuggerSession(
      machine: machine.machine, image: machine.image, console: console, history: history)
    session.readSource = SourceFiles.lines
    Interruption.install()
    let server = GDBServer(session, port, console, policy: policy)
    if port.address != .standardStreams { StandardError.write(server.invitation + "\n") }
    server.serve()
    return history
  }
}

/// The guest's console where standard input and output are gdb's: all that is shown goes to standard error.
private final class ErrorConsole: GuestConsole {
  func begin() {}
  func end() {}
  func show(_ bytes: [UInt8]) { StandardError.write(bytes) }
  func showDebugOutput(_ bytes: [UInt8]) { StandardError.write(bytes) }
  func receive(atMost limit: Int) -> [UInt8] { [] }
  func wait() -> Bool { false }
  func say(_ lines: [String]) { StandardError.write(lines.map { $0 + "\n" }.joined()) }
  var isInterrupted: Bool { Interruption.isRequested }
  func progress(_ fraction: Double?) {}
}
