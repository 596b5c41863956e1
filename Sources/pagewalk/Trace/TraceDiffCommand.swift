import ArgumentParser
import Reports
import Runs
import Traces

/// `pagewalk trace diff`.
struct TraceDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two traces without running anything.",
    discussion: """
      Traces of two builds are compared by the names of places, as 'verify --image' does. Status 0: the same; 1: different.

      Examples:
        pagewalk trace diff before.pwt after.pwt
        pagewalk trace diff --timing off pentium-pro.pwt pentium3.pwt
      """)

  @Argument(help: "The first trace.", completion: .file())
  var a: String

  @Argument(help: "The second.", completion: .file())
  var b: String

  @OptionGroup var timing: TimingOptions

  func run() throws {
    let (first, second) = (try TraceFile.open(a), try TraceFile.open(b))
    guard first.header.kinds == second.header.kinds, first.header.filter == second.header.filter else {
      throw TraceError(
        file: b, .mismatch, "was recorded with another choice of events than \(a)",
        expected: "traces of the same events: \(first.header.kinds.list)")
    }
    let isSameBuild = first.header.imageDigest == second.header.imageDigest
    var compared: UInt64 = 0
    let divergence = try TraceDiff.run(
      first, second, timing: timing.comparison ?? (isSameBuild ? .strict : .off), compared: &compared)
    guard let divergence else {
      Output.standard.write(lines: ["\(compared) events, all the same"])
      return
    }
    let (namesA, namesB) = (TracePlaces(first), TracePlaces(second))
    let report = DivergenceReport(
      divergence, isExact: first.header.isExact && second.header.isExact, names: ("first", "second"),
      golden: { namesA.briefly($0) }, run: { namesB.briefly($0) })
    Output.standard.write(PlainText.ofLines(report.text))
    throw ExitCode(ExitStatus.different)
  }
}
