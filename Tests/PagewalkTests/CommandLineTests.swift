import Foundation
import Testing

/// The command as people run it: a process with arguments, two streams and an exit status.
@Suite("Command line")
struct CommandLineTests {
  struct Result {
    let status: Int32
    let output: String
    let error: String
  }

  /// The executable beside the one that runs the tests.
  static let executable = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appending(path: "pagewalk")

  func pagewalk(_ arguments: String..., input: FileHandle = .nullDevice) throws -> Result {
    try pagewalk(arguments, input: input)
  }

  /// Runs a guest of these bytes in 4 MiB.
  func guest(_ code: [UInt8], _ options: String..., input: FileHandle = .nullDevice) throws -> Result {
    let file = try temporaryFile(GuestRunTests.image(code))
    defer { try? FileManager.default.removeItem(at: file) }
    return try pagewalk(["run", "--memory", "4M"] + options + [file.path], input: input)
  }

  func pagewalk(_ arguments: [String], input: FileHandle = .nullDevice) throws -> Result {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    let (output, error) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = error
    try process.run()
    // What a command prints here fits into a pipe, so neither reader can hold up the other.
    let outputData = try output.fileHandleForReading.readToEnd() ?? Data()
    let errorData = try error.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: String(decoding: outputData, as: UTF8.self),
      error: String(decoding: errorData, as: UTF8.self))
  }

  func temporaryFile(_ bytes: [UInt8]) throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "pagewalk-test-\(UUID().uuidString)")
    try Data(bytes).write(to: url)
    return url
  }

  @Test func aFileThatIsNoImageIsOneLineAndStatus2() throws {
    let file = try temporaryFile(Array("# Pagewalk\n\nText.".utf8))
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try pagewalk("run", file.path)
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(
      result.error == """
        pagewalk: \(file.path): not an ELF file (it begins with the text "# Pagewa"); expected an ELF32 executable \
        for i386, such as `make images` puts into .build/images

        """)
  }

  static let mistakes: [([String], String)] = [
    (["run"], "image"),
    (["run", "/nonexistent"], "/nonexistent: can't be read (No such file or directory)"),
    (["run", "/"], "is a directory"),
    (["run", "--memory", "65G", "x"], "'65G' is out of range"),
    (["run", "--memory", "lots", "x"], "'lots' has no unit"),
    (["run", "--timing", "guess", "x"], "functional"),
    (
      ["run", "--machine", "pentium5", "x"],
      "pentium5: can't be read (No such file or directory); expected p6, pentium-pro, pentium2, pentium3, pentium4, ideal, or a YAML"
    ),
    (["run", "--machine", "/", "x"], "/: is a directory"),
    (["machines", "/nonexistent"], "/nonexistent: can't be read"),
    (["run", "--machine", #filePath, "x"], "is not YAML"),
    (["run", "--max-cycles", "0", "x"], "cycle limit '0'"),
    (["run", "--max-cycles", "-5", "x"], "cycle"),
    (["run", "x", "y"], "y"),
    (["run", "--bogus", "x"], "--bogus"),
    (["walk"], "there is no subcommand 'walk'"),
    (["rnu", "x"], "there is no subcommand 'rnu': did you mean 'run'?"),
    (["trace", "recrod", "x"], "there is no subcommand 'trace recrod': did you mean 'trace record'?"),
    (["help", "tets"], "did you mean 'test'?"),
    (
      ["run", "--memory", "100T", "x"],
      "'100T' is out of range; expected a number and K, M or G from 1M to 64G"
    ),
    (["run", "--profile", "", "x"], "--profile needs the beginning of a path"),
    (["run", "--input", "/nonexistent@5", "x"], "/nonexistent: can't be read"),
  ]

  @Test(arguments: mistakes) func mistakesAreOneLineAndStatus2(_ arguments: [String], _ text: String) throws {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    let error = Pipe()
    process.standardError = error
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    #expect(line.hasPrefix("pagewalk: "))
    #expect(line.contains(text), "\(line)")
    #expect(line.filter(\.isNewline).count == 1, "\(line)")
  }

  @Test func everyHelpCarriesAnExample() throws {
    for arguments in [["--help"], ["run", "--help"], ["help", "run"], ["machines", "--help"], []] {
      let process = Process()
      process.executableURL = Self.executable
      process.arguments = arguments
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(text.contains("Example"), "\(text)")
      #expect(text.contains("pagewalk run --memory 6G"), "\(text)")
    }
  }

  @Test func theVersionIsPrinted() throws {
    let result = try pagewalk("--version")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("pagewalk ") && result.output.filter(\.isNewline).count == 1)
  }

  /// Examples can be copied as they are; everything else fits a terminal of 80 columns.
  @Test(
    arguments: [
      [], ["run"], ["debug"], ["test"], ["machines"], ["trace"], ["trace", "record"], ["trace", "verify"],
      ["trace", "diff"], ["trace", "bless"], ["trace", "show"], ["trace", "stat"], ["trace", "export"],
    ])
  func helpIsBrokenButForExamples(_ command: [String]) throws {
    let text = try pagewalk(command + ["--help"]).output
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("Example") { isExample = true } else if line.isEmpty { isExample = false }
      if isExample { continue }
      #expect(line.count <= 80, "\(line)")
    }
    let examples = text.split(separator: "\n").drop { !$0.hasPrefix("Example") }.dropFirst()
      .prefix { $0.hasPrefix("  ") }
    #expect(
      !examples.isEmpty && examples.allSatisfy { $0.hasPrefix("  pagewalk ") || $0.hasPrefix("  printf ") })
  }

  /// A run whose input is in a file takes the same course every time; --quiet says nothing of it.
  @Test func inputAtACycleIsExact() throws {
    let echo: [UInt8] = [
      0x66, 0xBA, 0xFD, 0x03,  // mov dx, 3FDh
      0xEC, 0xA8, 0x01, 0x74, 0xF7,  // in al, dx; test al, 1; jz, back to the start
      0x66, 0xBA, 0xF8, 0x03,  // mov dx, 3F8h
      0xEC, 0xEE,  // in al, dx; out dx, al
      0x3C, 0x71, 0x75, 0xED,  // cmp al, 'q'; jne, back to the start
      0xB0, 0x00, 0xE6, 0xF4, 0xF4,
    ]
    let typed = try temporaryFile(Array("abq".utf8))
    defer { try? FileManager.default.removeItem(at: typed) }
    func cycles(_ input: String) throws -> Int {
      let result = try guest(echo, "--input", input, "--stats-file", "-", "--quiet")
      #expect(result.status == 0 && result.error == "", "\(result.error)")
      #expect(result.output.hasPrefix("abq"), "\(result.output)")
      let json =
        try JSONSerialization.jsonObject(with: Data(result.output.dropFirst(3).utf8)) as? [String: Any]
      return json?["cycles"] as? Int ?? 0
    }
    let early = try cycles(typed.path + "@2000000")
    #expect(try cycles(typed.path + "@2000000") == early)
    let late = try cycles(typed.path + "@5000000")
    #expect(abs(late - early - 3_000_000) < 1_000, "\(early) \(late)")
  }

  @Test func machinesAreListedAndPrinted() throws {
    let list = try pagewalk("machines")
    #expect(list.status == 0)
    #expect(list.output.split(separator: "\n").count == 6)
    let file = try temporaryFile(Array(try pagewalk("machines", "pentium-pro").output.utf8))
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try pagewalk("machines", file.path).output == pagewalk("machines", "pentium-pro").output)
  }

  @Test func aMachineThatCannotBeIsRefusedByName() throws {
    let file = try temporaryFile(Array("tlb:\n  data-4k: {entries: 64, ways: 5}\n".utf8))
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try pagewalk("run", "--machine", file.path, "x")
    #expect(result.status == 2)
    #expect(
      result.error == """
        pagewalk: \(file.path):2: tlb.data-4k.ways is 5, which does not divide the 64 entries; expected a divisor of the \
        entries

        """)
  }
}
