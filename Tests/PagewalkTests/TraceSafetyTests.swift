import Foundation
import Testing

/// Nothing is lost: two recorders of one golden, Ctrl-C, signals, full disks, links.
@Suite("Goldens are not lost")
struct TraceSafetyTests {
  let runner: TraceRunner
  init() throws { runner = try TraceRunner() }

  private static let null = FileHandle.nullDevice
  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: runner.folder.path)
      .filter { !$0.hasPrefix("out-") && !$0.hasPrefix("err-") }.sorted()
  }
  private func record(_ name: String) throws -> Process {
    try runner.start(
      [
        "trace", "record", "--quiet", "-e", "walk", "--memory", "64M", "--append", "scale=200",
        ".build/images/bench.elf", "-o",
        runner.path(name),
      ],
      output: Self.null, error: Self.null)
  }

  @Test func twoRecordersOfOneGolden() throws {
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    try Data("mine".utf8).write(to: runner.folder.appending(path: "golden.pwt.new"))
    for _ in 0..<10 {
      let processes = try (0..<2).map { index in
        try runner.start(
          [
            "trace", "record", "--quiet", "-e", index == 0 ? "all" : "walk,port", "--memory", "16M",
            ".build/images/hello.elf",
            "-o", runner.path("golden.pwt"),
          ], output: Self.null, error: Self.null)
      }
      for process in processes {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
      #expect(try runner.run("trace", "verify", runner.path("golden.pwt")).status == 0)
    }
    #expect(try names() == ["golden.pwt", "golden.pwt.new"])
    #expect(try runner.bytes("golden.pwt.new") == Data("mine".utf8))
  }

  @Test func ctrlCKeepsTheGolden() throws {
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    let golden = try runner.bytes("golden.pwt")
    let process = try record("golden.pwt")
    try runner.waitUntilFolderHolds(moreThan: golden.count)
    Thread.sleep(forTimeInterval: 0.5)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    #expect(try runner.bytes("golden.pwt") == golden)
    #expect(try names() == ["golden.pwt", "golden.pwt.interrupted"])
    let stat = try runner.run("trace", "stat", runner.path("golden.pwt.interrupted"))
    #expect(stat.status == 0 && stat.output.contains("end: interrupted"), "\(stat.output)\(stat.error)")
  }

  @Test(arguments: [SIGTERM, SIGHUP])
  func signalsLeaveNothingBehind(_ signal: Int32) throws {
    try runner.record(".build/images/hello.elf", "all", "golden.pwt", "--memory", "16M")
    let golden = try runner.bytes("golden.pwt")
    let process = try record("golden.pwt")
    try runner.waitUntilFolderHolds(moreThan: golden.count)
    Thread.sleep(forTimeInterval: 0.5)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
    #expect(try runner.bytes("golden.pwt") == golden)
    #expect(try names() == ["golden.pwt"])
  }

  @Test func aLinkStaysOne() throws {
    try runner.record(".build/images/hello.elf", "all", "real.pwt", "--memory", "16M")
    try FileManager.default.createSymbolicLink(
      atPath: runner.path("link.pwt"), withDestinationPath: "real.pwt")
    try runner.record(".build/images/hello.elf", "port", "link.pwt", "--memory", "16M")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: runner.path("link.pwt")) == "real.pwt")
    let stat = try runner.run("trace", "stat", runner.path("real.pwt")).output
    #expect(stat.contains("port ") && !stat.contains("instruction "), "\(stat)")
    #expect(try names() == ["link.pwt", "real.pwt"])
  }

  @Test func aLimitOnTheSizeOfFilesIsOneLine() throws {
    try Data("before".utf8).write(to: runner.folder.appending(path: "a.json"))
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = [
      "-c",
      "ulimit -f 4; \(CommandLineTests.executable.path) trace export --to ndjson Tests/Golden/minikernel.pwt -o \(runner.path("a.json"))",
    ]
    shell.currentDirectoryURL = TraceRunner.project
    let messages = Pipe()
    shell.standardError = messages
    try shell.run()
    let error = String(decoding: try messages.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 2)
    #expect(error == "pagewalk: \(runner.path("a.json")): can't be written to its end (File too large)\n")
    #expect(try runner.bytes("a.json") == Data("before".utf8))
    #expect(try names() == ["a.json"])
  }

  /// A golden that nothing can be compared with is said to be one before the guest runs: this guest never ends.
  @Test func goldensWithoutAnEndAreToldAtOnce() throws {
    try Data(GuestRunTests.image([0xEB, 0xFE])).write(to: runner.folder.appending(path: "loop.bin"))
    for form in ["pwt", "trace"] {
      let recorded = try runner.run(
        "trace", "record", "--quiet", "--memory", "4M", "-e", "fault", "--max-cycles", "1000000",
        runner.path("loop.bin"), "-o",
        runner.path("empty.\(form)"))
      #expect(recorded.status == 0, "\(recorded.error)")
      let empty = try runner.run("trace", "verify", runner.path("empty.\(form)"))
      #expect(empty.status == 2 && empty.error.contains("holds no event"), "\(empty.error)")
      try runner.record(".build/images/hello.elf", "all", "cut.\(form)", "--memory", "16M")
      try runner.bytes("cut.\(form)").dropLast(20).write(to: runner.folder.appending(path: "cut.\(form)"))
      let cut = try runner.run("trace", "verify", runner.path("cut.\(form)"))
      #expect(cut.status == 2 && cut.error.contains("was not finished"), "\(cut.error)")
    }
  }

  /// A golden of an older format is named as one, and blessed.
  @Test func anOlderGoldenIsBlessed() throws {
    try runner.record(".build/images/hello.elf", "all", "old.trace", "--memory", "16M")
    let text = String(decoding: try runner.bytes("old.trace"), as: UTF8.self)
    let old = text.replacingOccurrences(of: "# pagewalk-trace 2\n", with: "# pagewalk-trace 1\n")
      .split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("# segment: ") }
    try Data(old.joined(separator: "\n").utf8).write(to: runner.folder.appending(path: "old.trace"))
    let verified = try runner.run("trace", "verify", runner.path("old.trace"))
    #expect(
      verified.status == 2 && verified.error.contains("format version 1") && verified.error.contains("bless"))
    let blessed = try runner.run("trace", "bless", runner.path("old.trace"))
    #expect(blessed.status == 0, "\(blessed.error)")
    #expect(try runner.bytes("old.trace") == Data(text.utf8))
  }

  /// Numeric options at their extremes: an answer or one line, and no trap.
  @Test func extremesOfNumbers() throws {
    let golden = "Tests/Golden/hello-instructions.pwt"
    for value in [
      "0", "1", "-1", "9223372036854775807", "18446744073709551615", "18446744073709551616", "x", "",
    ] {
      for arguments in [
        ["trace", "show", "--at", value, "--count", "1", golden],
        ["trace", "show", "--count", value, golden],
        ["trace", "stat", "--functions", value, golden],
        ["trace", "verify", "--timing", "tolerance", "--tolerance", value, golden],
        ["test", "--jobs", value, golden],
        [
          "trace", "record", "--quiet", "--memory", "16M", "--cycles", "\(value)-\(value)",
          ".build/images/hello.elf", "-o",
          runner.path("a.pwt"),
        ],
        [
          "trace", "record", "--quiet", "--memory", "16M", "--max-cycles", value, ".build/images/hello.elf",
          "-o",
          runner.path("a.pwt"),
        ],
        [
          "trace", "record", "--quiet", "--memory", "16M", "--ring", value, ".build/images/hello.elf", "-o",
          runner.path("a.pwt"),
        ],
      ] {
        let ended = try runner.runAll(arguments)
        #expect([0, 1, 2].contains(ended.status), "\(arguments): \(ended.status) \(ended.error)")
      }
    }
  }
}
