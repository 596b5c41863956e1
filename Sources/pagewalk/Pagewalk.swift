import ArgumentParser
import Glibc

/// The root of the command line.
struct Pagewalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pagewalk",
    abstract: "A cycle-level virtual machine of an IA-32 PC with PAE, for looking at memory management.",
    discussion: """
      Examples:
        pagewalk run --memory 6G .build/images/minikernel.elf
        pagewalk trace record -e walk,pte-store,flush,fault .build/images/minikernel.elf -o kernel.pwt
        pagewalk test Tests/Golden
      """,
    subcommands: [
      RunCommand.self, DebugCommand.self, TraceCommand.self, TestCommand.self, MachinesCommand.self,
    ])
}

@main
enum Main {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Parses and runs one command. Mistakes of the person at the keyboard are one line on standard error and status 2,
  /// whether the argument parser or a file's reader found them.
  static func run(_ arguments: [String]) -> Int32 {
    do {
      var command = try Pagewalk.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.success
    } catch let status as ExitCode {
      return status.rawValue
    } catch {
      if Pagewalk.exitCode(for: error) == .success {
        // A request for help, which is no mistake.
        print(Pagewalk.fullMessage(for: error))
        return ExitStatus.success
      }
      StandardError.write("pagewalk: \(Self.oneLine(Pagewalk.message(for: error)))\n")
      return ExitStatus.hostMistake
    }
  }

  /// `message` without line breaks: the argument parser wraps long ones.
  private static func oneLine(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == " " }) }.joined(separator: " ")
  }
}
