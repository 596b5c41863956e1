import Foundation
import Emulator
import GuestImages
import IA32
import Testing
import Traces

@testable import Runs

/// `pagewalk trace` and `pagewalk test`, as people run them.
@Suite("Trace commands")
struct TraceCommandTests {
  let runner: TraceRunner
  init() throws { runner = try TraceRunner() }

  private let kernel = ".build/images/minikernel.elf"
  private let paging = "walk,pte-store,flush,fault"

  // MARK: Exactness

  /// Our own goldens: every sample image.
  @Test func goldensAreAsTheyWere() throws {
    let ended = try runner.run("test", "Tests/Golden")
    #expect(ended.status == 0, "\(ended.output)\(ended.error)")
  }

  /// From another folder, too, and each image has one.
  @Test func everySampleImageHasAGolden() throws {
    let ended = try runner.run(
      "test", TraceRunner.project.appending(path: "Tests/Golden").path, in: runner.folder)
    #expect(ended.status == 0, "\(ended.output)\(ended.error)")
    let files = try FileManager.default.subpathsOfDirectory(atPath: TraceRunner.images.path)
    let names = files.filter { $0.hasSuffix(".elf") }.map { String($0.dropLast(4)) }
    #expect(names.count > 40)
    for name in names { #expect(ended.output.contains("/Golden/\(name)"), "\(name)") }
  }

  @Test func twoRecordingsAreTheSameBytesUnderLoadToo() throws {
    let load = try (0..<3).map { _ in
      try runner.start(
        ["run", "--memory", "64M", "--append", "scale=5", ".build/images/bench.elf"],
        output: FileHandle.nullDevice, error: FileHandle.nullDevice)
    }
    defer { for process in load { process.terminate() } }
    try runner.record(kernel, "all", "a.pwt", "--cycles", "50000000-50300000")
    try runner.record(kernel, "all", "b.pwt", "--cycles", "50000000-50300000")
    #expect(try runner.bytes("a.pwt") == runner.bytes("b.pwt"))
    try runner.record(kernel, paging, "c.pwt")
    try runner.record(kernel, paging, "d.pwt")
    #expect(try runner.bytes("c.pwt") == runner.bytes("d.pwt"))
    #expect(try runner.run("trace", "verify", runner.path("c.pwt")).status == 0)
    #expect(try runner.run("trace", "diff", runner.path("c.pwt"), runner.path("d.pwt")).status == 0)
  }

  /// A window of a trace is what the whole trace has there.
  @Test func aWindowIsAPartOfTheWhole() throws {
    try runner.record(
      ".build/images/paging-tour.elf", "pte-store,fault,flush", "whole.trace", "--exact", "--memory", "64M")
    try runner.record(
      ".build/images/paging-tour.elf", "pte-store,fault,flush", "part.trace", "--exact", "--memory", "64M",
      "--cycles",
      "200000-400000")
    func events(_ name: String) throws -> [String] {
      String(decoding: try runner.bytes(name), as: UTF8.self).split(separator: "\n").filter {
        !$0.hasPrefix("#")
      }
      .map(String.init)
    }
    let part = try events("part.trace")
    let whole = try events("whole.trace").filter { line in
      guard let cycle = line.split(separator: " ").first(where: { $0.hasPrefix("cycle=") }) else {
        return false
      }
      return (200_000...400_000).contains(Int(cycle.dropFirst(6)) ?? 0)
    }
    #expect(!part.isEmpty && part == whole)
  }

  @Test func inputIsTypedAgain() throws {
    // Echoes three characters and ends.
    let code: [UInt8] = [
      0xB9, 3, 0, 0, 0,  // mov ecx, 3
      0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 1, 0x74, 0xF7,  // wait for the line's data ready
      0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE,  // in, out
      0xE2, 0xEF, 0x30, 0xC0, 0xE6, 0xF4,  // loop; exit 0
    ]
    try Data(GuestRunTests.image(code)).write(to: runner.folder.appending(path: "echo.bin"))
    try Data("xyz".utf8).write(to: runner.folder.appending(path: "input.txt"))
    let ended = try runner.run(
      "trace", "record", "--memory", "4M", "-e", "console,port", "--max-cycles", "20000000", "--input",
      runner.path("input.txt"), runner.path("echo.bin"), "-o", runner.path("echo.pwt"))
    #expect(ended.status == 0)
    #expect(ended.output == "xyz", "\(ended)")
    #expect(try runner.run("trace", "verify", runner.path("echo.pwt")).status == 0)
  }

  /// Input at a cycle is a part of the recording, so that it comes at that cycle again, without its file.
  @Test func inputAtACycleIsTypedAgain() throws {
    // As above.
    let code: [UInt8] = [
      0xB9, 3, 0, 0, 0, 0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 1, 0x74, 0xF7, 0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE,
      0xE2, 0xEF, 0x30, 0xC0, 0xE6, 0xF4,
    ]
    try Data(GuestRunTests.image(code)).write(to: runner.folder.appending(path: "echo.bin"))
    let (first, rest) = (runner.path("first.txt"), runner.path("rest.txt"))
    try Data("x".utf8).write(to: URL(filePath: first))
    try Data("y\u{7f}".utf8).write(to: URL(filePath: rest))
    for name in ["echo.pwt", "echo.trace"] {
      let ended = try runner.run(
        "trace", "record", "--memory", "4M", "-e", "console,port", "--max-cycles", "20000000", "--exact",
        "--input", "\(rest)@9000000", "--input", "\(first)@7000000", runner.path("echo.bin"), "-o",
        runner.path(name))
      #expect(ended.status == 0 && ended.output == "xy\u{7f}", "\(ended)")
    }
    let header = try TraceFile.open(runner.path("echo.pwt")).header
    #expect(
      header.timedInput == [
        .init(cycle: 9_000_000, bytes: [0x79, 0x7F]), .init(cycle: 7_000_000, bytes: [0x78]),
      ])
    for file in [first, rest] { try FileManager.default.removeItem(atPath: file) }
    for name in ["echo.pwt", "echo.trace"] {
      let verified = try runner.run("trace", "verify", runner.path(name))
      #expect(verified.status == 0, "\(verified.error)")
    }
    let text = try String(contentsOfFile: runner.path("echo.trace"), encoding: .utf8)
    #expect(text.contains(#"input-at: 7000000 "x""#) && text.contains(#"input-at: 9000000 "y\x7f""#))
  }

