import ArgumentParser
import MachineDescriptions
import Reports
import Runs

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
      Output.standard.write(try MachineDescription(named: machine).yaml)
      return
    }
    let rows = MachineDescription.presets.map { [$0.description.name, $0.summary] }
    Output.standard.write(TextTable.aligned(rows, rightAligned: []))
  }
}
