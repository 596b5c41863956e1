import ArgumentParser
import Glibc
import Reports

/// `pagewalk run`: boots an image and stays with it until it ends.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boot an ELF image and run it with the serial console on this terminal.",
    discussion: """
      The guest ends the run by writing to port F4h; the value is the exit status. A triple fault ends it with \
      status 3, --max-cycles with 4, a halt that nothing can end with 5, a reset with 6, \
      an invariant that --audit finds broken with 7, a stale translation that --check finds with 8 (with stale=warn, if \
      the guest itself ends with 0), Ctrl-C with 130. Mistakes in \
      options and files are status 2.

      IMAGE is an ELF32 executable for i386. With a Multiboot header it is started by that protocol; without one it \
      starts in flat 32-bit protected mode with EAX and EBX 0, and can have neither command line nor modules.

      Examples:
        pagewalk run --memory 6G .build/images/minikernel.elf
        pagewalk run --module initrd.img:root --append "console=ttyS0" kernel.elf
        pagewalk run --max-cycles 1000000000 --stats --json kernel.elf
        pagewalk run --check stale=stop kernel.elf
        pagewalk run --debug kernel.elf
        pagewalk run --timing full --profile /tmp/prof kernel.elf
        pagewalk run --timing full --machine pentium-pro --stats kernel.elf
      """)

  @OptionGroup var guest: GuestOptions

  @OptionGroup var history: HistoryOptions

  @Option(
    help: ArgumentHelp("Stop after so many clock cycles.", valueName: "n"), transform: Self.parseCycles)
  var maxCycles: UInt64?

  @Option(
    help: ArgumentHelp(
      """
      Write where cycles and page-walk cycles went, by symbol and source line, to PREFIX.txt, and as folded stacks to \
      PREFIX.folded and PREFIX.walks.folded.
      """, valueName: "prefix"))
  var profile: String?

  @Option(
    help: ArgumentHelp(
      "Check the mini-kernel's invariants after every so many cycles, and stop when one is broken.",
      valueName: "every=n"),
    transform: AuditInterval.init(parsing:))
  var audit: AuditInterval?

  @Option(
    help: ArgumentHelp(
      """
      Report each use of a translation that memory no longer gives, with the store and the missing invalidation: \
      'stale=warn' goes on, 'stale=stop' ends the run.
      """, valueName: "stale=warn|stop"),
    transform: StaleChecking.init(parsing:))
  var check: StaleChecking?

  @Flag(help: "Keep a history of the run, and give the debugger's prompt on Ctrl-C and at the guest's end.")
  var debug = false

  @Flag(help: "Print what was counted to standard error at the end.")
  var stats = false

  @Flag(help: "Print it as one line of JSON instead; implies --stats.")
  var json = false

  func validate() throws {
    if debug && (audit != nil || profile != nil || maxCycles != nil || check != nil) {
      throw ValidationError(
        "--debug goes with none of --audit, --check, --profile and --max-cycles: the debugger has 'audit', 'set stale' and 'goto'"
      )
    }
  }

  mutating func run() throws {
    if debug { return try runInDebugger() }
    let machine = try guest.makeMachine()
    let profileOutput = try profile.map { try ProfileOutput(prefix: $0) }
    if profile != nil { machine.beginProfile() }
    let audited = try audit.map { try AuditedMachine(machine, interval: $0) }
    if let check { machine.checkStale(check) }
    Interruption.install()
    TerminalMode.enter()
    var loop = RunLoop(machine: audited ?? machine, console: Console(), maxCycles: maxCycles)
    let outcome = loop.run()
    TerminalMode.restore()
    if let message = outcome.message { StandardError.write(message) }
    if let audited { StandardError.write(audited.total) }
    printStatistics(machine)
    if let profileOutput, let report = machine.endProfile(), !profileOutput.write(report) {
      throw ProfileOutput.Failure(path: profile ?? "", reason: "not all of it could be written")
    }
    throw ExitCode(
      outcome.exitStatus == ExitStatus.success && machine.staleUses > 0
        ? ExitStatus.stale : outcome.exitStatus)
  }

  private func printStatistics(_ machine: GuestMachine) {
    guard stats || json else { return }
    let report = StatisticsReport(statistics: machine.statistics)
    StandardError.write(json ? report.json() + "\n" : report.text())
  }

  /// The debugger's shell, with the guest running already.
  private func runInDebugger() throws {
    let machine = try guest.makeMachine()
    let status = DebugSession.run(
      machine, history: history.begin(machine.machine), scripts: [("run --debug", "continue")])
    printStatistics(machine)
    throw ExitCode(status)
  }

  /// - Throws: `ValidationError` with a sentence.
  private static func parseCycles(_ text: String) throws -> UInt64 {
    guard let cycles = UInt64(text), cycles > 0 else {
      throw ValidationError(
        "the cycle limit '\(text)' is not a whole number above 0; expected such as 1000000000")
    }
    return cycles
  }
}
