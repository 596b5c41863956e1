import Foundation
import Testing

/// Machines in files, by the command line.
@Suite("Snapshots in files")
struct SnapshotCommandTests {
  private let hello = TraceRunner.images.appending(path: "hello.elf").path
  private let kernel = TraceRunner.images.appending(path: "minikernel.elf").path

  /// What of a run's counts must be the same.
  private func counts(_ file: String, _ runner: TraceRunner) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: runner.bytes(file)) as? [String: Any]
    var counts = object ?? [:]
    for key in ["run", "start", "image", "machine"] { counts[key] = nil }
    return counts
  }

  @Test func aLoadedMachineGoesOnAsTheSavedOne() throws {
    let runner = try TraceRunner()
    let plain = try runner.run(
      "run", "--memory", "16M", "--quiet", "--stats-file", runner.path("plain.json"), kernel)
    let saved = try runner.run(
      "snapshot", "save", "--memory", "16M", "--at", "2000000", "-o", runner.path("a.snap"), kernel)
    #expect(saved.status == 0, "\(saved.error)")
    #expect(saved.error.contains("a.snap: saved at cycle 2000"), "\(saved.error)")
    let loaded = try runner.run(
      "snapshot", "load", "--quiet", "--stats-file", runner.path("loaded.json"), runner.path("a.snap"))
    #expect(loaded.status == plain.status, "\(loaded.error)")
    #expect(saved.output + loaded.output == plain.output)
    let (first, second) = (try counts("plain.json", runner), try counts("loaded.json", runner))
    #expect(NSDictionary(dictionary: first).isEqual(to: second))
    let inspected = try runner.run("snapshot", "inspect", runner.path("a.snap"))
    #expect(inspected.status == 0)
    #expect(
      inspected.output.contains("snapshot of version 1") && inspected.output.contains("memory: 16777216"))
  }

  @Test func aTextSaysWhere() throws {
    let runner = try TraceRunner()
    let plain = try runner.run("run", "--memory", "16M", "--quiet", hello)
    let text = String(plain.output.prefix(5))
    let saved = try runner.run(
      "snapshot", "save", "--memory", "16M", "--when", text, "-o", runner.path("a.snap"), hello)
    #expect(saved.status == 0 && saved.output == text, "\(saved.error)")
    let loaded = try runner.run("snapshot", "load", "--quiet", runner.path("a.snap"))
    #expect(saved.output + loaded.output == plain.output && loaded.status == plain.status)
    let never = try runner.run(
      "snapshot", "save", "--memory", "16M", "--when", "never said", "-o", runner.path("b.snap"), hello)
    #expect(never.status == 2 && never.error.contains("the guest ended before"), "\(never.error)")
    #expect(!FileManager.default.fileExists(atPath: runner.path("b.snap")))
  }

  @Test func mistakesAreNamed() throws {
    let runner = try TraceRunner()
    let saved = try runner.run(
      "snapshot", "save", "--memory", "16M", "--at", "100000", "--quiet", "-o", runner.path("a.snap"), hello)
    #expect(saved.status == 0, "\(saved.error)")
    let bytes = [UInt8](try runner.bytes("a.snap"))
    func refused(_ changed: [UInt8], _ expected: String) throws {
      try Data(changed).write(to: URL(filePath: runner.path("b.snap")))
      for command in ["load", "inspect"] {
        let result = try runner.run("snapshot", command, runner.path("b.snap"))
        #expect(result.status == 2 && result.output == "", "\(command)")
        #expect(
          result.error.split(separator: "\n").count == 1 && result.error.contains(expected), "\(result.error)"
        )
      }
    }
    try refused([], "is not a snapshot")
    try refused(Array("some text, and then more".utf8), "is not a snapshot")
    try refused(Array(bytes.dropLast(7)), "is damaged: it ends too early")
    try refused(bytes + [0], "goes on behind its end")
    var version = bytes
    version[8] = 9
    try refused(version, "is a snapshot of version 9; expected version 1")
    var middle = bytes
    middle[bytes.count / 2] ^= 0x10
    try refused(middle, "is damaged: it has a block whose checksum is another")
    #expect(try runner.run("snapshot", "load", runner.path("none.snap")).error.contains("can't be read"))
    // The image is for names alone.
    let moved = runner.path("moved.elf")
    try FileManager.default.copyItem(atPath: hello, toPath: moved)
    _ = try runner.run(
      "snapshot", "save", "--memory", "16M", "--at", "100000", "--quiet", "-o", runner.path("c.snap"), moved)
    try FileManager.default.removeItem(atPath: moved)
    let nameless = try runner.run("snapshot", "load", runner.path("c.snap"))
    #expect(nameless.status == 0 && nameless.error.contains("addresses have no names"), "\(nameless.error)")
  }

  @Test func theDiskIsTheOneThatItWas() throws {
    let runner = try TraceRunner()
    try Data(count: 1 << 20).write(to: URL(filePath: runner.path("disk.img")))
    let saved = try runner.run(
      "snapshot", "save", "--memory", "16M", "--at", "100000", "--quiet", "--keyboard", "--rtc", "2026-01-31",
      "--disk", runner.path("disk.img"), "-o", runner.path("a.snap"), hello)
    #expect(saved.status == 0, "\(saved.error)")
    #expect(try runner.run("snapshot", "load", runner.path("a.snap")).status == 0)
    try Data(repeating: 1, count: 1 << 20).write(to: URL(filePath: runner.path("disk.img")))
    let other = try runner.run("snapshot", "load", runner.path("a.snap"))
    #expect(other.status == 2 && other.error.contains("was saved with other contents of"), "\(other.error)")
  }

  @Test func tracesKnowWhatIsPluggedIn() throws {
    let runner = try TraceRunner()
    try Data(count: 1 << 20).write(to: URL(filePath: runner.path("disk.img")))
    let recorded = try runner.run(
      "trace", "record", "--memory", "16M", "--keyboard", "--rtc", "2026-01-31", "--disk",
      runner.path("disk.img"),
      "--quiet", "-e", "flush,fault,port", hello, "-o", runner.path("a.pwt"))
    #expect(recorded.status == 0, "\(recorded.error)")
    #expect(try runner.run("trace", "verify", runner.path("a.pwt")).status == 0)
    let shown = try runner.run("trace", "show", runner.path("a.pwt")).output
    #expect(!shown.isEmpty)
    try Data(repeating: 1, count: 1 << 20).write(to: URL(filePath: runner.path("disk.img")))
    let other = try runner.run("trace", "verify", runner.path("a.pwt"))
    #expect(
      other.status != 0 && other.error.contains("was recorded with other contents of"), "\(other.error)")
    let writable = try runner.run(
      "trace", "record", "--disk", runner.path("disk.img") + ":rw", hello, "-o", runner.path("b.pwt"))
    #expect(writable.status == 2 && writable.error.contains("does not go with a trace"), "\(writable.error)")
  }
}
