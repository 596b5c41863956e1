import ArgumentParser
import Emulator
import GuestImages
import MachineDescriptions
import Runs

extension TimingLevel: ExpressibleByArgument {}
extension SerialTransmission: ExpressibleByArgument {}

/// The machine, and what the guest in it is given: what every command that boots one is told.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("RAM, from 1M to 64G. (default: the machine's, or else 6G)", valueName: "size"),
    transform: MemorySize.init(parsing:))
  var memory: MemorySize?

  @Option(help: ArgumentHelp("The guest's command line.", valueName: "string"))
  var append = ""

  @Option(
    name: [.customLong("module"), .customLong("initrd")],
    help: ArgumentHelp(
      """
      A file for the guest, with the string it sees beside it (by default the file's name); for Linux, an initial RAM disk. \
      May be repeated.
      """, valueName: "file[:string]"))
  var module: [String] = []

  @OptionGroup var starting: StartOptions

  @Option(
    help: ArgumentHelp(
      "The machine: one that 'pagewalk machines' lists, or a YAML file.", valueName: "name|file"))
  var machine = "p6"

  @Option(
    help: ArgumentHelp(
      """
      The processor in it, as its instructions and CPUID go: \(MachineDescription.processors.joined(separator: ", ")). \
      (default: the machine's)
      """, valueName: "name"))
  var cpu: String?

  @Option(help: ArgumentHelp("How finely time is modelled.", valueName: "level"))
  var timing = TimingLevel.full

  @Option(
    help: ArgumentHelp(
      """
      exact: what the guest writes to the serial port without waiting for room is lost, as on the chip; lossless: nothing is. \
      (default: the machine's, or else exact)
      """, valueName: "exact|lossless"))
  var serial: SerialTransmission?

  /// What was decided about how the image is started.
  var start: StartChoice { starting.choice }

  /// - Throws: `MachineDescriptionError` for a machine that is not there or can't be.
  func description() throws -> MachineDescription {
    var description = try MachineDescription(named: machine)
    if let cpu {
      guard MachineDescription.processors.contains(cpu), let changed = description.withProcessor(cpu) else {
        throw ValidationError(
          "there is no processor '\(cpu)'; there are \(MachineDescription.processors.joined(separator: ", "))"
        )
      }
      description = changed
    }
    if let serial { description.serial = serial }
    return description
  }

  /// RAM: what was asked for, or the machine's own, or 6 GiB.
  func memorySize(_ description: MachineDescription) -> MemorySize {
    memory ?? description.memoryBytes.map(MemorySize.init(bytes:)) ?? MemorySize(bytes: 6 << 30)
  }
}
