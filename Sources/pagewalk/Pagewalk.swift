import ArgumentParser
import Glibc
import Reports

/// The root of the command line.
struct Pagewalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pagewalk",
    abstract: "A cycle-level virtual machine of an IA-32 PC with PAE, for looking at memory management.",
    discussion: """
      Examples:
        pagewalk run --memory 6G .build/images/minikernel.elf
        pagewalk debug .build/images/paging-tour.elf
        pagewalk trace record -e walk,flush,fault .build/images/minikernel.elf -o kernel.pwt
        pagewalk test Tests/Golden
      """,
    version: "pagewalk 0.1.0",
    subcommands: [
      RunCommand.self, DebugCommand.self, ReportCommand.self, TraceCommand.self, TestCommand.self,
      MachinesCommand.self, InspectCommand.self, SnapshotCommand.self,
    ])
}

@main
enum Main {
  static func main() {
    StandardDescriptors.fill()
    var status = execute()
    do {
      try Output.standard.finish()
    } catch {
      StandardError.report(["\(error)"])
      status = ExitStatus.hostMistake
    }
    exit(status)
  }

  /// Parses and runs one command. Mistakes of the person at the keyboard are one line on standard error and status 2,
  /// whether the argument parser or a file's reader found them.
  private static func execute() -> Int32 {
    do {
      let arguments = CommandLineWords.withPorts(CommandLineWords.arguments())
      try CommandLineWords.checkSubcommands(arguments)
      var command = try Pagewalk.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.success
    } catch let status as ExitCode {
      return status.rawValue
    } catch {
      if Pagewalk.exitCode(for: error) == .success {
        // A request for help, or the version, which is not an error.
        let text = Pagewalk.fullMessage(for: error, columns: HelpText.unbroken)
        Output.standard.write(lines: [HelpText.wrapped(text)])
        return ExitStatus.success
      }
      StandardError.report([oneLine(Pagewalk.message(for: error))])
      return ExitStatus.hostMistake
    }
  }

  /// `message` without line breaks: the argument parser wraps long ones.
  private static func oneLine(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == " " }) }.joined(separator: " ")
  }
}
