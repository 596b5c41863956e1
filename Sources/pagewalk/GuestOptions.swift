import ArgumentParser
import Emulator
import MachineDescriptions

extension TimingLevel: ExpressibleByArgument {}

/// The machine and the guest in it: what every command that boots one is told.
struct GuestOptions: ParsableArguments {
  @Argument(help: "The ELF file to boot.", completion: .file())
  var image: String

  @Option(
    help: ArgumentHelp("RAM, from 1M to 64G. (default: the machine's, or else 6G)", valueName: "size"),
    transform: MemorySize.init(parsing:))
  var memory: MemorySize?

  @Option(help: ArgumentHelp("The guest's command line.", valueName: "string"))
  var append = ""

  @Option(
    help: ArgumentHelp(
      "A file for the guest, with the string it sees beside it (by default the file's name). May be repeated.",
      valueName: "file[:string]"))
  var module: [String] = []

  @Option(
    help: ArgumentHelp(
      "The machine: one that 'pagewalk machines' lists, or a YAML file.", valueName: "name|file"))
  var machine = "p6"

  @Option(help: ArgumentHelp("How finely time is modelled.", valueName: "level"))
  var timing = TimingLevel.full

  /// The machine with the image in it, switched on and not run yet.
  /// - Throws: what its parts throw, each a sentence.
  func makeMachine() throws -> GuestMachine {
    let description = try MachineDescription(named: machine)
    let size = memory ?? description.memoryBytes.map(MemorySize.init(bytes:)) ?? MemorySize(bytes: 6 << 30)
    return try GuestMachine(
      RunPreparation(image: image, memory: size, commandLine: append, modules: module),
      description: description,
      timing: timing)
  }
}
