import Foundation
import Testing

/// What SIGKILL leaves is removed by the next one that writes the same file.
@Suite("Killed writers")
struct KilledWriterTests {
  private let runner: TraceRunner

  init() throws { runner = try TraceRunner() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: runner.folder.path).filter {
      !$0.hasPrefix("err-") && !$0.hasPrefix("out-")
    }
    .sorted()
  }

  @Test func noGoldenIsLost() throws {
    let rounds = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] == nil ? 20 : 500
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    let image = TraceRunner.images.appending(path: "hello.elf").path
    for round in 0..<rounds {
      let process = try runner.start(
        [
          "trace", "record", "--quiet", "-e", "all", "--memory", "16M", image, "-o",
          runner.path("golden.pwt"),
        ],
        output: FileHandle.nullDevice, error: FileHandle.nullDevice)
      Thread.sleep(forTimeInterval: Double(round % 20) * 0.004)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      // At most the one that was killed just now.
      #expect(try names().filter { $0 != "golden.pwt" }.count <= 1)
    }
    #expect(try runner.run("trace", "verify", runner.path("golden.pwt")).status == 0)
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    #expect(try names() == ["golden.pwt"])
  }

  @Test func onlyThoseOfTheDeadGo() throws {
    let mine = ".golden.pwt.pagewalk-\(ProcessInfo.processInfo.processIdentifier)-1"
    // No process has a number this high: the kernel's limit is 2^22.
    let dead = ".golden.pwt.pagewalk-2000000000-1"
    let others = [
      mine, ".golden.pwt.pagewalk-2000000000-1.mine", ".golden.pwt.pagewalk-2000000000",
      ".other.pwt.pagewalk-2000000000-1",
      ".golden.pwt.pagewalk--1-1", "golden.pwt.pagewalk-2000000000-1",
    ]
    for name in others + [dead] { try Data("x".utf8).write(to: runner.folder.appending(path: name)) }
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    #expect(try names() == (others + ["golden.pwt"]).sorted())
  }
}
