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
}
