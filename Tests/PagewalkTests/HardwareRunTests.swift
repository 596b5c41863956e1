import Foundation
import Testing

@testable import pagewalk

/// What users meet first: how an image is started, where its output went, what the hardware took without a word.
@Suite("Nothing silent about a guest's hardware")
struct HardwareRunTests {
  private let commandLine = CommandLineTests()
  private let exit: [UInt8] = [0xB0, 0x00, 0xE6, 0xF4, 0xF4]  // mov al, 0; out F4h, al; hlt

  /// Stores `text` to the text screen, with the attribute light grey on black.
  private func show(_ text: String) -> [UInt8] {
    text.utf8.enumerated().flatMap { index, character -> [UInt8] in
      // mov word [B8000h + 2 * index], 0700h | character
      [0x66, 0xC7, 0x05, UInt8(2 * index), 0x80, 0x0B, 0x00, character, 0x07]
    }
  }

  @Test func howAnImageIsStartedIsOneLine() throws {
    let result = try commandLine.guest(exit)
    #expect(result.error.split(separator: "\n").count == 1)
    #expect(
      result.error.hasSuffix(
        ": Multiboot, its header at offset 0 with load addresses; 1 segment at 00100000-00103fff, entry 00100020\n"
      ),
      "\(result.error)")
    #expect(try commandLine.guest(exit, "--quiet").error == "")
    // The object of --json says it instead.
    let json = try commandLine.guest(exit, "--json")
    let object = try JSONSerialization.jsonObject(with: Data(json.error.utf8)) as? [String: Any]
    #expect((object?["start"] as? String)?.hasPrefix("Multiboot, its header at offset 0") == true)
  }

  @Test func theTextScreenIsShownIfThatIsAllThereIs() throws {
    let result = try commandLine.guest(show("hello, screen") + exit)
    #expect(result.status == 0 && result.output == "hello, screen\n")
    let both = try commandLine.guest(show("hello, screen") + GuestRunTests.say("S") + exit)
    #expect(both.output == "S", "a guest with a serial console has said what it wanted to")
    #expect(try commandLine.guest(exit).output == "")
    // Where standard output is no terminal, --screen prints the last picture, and then the serial port's output.
    let screen = try commandLine.guest(show("picture") + GuestRunTests.say("S") + exit, "--screen")
    #expect(screen.output == "picture\nS", "\(screen.output)")
    let debug = try commandLine.guest(exit, "--screen", "--debug")
    #expect(debug.status == 2 && debug.error.contains("the debugger has 'screen'"))
  }

  @Test func lostCharactersAreNamedAndNoneNeedBeLost() throws {
    let text = "[bootloader] Setting up paging..."
    let code = text.utf8.flatMap { [0x66, 0xBA, 0xF8, 0x03, 0xB0, $0, 0xEE] as [UInt8] } + exit
    let exact = try commandLine.guest(code)
    let lost = text.utf8.count - exact.output.utf8.count
    #expect(lost > 10)
    #expect(
      exact.error.hasSuffix(
        "pagewalk: COM1: \(lost) characters lost, the guest did not wait for LSR bit 5\n"),
      "\(exact.error)")
    #expect(try commandLine.guest(code, "--stats").error.contains("serial characters lost"))
    let lossless = try commandLine.guest(code, "--serial", "lossless")
    #expect(lossless.output == text && StartLine.removed(from: lossless.error) == "")
    #expect(try commandLine.guest(code, "--serial", "fast").status == 2)
  }

  @Test func accessesThatLeadNowhereAreNamed() throws {
    // mov [D0000000h], eax, twice; xor esp, esp; push eax
    let store: [UInt8] = [0xA3, 0x00, 0x00, 0x00, 0xD0]
    let result = try commandLine.guest(store + store + [0x31, 0xE4, 0x50] + exit)
    let lines = StartLine.removed(from: result.error).split(separator: "\n")
    try #require(lines.count == 2, "\(result.error)")
    #expect(
      lines[0].hasPrefix("pagewalk: 1 store into ROM changed nothing: it was at physical 0fffffffc, cycle "))
    #expect(
      lines[1].hasPrefix(
        "pagewalk: 2 stores where nothing answers changed nothing: the first was at physical 0d0000000, cycle "
      ))
    #expect(lines[1].contains(", by 00100020"))

    // jmp to where nothing answers: #UD, and no handler.
    let fetch = try commandLine.guest([0xB8, 0x00, 0x00, 0x00, 0xD0, 0xFF, 0xE0])
    #expect(fetch.status == 3)
    #expect(fetch.error.contains("fetched as code from where nothing answers read as FF"), "\(fetch.error)")
    #expect(fetch.error.split(separator: "\n").filter { $0.contains("nothing answers") }.count == 1)
  }

  @Test func aWishForVideoIsAWarning() throws {
    var image = GuestRunTests.image(GuestRunTests.say("u") + GuestRunTests.say("p") + exit)
    // Flags bit 2, and the checksum that goes with it.
    image[4] |= 4
    let checksum = 0 &- 0x1BAD_B002 &- UInt32(0x1_0004)
    for byte in 0..<4 { image[8 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
    let file = try commandLine.temporaryFile(image)
    defer { try? FileManager.default.removeItem(at: file) }
    let result = try commandLine.pagewalk(["run", "--memory", "4M", file.path])
    #expect(result.status == 0 && result.output == "up")
    #expect(result.error.contains("its Multiboot header asks for a video mode; it is started in text mode"))
  }
}