  /// Modules are found and checked as the image is, and blessed with it.
  @Test func modulesBelongToTheGolden() throws {
    // The first byte of the first module is the status.
    let code: [UInt8] = [0x8B, 0x43, 0x18, 0x8B, 0x00, 0x8A, 0x00, 0xE6, 0xF4]
    try FileManager.default.createDirectory(
      atPath: runner.path("sub/golden"), withIntermediateDirectories: true)
    try Data(GuestRunTests.image(code)).write(to: runner.folder.appending(path: "sub/guest.bin"))
    try Data([7]).write(to: runner.folder.appending(path: "sub/module"))
    let recorded = try runner.run(
      "trace", "record", "--memory", "4M", "-e", "port", "--module", "module:a b", "guest.bin", "-o",
      "golden/m.pwt",
      in: runner.folder.appending(path: "sub"))
    #expect(recorded.status == 0, "\(recorded.error)")
    #expect(try runner.run("test", "--same-build", runner.path("sub/golden")).status == 0)
    try Data([8]).write(to: runner.folder.appending(path: "sub/module"))
    let other = try runner.run("trace", "verify", runner.path("sub/golden/m.pwt"))
    #expect(
      other.status == 2 && other.error.contains("was recorded with another module:a b"), "\(other.error)")
    let blessed = try runner.run("trace", "bless", runner.path("sub/golden/m.pwt"))
    #expect(
      blessed.status == 0 && blessed.error.contains("differs: value (07 in the golden"), "\(blessed.error)")
    #expect(try runner.run("trace", "verify", runner.path("sub/golden/m.pwt")).status == 0)
  }

  /// Whatever else looks at the machine, and however its run is cut up, the bytes are the same.
  @Test func aDebuggerChangesNothing() throws {
    let image = TraceRunner.images.appending(path: "paging-tour.elf").path
    try runner.record(image, "all", "plain.pwt", "--memory", "64M")
    let source = try TraceFile.open(runner.path("plain.pwt"))
    let setup = try TraceSetup(of: source, image: image)
    let guest = try setup.makeMachine(console: TypedConsole(typing: [], output: nil))
    let places = guest.places
    let machine = guest.machine
    let writer = try TraceWriter(path: runner.path("debugged.pwt"), header: setup.header, map: setup.map) {
      [unowned machine] in places.line(at: $0, isPaged: machine.isPaging)?.description
    }
    _ = machine.observe(.all) { writer.append($0, $1) }
    machine.checkStale { _ in }
    var accesses = 0
    _ = machine.watchLinear(0x10_0000...0x10_ffff) { _, _ in accesses += 1 }
    machine.breakpoints = Set(
      setup.preparation.image.symbols.symbols.filter { $0.kind == .function }.map(\.address))
    var stops = 0
    run: while true {
      switch machine.run(untilCycle: machine.cycle + 997, passingBreakpoint: true) {
      case .breakpoint: stops += 1
      case .cycleLimit, .interrupted: _ = machine.registers
      case .exit(let value):
        try writer.finish(
          TraceEnding(
            reason: "exit \(value)", cycles: machine.cycle, instructions: machine.counters.instructions,
            events: writer.count))
        break run
      case let other:
        Issue.record("\(other)")
        break run
      }
    }
    #expect(stops > 100 && accesses > 100)
    let difference = try runner.run("trace", "diff", runner.path("plain.pwt"), runner.path("debugged.pwt"))
    #expect(difference.status == 0, "\(difference.output)")
    #expect(try runner.bytes("plain.pwt") == runner.bytes("debugged.pwt"))
  }

  // MARK: What changed

  /// Bugs of a missing flush: the golden is that of the right guest, the report names where the flush was.
  @Test(arguments: ["missing-invlpg", "unmap-free", "pdpte-new", "global-over-cr3", "last-page-forgotten"])
  func aMissingFlushIsNamed(_ bug: String) throws {
    let images = ".build/images/missing-flush"
    try runner.record("\(images)/\(bug)-fixed.elf", paging, "golden.pwt", "--memory", "16M")
    let ended = try runner.run(
      "trace", "verify", "--image", "\(images)/\(bug).elf", runner.path("golden.pwt"))
    #expect(ended.status == 1)
    #expect(ended.error.contains("missing flush: the golden has "), "\(ended.error)")
    #expect(ended.error.contains("images/common/machine.h:"), "\(ended.error)")
  }

  /// `--debug` stands behind the instruction that differs, and can go back from there.
  @Test func theShellOpensAtTheDifference() throws {
    let images = ".build/images/missing-flush"
    try runner.record("\(images)/wrong-address-fixed.elf", paging, "golden.pwt", "--memory", "16M")
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments = [
      "trace", "verify", "--debug", "--image", "\(images)/wrong-address.elf", runner.path("golden.pwt"),
    ]
    process.currentDirectoryURL = TraceRunner.project
    let (typed, output, error) = (Pipe(), Pipe(), Pipe())
    process.standardInput = typed
    process.standardOutput = output
    process.standardError = error
    try process.run()
    try typed.fileHandleForWriting.write(
      contentsOf: Data("info registers\nreverse-stepi\ninfo registers\n".utf8))
    try typed.fileHandleForWriting.close()
    let printed = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    let said = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 1, "\(said)")
    #expect(said.contains("missing flush: the golden has INVLPG of 40000000"), "\(said)")
    #expect(printed.contains("001007e9") && printed.contains("001007e4"), "\(printed)")
  }

  /// The mini-kernel with its INVLPG made a no-operation: the golden says in which function it was.
  @Test func theMiniKernelWithoutItsFlush() throws {
    try runner.record(kernel, paging, "golden.pwt")
    var bytes = try [UInt8](Data(contentsOf: TraceRunner.images.appending(path: "minikernel.elf")))
    let image = try GuestImage(file: "minikernel.elf", bytes: bytes)
    var patched = 0
    for segment in image.segments where segment.flags.contains(.execute) {
      for offset in segment.fileRange.dropLast(2)
      where bytes[offset] == 0x0F && bytes[offset + 1] == 0x01 && (0x38...0x3F).contains(bytes[offset + 2])
        && bytes[offset + 2] & 7 != 4 && bytes[offset + 2] & 7 != 5
      {
        bytes.replaceSubrange(offset..<offset + 3, with: [0x0F, 0x1F, 0x00])
        patched += 1
      }
    }
    try #require(patched > 0)
    try Data(bytes).write(to: runner.folder.appending(path: "broken.elf"))
    let ended = try runner.run(
      "trace", "verify", "--image", runner.path("broken.elf"), runner.path("golden.pwt"))
    #expect(ended.status == 1)
    #expect(ended.error.contains("missing flush: the golden has INVLPG of "), "\(ended.error)")
    #expect(ended.error.contains("firmware/guest/"), "\(ended.error)")
    let other = try runner.run("trace", "verify", runner.path("golden.pwt"))
    #expect(other.status == 0)
  }

  @Test func anotherBuildWithoutBeingAskedForIsRefused() throws {
    let image = runner.path("guest.elf")
    try FileManager.default.copyItem(
      atPath: TraceRunner.images.appending(path: "missing-flush/alias-fixed.elf").path, toPath: image)
    try runner.record(image, paging, "golden.pwt", "--memory", "16M")
    try FileManager.default.removeItem(atPath: image)
    let missing = try runner.run("trace", "verify", runner.path("golden.pwt"))
    #expect(missing.status == 2 && missing.error.contains("is not there"), "\(missing.error)")
    try FileManager.default.copyItem(
      atPath: TraceRunner.images.appending(path: "missing-flush/alias.elf").path, toPath: image)
    let other = try runner.run("trace", "verify", runner.path("golden.pwt"))
    #expect(other.status == 2 && other.error.contains("was recorded from another build"), "\(other.error)")
    let tested = try runner.run("test", runner.folder.path)
    #expect(tested.status == 1 && tested.output.contains("missing flush"), "\(tested.output)")

    // Bless shows the difference and replaces the golden.
    let before = try runner.bytes("golden.pwt")
    let dry = try runner.run("trace", "bless", "--dry-run", runner.path("golden.pwt"))
    #expect(dry.status == 0 && dry.error.contains("missing flush"))
    #expect(try runner.bytes("golden.pwt") == before)
    let blessed = try runner.run("trace", "bless", runner.path("golden.pwt"))
    #expect(blessed.status == 0 && blessed.error.contains("missing flush"), "\(blessed.error)")
    #expect(try runner.run("trace", "verify", runner.path("golden.pwt")).status == 0)
    #expect(!FileManager.default.fileExists(atPath: runner.path("golden.pwt.new")))
  }
}
