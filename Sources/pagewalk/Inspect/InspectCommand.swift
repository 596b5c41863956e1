import ArgumentParser
import GuestImages
import Reports
import Runs

/// `pagewalk inspect`: what an image is, without running it.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what an image is, how it would be started, and what is odd about it.",
    discussion: """
      Examples:
        pagewalk inspect kernel.elf
        pagewalk inspect --json vmlinuz | jq .linux
      """)

  @Argument(help: "The file.", completion: .file())
  var image: String

  @OptionGroup var options: StartOptions

  @Flag(help: "As one line of JSON.")
  var json = false

  func run() throws {
    let report = ImageReport(try GuestImage(reading: image, start: options.choice))
    Output.standard.write(lines: json ? [report.json.text] : report.lines)
  }
}
