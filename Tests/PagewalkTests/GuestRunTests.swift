import Foundation
import Reports
import Testing

/// Guests of a few bytes, run as people run them.
@Suite("Running guests")
struct GuestRunTests {
  /// A flat Multiboot image: header and load addresses, then `code` at 100020h, where it starts.
  static func image(_ code: [UInt8]) -> [UInt8] {
    let flags: UInt32 = 0x1_0000
    let words: [UInt32] = [
      0x1BAD_B002, flags, 0 &- 0x1BAD_B002 &- flags, 0x10_0000, 0x10_0000, 0, 0x10_4000, 0x10_0020,
    ]
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
      + code
  }

  struct Ended {
    let status: Int32
    let output: String
    let error: String
    var lastErrorLine: String { error.split(separator: "\n").last.map(String.init) ?? "" }
    /// What `--json` printed last; it names the image and the ending too, which are not part of the statistics.
    var statistics: RunStatistics {
      get throws { try JSONDecoder().decode(RunStatistics.self, from: Data(lastErrorLine.utf8)) }
    }
  }

  /// Runs `code` with `input` on its serial line. Once the first output has come, `meanwhile` gets the process.
  func run(
    _ code: [UInt8], _ options: String..., input: String = "", meanwhile: ((Process) -> Void)? = nil
  ) throws -> Ended {
    let file = FileManager.default.temporaryDirectory.appending(path: "pagewalk-guest-\(UUID().uuidString)")
    try Data(Self.image(code)).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments = ["run", "--memory", "4M"] + options + [file.path]
    let (typed, output, error) = (Pipe(), Pipe(), Pipe())
    process.standardInput = typed
    process.standardOutput = output
    process.standardError = error
    try process.run()
    try typed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try typed.fileHandleForWriting.close()
    var printed = Data()
    if let meanwhile {
      printed = output.fileHandleForReading.availableData
      meanwhile(process)
    }
    printed += try output.fileHandleForReading.readToEnd() ?? Data()
    let messages = try error.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus, output: String(decoding: printed, as: UTF8.self),
      error: StartLine.removed(from: String(decoding: messages, as: UTF8.self)))
  }

  /// mov dx, 3F8h; mov al, character; out dx, al
  static func say(_ character: Character) -> [UInt8] {
    [0x66, 0xBA, 0xF8, 0x03, 0xB0, character.asciiValue ?? 0, 0xEE]
  }

  @Test func theExitDeviceGivesTheStatus() throws {
    for status in [UInt8(0), 1, 42, 255] {
      // mov al, status; out F4h, al; hlt
      let ended = try run(Self.say("H") + Self.say("i") + [0xB0, status, 0xE6, 0xF4, 0xF4])
      #expect(ended.status == Int32(status))
      #expect(ended.output == "Hi", "what was still on the line comes out")
      #expect(ended.error.isEmpty, "\(ended.error)")
    }
  }

  /// The guest is entered as Multiboot says: EAX holds the magic number, EBX points to flags that say so.
  @Test func registersAreHandedOver() throws {
    let ended = try run([
      0x3D, 0x02, 0xB0, 0xAD, 0x2B,  // cmp eax, 2BADB002h
      0x75, 0x06,  // jne, to the output of AL
      0x8A, 0x03,  // mov al, [ebx]
      0x24, 0x45,  // and al, 45h: memory, command line, map
      0x34, 0x45 ^ 7,  // xor al: 7 if all of them are set
      0xE6, 0xF4, 0xF4,
    ])
    #expect(ended.status == 7, "\(ended.error)")
  }

  @Test func aTripleFaultIsStatus3WithAPostMortem() throws {
    // ud2, with the real-mode vectors for an interrupt table.
    let ended = try run([0x0F, 0x0B])
    #expect(ended.status == 3)
    #expect(ended.error.hasPrefix("pagewalk: triple fault at 00100020, cycle "), "\(ended.error)")
    #expect(ended.error.contains("  first: #UD of the instruction at 00100020\n"), "\(ended.error)")
    #expect(ended.error.contains("shut the processor down: a triple fault"))
    #expect(ended.error.contains("CR0 "))
    #expect(!ended.error.contains("PDE["))
  }

  @Test func theWalkThatFailedIsShown() throws {
    // mov eax, 3000h; mov cr3, eax; mov eax, cr0; or eax, 80000000h; mov cr0, eax: a directory of zeros.
    let ended = try run([
      0xB8, 0, 0x30, 0, 0, 0x0F, 0x22, 0xD8, 0x0F, 0x20, 0xC0, 0x0D, 0, 0, 0, 0x80, 0x0F, 0x22, 0xC0, 0x90,
    ])
    #expect(ended.status == 3)
    #expect(ended.error.contains("#PF(0000) of the instruction at "), "\(ended.error)")
    #expect(ended.error.contains("the cause: PDE[0] is not present"), "\(ended.error)")
    #expect(ended.error.contains("memory    PDE[0]     000003000"), "\(ended.error)")
  }

  @Test func limitsHaltsAndResetsHaveTheirStatus() throws {
    let limit = try run([0xEB, 0xFE], "--max-cycles", "100000", "--timing", "functional")
    #expect(limit.status == 4)
    #expect(limit.error == "pagewalk: cycle limit reached at 00100020, cycle 100000\n")
    let halt = try run([0xFA, 0xF4])
    #expect(halt.status == 5)
    #expect(halt.error.hasPrefix("pagewalk: halted for good at 0010002"), "\(halt.error)")
    // mov al, 1; out 92h, al
    let reset = try run([0xB0, 0x01, 0xE6, 0x92, 0xF4])
    #expect(reset.status == 6)
    #expect(reset.error.hasPrefix("pagewalk: reset by the guest at "), "\(reset.error)")
  }

  @Test(.timeLimit(.minutes(1))) func ctrlCSaysWhereTheGuestStood() throws {
    let code = Self.say("R") + [0xEB, 0xFE]
    let ended = try run(code) { $0.interrupt() }
    #expect(ended.status == 130)
    #expect(ended.output == "R")
    #expect(ended.error.hasPrefix("pagewalk: interrupted at 00100027, cycle "), "\(ended.error)")
  }

  @Test func standardInputIsTheSerialLine() throws {
    let echo: [UInt8] = [
      0x66, 0xBA, 0xFD, 0x03,  // mov dx, 3FDh
      0xEC, 0xA8, 0x01, 0x74, 0xF7,  // in al, dx; test al, 1; jz, back to the start
      0x66, 0xBA, 0xF8, 0x03,  // mov dx, 3F8h
      0xEC, 0xEE,  // in al, dx; out dx, al
      0x3C, 0x71, 0x75, 0xED,  // cmp al, 'q'; jne, back to the start
      0xB0, 0x00, 0xE6, 0xF4, 0xF4,
    ]
    let text = String(repeating: "All of this comes back. ", count: 20) + "q"
    let ended = try run(echo, input: text)
    #expect(ended.status == 0)
    #expect(ended.output == text)
  }

  @Test func statisticsGoToStandardError() throws {
    let code: [UInt8] = [0xB0, 0x00, 0xE6, 0xF4, 0xF4]
    let json = try run(code, "--stats", "--json")
    let statistics = try json.statistics
    #expect(json.error.filter(\.isNewline).count == 1)
    #expect(statistics.instructions > 20, "the boot ROM alone takes more")
    #expect(statistics.ports.writes > 10)
    #expect(statistics.tlb.map(\.name) == ["ITLB 4K", "ITLB large", "DTLB 4K", "DTLB large"])
    // The same run counts the same.
    #expect(try run(code, "--json").statistics == statistics)
    #expect(try run(code, "--stats").error.contains("instructions  "))
  }
}
