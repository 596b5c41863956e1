import ArgumentParser
import Emulator
import Reports
import Runs
import Snapshots

/// `pagewalk snapshot load`.
struct SnapshotLoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Go on with the machine of a snapshot, with the serial console on this terminal.",
    discussion: """
      What ends the run, and with which status, is as of 'run'. With --timing the machine goes on at another level: boot fast, measure \
      late.

      Examples:
        pagewalk snapshot load booted.snap
        pagewalk snapshot load --timing full --stats --input commands.txt@400000000 booted.snap
        pagewalk snapshot load --debug booted.snap
      """)

  @Argument(help: "The snapshot.", completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp("The image, for names. (default: where it was)", valueName: "file"),
    completion: .file())
  var image: String?

  @Option(
    help: ArgumentHelp("The disk's file. (default: where it was)", valueName: "file"), completion: .file())
  var disk: String?

  @Option(
    help: ArgumentHelp("How finely time is modelled from here on. (default: as before)", valueName: "level"))
  var timing: TimingLevel?

  @Option(help: ArgumentHelp("Stop at this clock cycle.", valueName: "n"))
  var maxCycles: UInt64?

  @Option(
    help: ArgumentHelp(
      "Report each use of a translation that memory no longer gives: 'stale=warn' goes on, 'stale=stop' ends the run.",
      valueName: "stale=warn|stop"),
    transform: StaleChecking.init(parsing:))
  var check: StaleChecking?

  @OptionGroup var typed: InputOption

  @OptionGroup var history: HistoryOptions

  @Flag(help: "Keep a history from here on, and begin with the debugger's prompt.")
  var debug = false

  @Flag(help: "Show the guest's text screen while it runs.")
  var screen = false

  @OptionGroup var statistics: StatisticsOptions

  @Flag(help: "Say nothing about the run but mistakes.")
  var quiet = false

  func validate() throws {
    if debug, screen || maxCycles != nil || check != nil || !typed.input.isEmpty {
      throw ValidationError(
        "--debug goes with none of --check, --input, --max-cycles and --screen: the debugger has 'set stale', 'type', 'goto' and 'screen'"
      )
    }
  }

  func run() throws {
    let pieces = try typed.read()
    let terminal = TerminalConsole(
      debug ? .debugger : pieces.isEmpty ? .run : .output, isSilent: quiet)
    let live = screen ? LiveScreen(terminal) : nil
    let console: any GuestConsole = live ?? terminal
    let snapshot = try SnapshotFile(file)
    let (machine, warning) = try GuestMachine.restored(
      from: snapshot, imagePath: image, diskPath: disk, console: console)
    live?.machine = machine.machine
    if let warning { terminal.say([warning]) }
    if let timing { machine.machine.setTiming(timing) }
    let statisticsOutput = try statistics.open()
    let ending: RunEnding
    var status: Int32
    if debug {
      let past = history.begin(machine.machine)
      status = DebugSession.run(machine, console: terminal, history: past)
      ending = RunEnding(past.ended ?? .interrupted, at: machine.position)
    } else {
      var companions: [any RunCompanion] = [HardwareRemarks(machine)]
      if let live { companions.append(live) }
      if !pieces.isEmpty { companions.append(TypedInput(machine, pieces)) }
      if let check { machine.checkStale(check) }
      Interruption.install()
      ending = RunLoop(machine, console: console, companions: companions, maxCycles: maxCycles).runToEnd()
      if live == nil, let screen = machine.onlyScreen {
        console.show(Array((screen.text.joined(separator: "\n") + "\n").utf8))
      }
      terminal.say(ending.lines)
      status = ending.exitStatus
      if status == ExitStatus.success, machine.staleUses > 0 { status = ExitStatus.stale }
    }
    try statisticsOutput?.write(
      StatisticsReport(
        statistics: machine.statistics,
        run: .init(
          ending: ending, status: status, image: machine.image.file, start: "from a snapshot",
          machine: snapshot.header.machineName)))
    throw ExitCode(status)
  }
}
