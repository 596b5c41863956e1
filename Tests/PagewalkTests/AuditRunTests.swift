import Foundation
import Reports
import Testing

/// `pagewalk run --audit` on the images that `make images` builds.
@Suite("Audited runs")
struct AuditRunTests {
  struct Ended {
    let status: Int32
    let output: String
    let error: [String]
  }

  func run(_ image: String, _ options: String..., memory: String = "64M") throws -> Ended {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments =
      ["run", "--memory", memory] + options + [root.appending(path: ".build/images/\(image)").path]
    let (output, error) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = error
    try process.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    let messages = try error.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus, output: String(decoding: printed, as: UTF8.self),
      error: StartLine.removed(from: String(decoding: messages, as: UTF8.self)).split(separator: "\n")
        .map(String.init))
  }

  /// What `--json` printed, without the remarks about the run.
  private func statistics(_ ended: Ended) throws -> RunStatistics {
    try JSONDecoder().decode(RunStatistics.self, from: Data((ended.error.last ?? "").utf8))
  }

  @Test func aGoodKernelTakesTheSameCourseAndOneLineTellsOfTheAudits() throws {
    let plain = try run("minikernel.elf", "--json")
    let audited = try run("minikernel.elf", "--json", "--audit", "every=20000")
    #expect(audited.status == 0 && plain.status == 0)
    #expect(audited.output == plain.output)
    #expect(audited.error.count == 2)
    #expect(
      try statistics(audited) == statistics(plain), "cycles, walks, TLB hits: all that is counted")
    let total = try #require(audited.error.first)
    #expect(total.hasSuffix(" audits, 0 violations"))
    let audits = try #require(Int(total.dropFirst("pagewalk: ".count).prefix { $0.isNumber }))
    #expect(audits > 100)
  }

  @Test func aMissingFlushEndsTheRun() throws {
    let ended = try run("vmalloc-tour.elf", "--audit", "every=10000")
    #expect(ended.status == ExitStatus.violated)
    #expect(ended.error.first?.hasPrefix("pagewalk: audit failed at ") == true)
    let sentence = "  stale-translation: the DTLB 4K array of the TLB still translates"
    #expect(ended.error.contains { $0.hasPrefix(sentence) })
    #expect(ended.error.last?.hasSuffix(" 1 violation") == true, "\(ended.error)")
  }

  @Test func anImageOfAnotherKindIsRefused() throws {
    let ended = try run("hello.elf", "--audit", "every=1000")
    #expect(ended.status == ExitStatus.hostMistake)
    #expect(ended.error.count == 1 && ended.error[0].contains("cannot be audited"))
  }
}
