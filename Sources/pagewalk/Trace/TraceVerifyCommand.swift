import ArgumentParser
import Reports
import Runs
import Traces

/// `pagewalk trace verify`.
struct TraceVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run a golden's image again and stop at the first difference.",
    discussion: """
      Without --image the recorded image must be the same as it was (what is loaded of it, that is: line tables and paths don't \
      count). With --image another build is compared: places by the names of their functions, addresses inside the image by \
      the names they lie in, instructions not counted, time off.

      Status 0: all the same; 1: a difference; 2: nothing could be compared.

      Examples:
        pagewalk trace verify kernel.pwt
        pagewalk trace verify --image build/kernel.elf --timing tolerance kernel.pwt
        pagewalk trace verify --junit report.xml kernel.pwt
      """)

  @Argument(help: "The golden.", completion: .file())
  var golden: String

  @Option(
    help: ArgumentHelp("The image to run, whatever was recorded.", valueName: "file"), completion: .file())
  var image: String?

  @OptionGroup var timing: TimingOptions
  @OptionGroup var output: TestOutputOptions

  @Flag(help: "Compare another build of the recorded image too, as if it were given with --image.")
  var anyBuild = false

  @Flag(help: ArgumentHelp("Print the result for 'pagewalk test'.", visibility: .private))
  var worker = false

  @Flag(help: "Open the debugger's shell at the difference.")
  var debug = false

  func run() throws {
    Interruption.install()
    let start = ContinuousClock.now
    var result = try verify()
    result.duration = ContinuousClock.now - start
    if worker {
      Output.standard.write(lines: result.lines)
      return
    }
    try output.write([result])
    if !output.wantsReport {
      switch result.outcome {
      case .passed(let events): StandardError.report(["\(golden): \(events) events, all the same"])
      case .failed(let lines, _):
        StandardError.write(PlainText.ofLines("pagewalk: \(golden): " + lines.map { $0 + "\n" }.joined()))
      case .unusable: break
      }
    }
    if result.status != 0 { throw ExitCode(result.status) }
  }

  private func verify() throws -> TestResult {
    do {
      let verification = try TraceVerification(
        golden: golden, image: image, timing: timing.comparison, allowsAnyBuild: anyBuild,
        keepsHistory: debug, isInterrupted: { Interruption.isRequested })
      if let warning = verification.warning { StandardError.report([warning]) }
      switch try verification.verify() {
      case .interrupted: throw ExitCode(ExitStatus.interrupted)
      case .same(let count): return TestResult(name: golden, outcome: .passed(events: count))
      case .different(let divergence):
        let report = verification.report(divergence)
        if debug {
          StandardError.write(PlainText.ofLines("pagewalk: \(golden): " + report.text))
          throw ExitCode(try DivergenceShell.enter(verification.guest))
        }
        return TestResult(
          name: golden, outcome: .failed(report.lines, isTimingOnly: divergence.isTimingOnly))
      }
    } catch let status as ExitCode {
      throw status
    } catch  where output.wantsReport || worker {
      return TestResult(name: golden, outcome: .unusable("\(error)"))
    }
  }
}
