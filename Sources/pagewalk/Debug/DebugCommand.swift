import ArgumentParser
import Debugger
import Glibc
import GuestImages

/// `pagewalk debug`: the debugger's shell around a guest.
struct DebugCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug",
    abstract: "Look into a guest, stop inside its page walks, go back in time.",
    discussion: """
      The guest stands before its first instruction. Commands come from scripts (-x), then from standard input; on a \
      terminal with line editing and completion. 'help' lists them. While the guest runs, the terminal is its console \
      and Ctrl-C stops it; 'type' sends it a line from the prompt.

      A command that fails says why in one line on standard error. In a script that ends the session with status 2; with \
      commands from a pipe the session goes on, and its status is 2 at the end.

      Examples:
        pagewalk debug --memory 1G .build/images/minikernel.elf
        pagewalk debug -x docs/sessions/walk.pw .build/images/paging-tour.elf
        pagewalk debug --gdb :1234 .build/images/stale.elf
        pagewalk debug --web .build/images/vmalloc-tour.elf
        printf 'catch stale\\nc\\nrc\\nwho $va\\n' | pagewalk debug .build/images/stale.elf
      """)

  @OptionGroup var guest: GuestOptions

  @OptionGroup var history: HistoryOptions

  @Option(
    name: [.customShort("x"), .customLong("script")],
    help: ArgumentHelp("A file with commands to execute first. May be repeated.", valueName: "file"))
  var scripts: [String] = []

  @OptionGroup var remote: GDBOptions

  @OptionGroup var page: WebOptions

  func validate() throws {
    if remote.gdb != nil, page.web != nil { throw ValidationError("--gdb does not go with --web") }
    if guest.peripherals.disk?.hasSuffix(":rw") == true {
      throw ValidationError(
        "a disk with :rw does not go with the debugger: going back would undo what is in the file")
    }
    if remote.gdb != nil, !scripts.isEmpty {
      throw ValidationError("--gdb does not go with --script: gdb has -x, and 'monitor source FILE'")
    }
  }

  mutating func run() throws {
    if let address = remote.gdb {
      let session = try GDBSession(guest, at: address)
      session.serve(history: history, policy: remote.policy)
      return
    }
    let scripts = try self.scripts.map { file in
      (file, String(decoding: try HostFile.read(file), as: UTF8.self))
    }
    if let port = page.web {
      throw ExitCode(try WebSession.run(guest, history: history, scripts: scripts, port: port).status)
    }
    let console = TerminalConsole(.debugger)
    let machine = try guest.makeMachine(console: console)
    throw ExitCode(
      DebugSession.run(
        machine, console: console, history: history.begin(machine.machine), scripts: scripts))
  }
}

/// Source files, for `list`.
enum SourceFiles {
  /// The lines of `file` as the compiler was given it, seen from the current folder; nil if it can't be read.
  static func lines(_ file: String) -> [String]? {
    guard let bytes = try? HostFile.read(file) else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(
        String.init)
  }
}
