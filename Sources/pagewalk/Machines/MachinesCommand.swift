import ArgumentParser
import GuestImages
import MachineDescriptions

/// `pagewalk machines`: the machines that have a name, and any machine as YAML.
struct MachinesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machines",
    abstract: "List the machines that have a name, or print one as YAML.",
    discussion: """
      What is printed is complete and can be edited and given to 'pagewalk run --machine'.

      Examples:
        pagewalk machines
        pagewalk machines pentium-pro > mine.yaml
        pagewalk run --memory 6G --machine mine.yaml .build/images/minikernel.elf
      """)

  @Argument(help: ArgumentHelp("A machine from the list, or a YAML file.", valueName: "name|file"))
  var machine: String?

  func run() throws {
    if let machine {
      print(try MachineDescription(named: machine).yaml, terminator: "")
      return
    }
    let presets = MachineDescription.presets
    let width = presets.map(\.description.name.count).max() ?? 0
    for preset in presets {
      let name = preset.description.name
      print(name + String(repeating: " ", count: width - name.count + 2) + preset.summary)
    }
  }
}

extension MachineDescription {
  /// The preset called `name`, or the description in the file of that name.
  ///
  /// - Throws: `GuestImageError` if the file can't be read, `MachineDescriptionError` for what it says.
  init(named name: String) throws {
    if let preset = Self.preset(named: name) {
      self = preset
      return
    }
    let bytes: [UInt8]
    do {
      bytes = try HostFile.read(name)
    } catch {
      let presets = Self.presets.map(\.description.name).joined(separator: ", ")
      throw GuestImageError(
        file: error.file, error.reason, error.problem,
        expected: "\(presets), or a YAML file that describes a machine")
    }
    try self.init(yaml: bytes, file: name)
  }
}
