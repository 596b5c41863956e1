import Emulator
import IA32
import Testing

@testable import Debugger

@Suite("The shell's view of the hardware")
struct HardwareCommandTests {
  @Test func theScreen() throws {
    let test = try TestSession.tables()
    #expect(test.say("screen") == "the screen is blank")
  }

  @Test func theDevices() throws {
    let test = try TestSession.tables()
    let places = test.say("info devices")
    #expect(places.contains("16550 serial port, ports 03f8-03ff, IRQ 4\n"))
    #expect(
      places.contains(
        "VGA text memory, memory 0000b8000-0000bffff, ports 03c0-03c1, ports 03d4-03d5, ports 03da-03da"))
    #expect(!places.contains("divisor"))
    #expect(test.say("info devices -v").contains("\n  divisor: "))
  }

  @Test func lostAccesses() throws {
    let test = try TestSession.tables()
    #expect(test.say("info lost") == "no access has led nowhere")
  }

  @Test func theFloatingPointUnit() throws {
    let test = try TestSession.guest("fpu-tour")
    try test.run(to: "looked_at")
    let lines = test.say("info float").split(separator: "\n")
    #expect(lines[0] == "  R7: Special 0x7fff8000000000000000 +Inf")
    #expect(lines[1] == "  R6: Zero    0x00000000000000000000 +0")
    #expect(lines[2] == "  R5: Special 0x00000000000000000001 +3.645199531882474603e-4951 Denormal")
    #expect(lines[3] == "=>R4: Special 0x7fffc000000000000001 QNaN")
    #expect(lines[4] == "  R3: Empty   0x3fff8000000000000000")
    #expect(lines[8] == "Status Word:         0x2000")
    #expect(lines[9] == "                       TOP: 4")
    #expect(lines[12] == "                       RC: Round to nearest")
    #expect(lines[13] == "Tag Word:            0x9aff")
    #expect(lines[16] == "Opcode:              0xdc25")
    #expect(test.say("info float now").hasPrefix("error: "))
  }
}
