import ArgumentParser
import Reports
import Runs
import Traces

/// `pagewalk trace bless`.
struct TraceBlessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bless",
    abstract: "Show how a golden's guest has changed, and record the golden again.",
    discussion: """
      The golden is replaced when the new recording is complete, and not before. Give it with the change that explains the difference.

      Examples:
        pagewalk trace bless Tests/Golden/kernel.pwt
        pagewalk trace bless --image build/kernel.elf kernel.pwt
        pagewalk trace bless --dry-run kernel.pwt
      """)

  @Argument(help: "The golden.", completion: .file())
  var golden: String

  @Option(
    help: ArgumentHelp(
      "The image to record from now on. (default: the recorded one, as it is now)", valueName: "file"),
    completion: .file())
  var image: String?

  @Flag(help: "Show the difference and change nothing.")
  var dryRun = false

  func run() throws {
    Interruption.install()
    let (recorded, form) = try TraceFile.header(of: golden)
    let path = try image ?? TraceSetup.find(recorded.image, golden: golden)
    if try showDifference(path) == false {
      StandardError.report(["\(golden): nothing has changed"])
      return
    }
    if dryRun { return }
    var header = recorded
    if let image { header.image = image }
    let old = try TraceSetup(of: recorded, golden: golden, image: path, allowsOtherModules: true)
    header.modules = old.header.modules
    header.imageDigest = old.header.imageDigest
    header.disk = old.header.disk
    let setup = old.with(header)
    try TraceRecording(
      setup, path: golden, form: form, output: nil,
      isInterrupted: { Interruption.isRequested }
    ).recordAndReport(to: golden)
  }

  /// Whether there is something to bless.
  private func showDifference(_ path: String) throws -> Bool {
    do {
      let verification = try TraceVerification(
        golden: golden, image: path, timing: nil, allowsOtherModules: true,
        isInterrupted: { Interruption.isRequested })
      if let warning = verification.warning { StandardError.report([warning]) }
      switch try verification.verify() {
      case .interrupted: throw ExitCode(ExitStatus.interrupted)
      case .same:
        guard verification.setup.header.modules == verification.golden.header.modules else {
          StandardError.report(["\(golden): other modules, with which it does the same"])
          return true
        }
        guard verification.isSameBuild else {
          StandardError.report(["\(golden): another build, which does the same"])
          return true
        }
        return false
      case .different(let divergence):
        StandardError.write(
          PlainText.ofLines("pagewalk: \(golden): " + verification.report(divergence).text))
        return true
      }
    } catch let error as TraceError
      where [.incomplete, .corrupt, .otherVersion, .empty].contains(error.reason)
    {
      // A golden that is damaged behind its header, or of an older version, can be made anew.
      StandardError.report(["\(error)"])
      return true
    }
  }
}
