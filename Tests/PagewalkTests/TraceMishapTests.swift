import Foundation
import Testing

/// What goes wrong while traces are made and used: one line and status 2, and nothing lost.
@Suite("Trace mishaps")
struct TraceMishapTests {
  let runner: TraceRunner
  init() throws { runner = try TraceRunner() }

  @Test func aGoldenWithoutEventsVerifiesNothing() throws {
    try runner.record(".build/images/hello.elf", "task", "empty.pwt", "--memory", "16M")
    let ended = try runner.run("trace", "verify", runner.path("empty.pwt"))
    #expect(ended.status == 2 && ended.error.contains("holds no event"), "\(ended.error)")
  }

  @Test func aFullDiskIsOneLine() throws {
    let ended = try runner.run(
      "trace", "record", "--quiet", "-e", "all", ".build/images/hello.elf", "-o", "/dev/full")
    #expect(ended.status == 2)
    #expect(ended.error == "pagewalk: /dev/full: can't be written to its end (No space left on device)\n")
  }

  /// The same in the middle: what was written before can be read.
  @Test func aDiskThatFillsUpLeavesWhatWasWritten() throws {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    let command =
      "\(CommandLineTests.executable.path) trace record --quiet -e walk,tlb-fill,tlb-evict --memory 64M "
      + "--append scale=2 .build/images/bench.elf -o \(runner.path("big.pwt"))"
    shell.arguments = ["-c", "ulimit -f 2000; \(command)"]
    shell.currentDirectoryURL = TraceRunner.project
    let messages = Pipe()
    shell.standardError = messages
    try shell.run()
    let error = String(decoding: try messages.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 2)
    #expect(error == "pagewalk: \(runner.path("big.pwt")): can't be written to its end (File too large)\n")
    let stat = try runner.run("trace", "stat", runner.path("big.pwt"))
    #expect(stat.status == 2 && stat.error.contains("its recorder was stopped"), "\(stat.error)")
    #expect(stat.output.contains("walk "), "\(stat.output)")
  }

  /// A trace never takes the place of another file.
  @Test func otherFilesAreNotWrittenOver() throws {
    try Data("precious".utf8).write(to: runner.folder.appending(path: "notes"))
    let ended = try runner.run("trace", "record", ".build/images/hello.elf", "-o", runner.path("notes"))
    #expect(ended.status == 2 && ended.error.contains("is there and is not a trace"), "\(ended.error)")
    #expect(try runner.bytes("notes") == Data("precious".utf8))
  }

  /// Ctrl-C ends a recording in order, and what it holds can be verified.
  @Test func aRecordingThatWasStoppedIsAGoldenToo() throws {
    let process = try runner.start(
      [
        "trace", "record", "--quiet", "-e", "walk", "--memory", "64M", ".build/images/bench.elf", "-o",
        runner.path("a.pwt"),
      ],
      output: FileHandle.nullDevice, error: FileHandle.nullDevice)
    try runner.waitUntilFolderHolds(moreThan: 0)
    Thread.sleep(forTimeInterval: 0.5)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    let ended = try runner.run("trace", "verify", runner.path("a.pwt"))
    #expect(ended.status == 0 && ended.error.contains("all the same"), "\(ended.error)")
  }

  /// Killed in the middle, twice: a new file is readable, a golden is not touched.
  @Test func aKilledRecorderLeavesWhatItWrote() throws {
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    let golden = try runner.bytes("golden.pwt")
    for name in ["new.pwt", "golden.pwt"] {
      let before = try runner.size()
      let process = try runner.start(
        [
          "trace", "record", "--quiet", "-e", "instruction,access", "--memory", "64M",
          ".build/images/bench.elf", "-o",
          runner.path(name),
        ], output: FileHandle.nullDevice, error: FileHandle.nullDevice)
      try runner.waitUntilFolderHolds(moreThan: before + 3_000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(try runner.bytes("golden.pwt") == golden)
    let stat = try runner.run("trace", "stat", runner.path("new.pwt"))
    #expect(stat.status == 2)
    #expect(stat.error.contains("its recorder was stopped before the end"), "\(stat.error)")
    #expect(stat.output.contains("instruction"), "\(stat.output)")
    let verified = try runner.run("trace", "show", "--count", "3", runner.path("new.pwt"))
    #expect(verified.status == 0)
  }

  @Test func mistakesAreOneLineAndStatus2() throws {
    let cases: [([String], String)] = [
      (["trace", "record", "-e", "walks", "x.elf", "-o", "/tmp/x"], "the event kind 'walks' is not known"),
      (["trace", "record", "x.elf"], "--output"),
      (
        ["trace", "record", ".build/images/hello.elf", "-o", "/nonexistent/x"],
        "/nonexistent/x: can't be written"
      ),
      (
        ["trace", "record", ".build/images/hello.elf", "--symbol", "nowhere", "-o", "/tmp/x"],
        "has no symbol 'nowhere'"
      ),
      (
        ["trace", "record", ".build/images/hello.elf", "--cycles", "9-3", "-o", "/tmp/x"],
        "is not a window of cycles"
      ),
      (["trace", "verify", "README.md"], "README.md: is not a trace"),
      (["trace", "verify", "/nonexistent"], "/nonexistent: can't be read"),
      (["trace", "export", "--to", "vcd", "x"], "vcd"),
      (
        ["trace", "export", "--to", "champsim", "Tests/Golden/minikernel.pwt"], "holds no instruction events"
      ),
      (["test", "Sources"], "Sources: holds no golden"),
      (["test", "/nonexistent"], "/nonexistent: is not a folder"),
    ]
    for (arguments, problem) in cases {
      let ended = try runner.runAll(arguments)
      #expect(ended.status == 2, "\(arguments)")
      #expect(ended.error.contains(problem), "\(arguments): \(ended.error)")
      #expect(ended.error.split(separator: "\n").count == 1, "\(ended.error)")
    }
  }
}
