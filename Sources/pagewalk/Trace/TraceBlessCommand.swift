import ArgumentParser
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
      StandardError.write("pagewalk: \(golden): nothing has changed\n")
      return
    }
    if dryRun { return }
    var header = recorded
    if let image { header.image = image }
    let old = try TraceSetup(of: recorded, golden: golden, image: path, allowsOtherModules: true)
    header.modules = old.header.modules
    header.imageDigest = old.header.imageDigest
    let setup = old.with(header)
    try TraceRecording(setup, path: golden, form: form).run(output: nil)
  }

  /// Whether there is something to bless.
  private func showDifference(_ path: String) throws -> Bool {
    do {
      let verification = try TraceVerification(
        golden: golden, image: path, timing: nil, allowsOtherModules: true)
      switch try verification.run() {
      case .same:
        guard verification.setup.header.modules == verification.golden.header.modules else {
          StandardError.write("pagewalk: \(golden): other modules, with which it does the same\n")
          return true
        }
        guard verification.isSameBuild else {
          StandardError.write("pagewalk: \(golden): another build, which does the same\n")
          return true
        }
        return false
      case .different(let divergence):
        StandardError.write("pagewalk: \(golden): " + verification.report(divergence).text)
        return true
      }
    } catch is VerificationInterrupted {
      throw ExitCode(ExitStatus.interrupted)
    } catch let error as TraceError where [.incomplete, .corrupt, .otherVersion, .empty].contains(error.reason) {
      // A golden that is damaged behind its header, or of an older version, can be made anew.
      StandardError.write("pagewalk: \(error)\n")
      return true
    }
  }
}
