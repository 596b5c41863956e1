import ArgumentParser
import GDBServer
import GuestImages
import Reports
import Runs

/// `pagewalk run`: boots an image and stays with it until it ends.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boot an image and run it with the serial console on this terminal.",
    discussion: """
      The guest ends the run by writing to port F4h; the value is the exit status. A triple fault ends it with \
      status 3, --max-cycles with 4, a halt that nothing can end with 5, a reset with 6, \
      an invariant that --audit finds broken with 7, a stale translation that --check finds with 8 (with stale=warn, if \
      the guest itself ends with 0), Ctrl-C with 130. Mistakes in \
      options and files are status 2.

      IMAGE is a kernel, and its contents show how it is started: an ELF32 executable for i386 with a Multiboot 1 or 2 \
      header, a Linux kernel (its bzImage, or its ELF file), an ELF file with a PVH note. One with none of these \
      starts in flat 32-bit protected mode with EAX and EBX 0, and can have neither command line nor modules; so does any file with \
      --load-address. 'pagewalk inspect' tells what an image is. Without IMAGE the disk is booted by its first sector, in real mode, with the \
      services of our ROM (INT 10h to 1Ah).

      What is typed on a terminal or comes from a pipe reaches the guest between two slices of its time, when the host has it: \
      such a run takes another course each time, as far as the guest looks at its input. --input is exact, and without input \
      every run is.

      Examples:
        pagewalk run --memory 6G .build/images/minikernel.elf
        pagewalk run --module initrd.img:root --append "console=ttyS0" kernel.elf
        pagewalk run --append console=ttyS0 --initrd initrd.cpio vmlinuz
        pagewalk run --load-address 0x100000 kernel.bin
        pagewalk run --disk disk.img --keyboard --screen
        pagewalk run --max-cycles 1000000000 --stats-file counts.json kernel.elf
        pagewalk run --input commands.txt@5000000 kernel.elf
        pagewalk run --check stale=stop kernel.elf
        pagewalk run --debug kernel.elf
        pagewalk run --timing full --profile /tmp/prof kernel.elf
        pagewalk run --timing full --machine pentium-pro --stats kernel.elf
      """)

  @OptionGroup var guest: GuestOptions

  @OptionGroup var history: HistoryOptions

  @Option(
    help: ArgumentHelp("Stop after this many clock cycles.", valueName: "n"), transform: Self.parseCycles)
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
      "Check the mini-kernel's invariants once in this many cycles, and stop when one is broken.",
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

  @OptionGroup var typed: InputOption

  @Flag(help: "Keep a history of the run, and give the debugger's prompt on Ctrl-C and at the guest's end.")
  var debug = false

  @OptionGroup var remote: GDBOptions

  @OptionGroup var page: WebOptions

  @Flag(
    help: "Show the guest's text screen while it runs; what comes over the serial port follows at the end.")
  var screen = false

  @OptionGroup var statistics: StatisticsOptions

  @Flag(help: "Say nothing about the run but mistakes: not how it was started, nor how it ended.")
  var quiet = false

  func validate() throws {
    if debug && screen {
      throw ValidationError("--debug does not go with --screen: the debugger has 'screen'")
    }
    if debug && (audit != nil || profile != nil || maxCycles != nil || check != nil || !typed.input.isEmpty) {
      throw ValidationError(
        "--debug goes with none of --audit, --check, --input, --profile and --max-cycles: the debugger has 'audit', 'set stale', 'type' and 'goto'"
      )
    }
    if debug || remote.gdb != nil, guest.peripherals.disk?.hasSuffix(":rw") == true {
      throw ValidationError(
        "a disk with :rw does not go with the debugger: going back would undo what is in the file")
    }
    if remote.gdb != nil {
      if debug || screen || audit != nil || profile != nil || maxCycles != nil || check != nil
        || !typed.input.isEmpty
      {
        throw ValidationError(
          "--gdb goes with none of --audit, --check, --debug, --input, --max-cycles, --profile and --screen: gdb has 'monitor audit' and the like"
        )
      }
    }
    if page.web != nil {
      if debug || remote.gdb != nil || screen || audit != nil || profile != nil || maxCycles != nil
        || check != nil
        || !typed.input.isEmpty
      {
        throw ValidationError(
          "--web goes with none of --audit, --check, --debug, --gdb, --input, --max-cycles, --profile and --screen: the page and its shell have what they do"
        )
      }
    }
    if profile?.isEmpty == true {
      throw ValidationError("--profile needs the beginning of a path, such as /tmp/prof")
    }
  }

  mutating func run() throws {
    if debug { return try runInDebugger() }
    if let address = remote.gdb { return try runForGDB(at: address) }
    if let port = page.web { return try runWithPage(at: port) }
    let pieces = try typed.read()
    let terminal = TerminalConsole(pieces.isEmpty ? .run : .output, isSilent: quiet)
    let live = screen ? LiveScreen(terminal) : nil
    let console: any GuestConsole = live ?? terminal
    let machine = try guest.makeMachine(console: console)
    live?.machine = machine.machine
    let profileOutput = try profile.map { prefix throws(OutputError) in try ProfileOutput(prefix: prefix) }
    let statisticsOutput = try statistics.open()
    if profile != nil { machine.beginProfile() }
    sayStart(of: machine, to: terminal)
    var companions: [any RunCompanion] = [HardwareRemarks(machine)]
    if let live { companions.append(live) }
    if !pieces.isEmpty { companions.append(TypedInput(machine, pieces)) }
    if let audit { companions.append(try KernelWatch(machine, interval: audit)) }
    if let check { machine.checkStale(check) }
    Interruption.install()
    let ending = RunLoop(machine, console: console, companions: companions, maxCycles: maxCycles).runToEnd()
    if live == nil, let screen = machine.onlyScreen {
      console.show(Array((screen.text.joined(separator: "\n") + "\n").utf8))
    }
    terminal.say(ending.lines)
    try machine.writeDisk()
    let isStale = ending.exitStatus == ExitStatus.success && machine.staleUses > 0
    let status = isStale ? ExitStatus.stale : ending.exitStatus
    try statisticsOutput?.write(report(machine, ending, status))
    if let profileOutput, let report = machine.endProfile() { try profileOutput.write(report) }
    throw ExitCode(status)
  }

  private func report(_ machine: GuestMachine, _ ending: RunEnding, _ status: Int32) -> StatisticsReport {
    StatisticsReport(
      statistics: machine.statistics,
      run: .init(
        ending: ending, status: status, image: guest.imagePath, start: ImageStart(machine.image).sentence,
        machine: guest.options.machine))
  }

  /// How the image is started, in one line. Where the counts go to standard error as JSON, that object says it.
  private func sayStart(of machine: GuestMachine, to console: TerminalConsole) {
    let start = ImageStart(machine.image)
    let lines = statistics.json ? [] : ["\(start.file): \(start.sentence)"]
    console.say(lines + start.warnings.map { "\(start.file): \($0)" })
  }

  /// The debugger's shell, with the guest running already.
  private func runInDebugger() throws {
    let console = TerminalConsole(.debugger, isSilent: quiet)
    let machine = try guest.makeMachine(console: console)
    sayStart(of: machine, to: console)
    let statisticsOutput = try statistics.open()
    let history = history.begin(machine.machine)
    let status = DebugSession.run(
      machine, console: console, history: history, scripts: [("run --debug", "continue")])
    let ending = RunEnding(history.ended ?? .interrupted, at: machine.position)
    try statisticsOutput?.write(report(machine, ending, status))
    throw ExitCode(status)
  }

  /// The debugger's shell and the page, with the guest running already.
  private func runWithPage(at port: UInt16) throws {
    let statisticsOutput = try statistics.open()
    let (status, machine, history) = try WebSession.run(
      guest, history: history, scripts: [("run --web", "continue")], port: port, isSilent: quiet)
    let ending = RunEnding(history.ended ?? .interrupted, at: machine.position)
    try statisticsOutput?.write(report(machine, ending, status))
    throw ExitCode(status)
  }

  /// gdb lets the guest run. When it has ended and gdb has gone, the exit status is the guest's.
  private func runForGDB(at address: ServerAddress) throws {
    let session = try GDBSession(guest, at: address, isSilent: quiet)
    let statisticsOutput = try statistics.open()
    var policy = remote.policy
    policy.endsWithGuest = true
    let history = session.serve(history: history, policy: policy)
    let ending = RunEnding(history.ended ?? .interrupted, at: session.machine.position)
    try statisticsOutput?.write(report(session.machine, ending, ending.exitStatus))
    throw ExitCode(ending.exitStatus)
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
