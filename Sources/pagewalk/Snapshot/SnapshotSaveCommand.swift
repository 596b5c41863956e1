import ArgumentParser
import GuestImages
import HostFiles
import Reports
import Runs

/// `pagewalk snapshot save`.
struct SnapshotSaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save",
    abstract: "Boot an image and save the machine at a cycle, or when it has printed something.",
    discussion: """
      The file is written when the run has come so far, and takes its place when it is whole. A guest that ends before then saves \
      nothing; the status is 2.

      Examples:
        pagewalk snapshot save --at 345000000 --append console=ttyS0 --initrd initrd.cpio -o init.snap vmlinux
        pagewalk snapshot save --when 'login: ' --input name.txt@1000000 -o login.snap kernel.elf
      """)

  @OptionGroup var guest: GuestOptions

  @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  @Option(help: ArgumentHelp("Save at this clock cycle.", valueName: "cycle"))
  var at: UInt64?

  @Option(help: ArgumentHelp("Save when the guest has printed this.", valueName: "text"))
  var when: String?

  @OptionGroup var typed: InputOption

  @Option(help: ArgumentHelp("Give up after this many clock cycles.", valueName: "n"))
  var maxCycles: UInt64?

  @Flag(help: "Don't print the guest's console.")
  var quiet = false

  func validate() throws {
    guard (at == nil) != (when == nil) else {
      throw ValidationError("a snapshot needs a place: either --at or --when")
    }
    if when?.isEmpty == true { throw ValidationError("--when needs a text that the guest prints") }
    if guest.peripherals.disk?.hasSuffix(":rw") == true {
      throw ValidationError(
        "a disk with :rw does not go with a snapshot, which has what the guest writes itself")
    }
  }

  func run() throws {
    let pieces = try typed.read()
    let terminal = TerminalConsole(.output, isQuiet: quiet)
    let machine = try guest.makeMachine(console: terminal)
    let point = SavePoint(machine, at: when.map { .printed(HostName.bytes($0)) } ?? .cycle(at ?? 0))
    var companions: [any RunCompanion] = [point]
    if !pieces.isEmpty { companions.append(TypedInput(machine, pieces)) }
    Interruption.install()
    let ending = RunLoop(machine, console: terminal, companions: companions, maxCycles: maxCycles).runToEnd()
    guard let archive = point.archive else {
      if ending.reason == .interrupted { throw ExitCode(ExitStatus.interrupted) }
      throw RunOptionError("\(output): not saved: the guest ended before, \(ending.reason.title)")
    }
    let setup = SnapshotSetup(
      description: try guest.options.description(), commandLine: guest.options.append,
      start: guest.options.start)
    let length = try machine.save(setup, archive: archive, to: output)
    StandardError.report(["\(output): saved at cycle \(machine.cycle), \(length) bytes"])
  }
}
