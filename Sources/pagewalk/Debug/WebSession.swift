import CEdit
import Debugger
import Emulator
import Glibc
import Runs
import WebServer
import WebView

/// The debugger's shell with a page in a browser beside it: both drive one session, on this thread.
enum WebSession {
  /// Executes the scripts, then what comes on standard input; after the end of a pipe the page is served on, until Ctrl-C.
  ///
  /// - Returns: the exit status: 2 after a mistake in a script or a pipe.
  /// - Throws: a sentence where there can be no such machine or server.
  static func run(
    _ guest: GuestOptions, history: HistoryOptions, scripts: [(file: String, text: String)], port: UInt16,
    isSilent: Bool = false
  ) throws -> (status: Int32, machine: GuestMachine, history: MachineHistory) {
    let terminal = TerminalConsole(.debugger, isSilent: isSilent)
    let console = DeskConsole(terminal, canType: isatty(STDIN_FILENO) == 1)
    let machine = try guest.makeMachine(console: console)
    let history = history.begin(machine.machine)
    let session = DebuggerSession(
      machine: machine.machine, image: machine.image, console: console, history: history)
    session.readSource = SourceFiles.lines
    let source = PageSource(session)
    let board = JobBoard()
    let desk = PageDesk(source, board)
    console.desk = desk
    Interruption.install()
    Interruption.end()
    desk.willMove = Interruption.begin
    desk.didMove = {
      Interruption.end()
      machine.flushDebugOutput()
    }
    let server = try PageServer(port: port, board: board)
    defer {
      board.close()
      server.stop()
    }
    StandardError.write("The page is at \(server.gate.address)\n")
    LineEditor.other = (board.descriptor, { desk.serve() })
    defer { LineEditor.other = nil }
    let status = DebugLoop(session, scripts: scripts, desk: desk, beginLine: terminal.beginLine).run()
    if isatty(STDIN_FILENO) != 1, !session.wantsToQuit { serve(desk) }
    return (status, machine, history)
  }

  /// Serves the page until Ctrl-C.
  private static func serve(_ desk: PageDesk) {
    Interruption.forgetPrompt()
    while !Interruption.takePrompt() {
      var request = pollfd(fd: desk.board.descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&request, 1, 200) > 0 { desk.serve() }
    }
  }
}
