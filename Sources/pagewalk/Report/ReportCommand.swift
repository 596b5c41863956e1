import ArgumentParser
import Debugger
import Emulator
import GuestImages
import HostFiles
import Reports
import Runs
import Traces
import WebView

/// `pagewalk report`: a finished run as one HTML file.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Run a guest and write what a browser shows of it: one file, to be opened from disk.",
    discussion: """
      The file has the address space, the tables, the TLB, walks, physical memory, code, console and the story of each stale \
      translation, at a number of moments of the run, and asks no network. A recording ('pagewalk trace record') is run again as \
      it was recorded; options of the machine and the guest are then the recording's. 'pagewalk debug --web' shows the same of a live session.

      Examples:
        pagewalk report .build/images/stale.elf -o stale.html
        pagewalk report Tests/Golden/vmalloc-tour.pwt -o tour.html
        pagewalk report --memory 1G --moments 100 --max-cycles 1000000000 kernel.elf -o kernel.html
      """)

  @OptionGroup var guest: GuestOptions
  @OptionGroup var history: HistoryOptions

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp("Moments at which the machine is kept, at most; 2 to 1000.", valueName: "n"),
    transform: Self.parseMoments)
  var moments = 40

  @Option(help: ArgumentHelp("End the run after this many clock cycles.", valueName: "n"))
  var maxCycles: UInt64?

  func run() throws {
    Interruption.install()
    let file: ReplacementFile
    do {
      file = try ReplacementFile(output)
    } catch {
      throw ValidationError("\(error)")
    }
    let console = TerminalConsole(.output, isQuiet: true)
    let (machine, loop) = try prepare(console)
    let past = history.begin(machine.machine)
    machine.keepHistory(past)
    let session = DebuggerSession(
      machine: machine.machine, image: machine.image, console: console, history: past)
    session.readSource = SourceFiles.lines
    let source = PageSource(session)
    let ending = loop(machine).runToEnd()
    if ending.reason == .interrupted { throw ExitCode(ExitStatus.interrupted) }
    let report: RunReport
    do {
      report = try RunReport(source, moments: moments) { share in
        console.progress(share)
        return !Interruption.isRequested
      }
    } catch {
      throw ValidationError(error.message)
    }
    console.progress(nil)
    file.write(WebPageText.report(report.json).bytes)
    do {
      try file.finish()
    } catch {
      throw ValidationError("\(error)")
    }
    StandardError.report(["\(output): \(report.summary)"])
  }

  /// The machine of an image, or of a recording, and how it is run to its end.
  private func prepare(_ console: any GuestConsole) throws -> (GuestMachine, (GuestMachine) -> RunLoop) {
    // What is no recording is an image, or what the image's reader complains of.
    guard (try? TraceFile.header(of: guest.imagePath)) != nil else {
      let machine = try guest.makeMachine(console: console)
      return (machine, { RunLoop($0, console: console, maxCycles: maxCycles) })
    }
    let recorded = try RecordedRun(
      of: guest.imagePath, output: console, isInterrupted: { Interruption.isRequested })
    return (recorded.guest, { _ in recorded.loop })
  }

  private static func parseMoments(_ text: String) throws -> Int {
    guard let count = Int(text), (2...1000).contains(count) else {
      throw ValidationError("'\(text)' is not a number of moments: expected 2 to 1000")
    }
    return count
  }
}
