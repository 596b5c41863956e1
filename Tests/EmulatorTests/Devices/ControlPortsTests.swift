import Testing

@testable import Emulator

@Suite("Control and debug ports")
struct DevicesControlPortsTests {
  private let pc: DevicesTestMachine

  init() throws {
    pc = try DevicesTestMachine()
  }

  @Test("The POST port remembers its codes")
  func post() {
    #expect(pc.post.lastCode == 0)
    for code: UInt8 in [0x01, 0x02, 0x02, 0x02, 0x03] { pc.write(0x80, code) }
    #expect(pc.post.lastCode == 0x03 && pc.read(0x80) == 0x03)
    #expect(pc.post.state.history == [1, 2, 3])
    #expect(pc.post.state.writes == 5)
    for code in 0..<100 { pc.write(0x80, UInt8(code)) }
    #expect(pc.post.state.history == (84..<100).map { UInt8($0) })
  }

  @Test("The debug console takes bytes and identifies itself")
  func debugConsole() {
    for byte in "hello".utf8 { pc.write(0xE9, byte) }
    #expect(pc.output.debug == Array("hello".utf8))
    #expect(pc.read(0xE9) == 0xE9)
  }

  @Test("The exit device gets the value in the width it was written")
  func debugExit() {
    pc.bus.writePort(0xF4, width: .byte, value: 0x102)
    pc.bus.writePort(0xF4, width: .doubleword, value: 0xCAFE_F00D)
    pc.bus.writePort(0xF4, width: .word, value: 7)
    #expect(pc.output.exits == [0x02, 0xCAFE_F00D, 7])
  }

  @Test("The keyboard controller passes its tests and answers for the keyboard that isn't there")
  func keyboardController() {
    pc.initializePIC()
    pc.unmask(1)
    #expect(pc.read(0x64) == 0x10)
    pc.write(0x64, 0xAA)
    #expect(pc.read(0x64) == 0x1D)
    #expect(!pc.pic.interruptRequested, "the command byte asks for no interrupt")
    #expect(pc.read(0x60) == 0x55)
    #expect(pc.read(0x64) & 0x01 == 0)
    pc.write(0x64, 0xAB)
    #expect(pc.read(0x60) == 0x00)
    pc.write(0x64, 0x60)
    pc.write(0x60, 0x45)
    #expect(pc.read(0x64) & 0x0C == 0x04)
    pc.write(0x64, 0x20)
    #expect(pc.pic.interruptRequested)
    #expect(pc.serveAll() == [0x21])
    #expect(pc.read(0x60) == 0x45)
    pc.write(0x60, 0xFF)
    #expect(pc.read(0x64) & 0x41 == 0x41, "no time-out for a keyboard's reset")
    #expect(pc.read(0x60) == 0xFE)
    _ = pc.serveAll()
    pc.write(0x64, 0xD3)
    pc.write(0x60, 0x77)
    #expect(pc.read(0x64) & 0x21 == 0x21)
    #expect(pc.serveAll() == [], "the second device's bytes are not IRQ 1's")
    #expect(pc.read(0x60) == 0x77)
    pc.write(0x64, 0x7F)
    pc.write(0x60, 0x42)
    pc.write(0x64, 0x3F)
    #expect(pc.read(0x60) == 0x42)
  }

  @Test("FEh to port 64h, the output port and port 92h reset the CPU")
  func resets() {
    pc.write(0x64, 0xFF)
    #expect(pc.output.resets == 0)
    pc.write(0x64, 0xFE)
    #expect(pc.output.resets == 1)
    pc.write(0x64, 0xD1)
    pc.write(0x60, 0xDE)
    #expect(pc.output.resets == 2)
    pc.write(0x92, 0x02)
    #expect(pc.output.resets == 2)
    pc.write(0x92, 0x03)
    pc.write(0x92, 0x03)
    #expect(pc.output.resets == 3, "it takes the change from 0 to 1")
  }

  @Test("Either of the two ways holds the A20 gate open")
  func a20() {
    pc.bus.write(0x10_0000, width: .byte, value: 0x22)
    #expect(pc.gate.isOpen)
    pc.write(0x64, 0xD1)
    pc.write(0x60, 0xDD)
    #expect(!pc.gate.isOpen)
    #expect(pc.bus.read(0x10_0000, width: .byte) == 0)
    #expect(pc.read(0x92) == 0x00)
    pc.write(0x64, 0xD0)
    #expect(pc.read(0x60) & 0x03 == 0x01)
    pc.write(0x92, 0x02)
    #expect(pc.bus.read(0x10_0000, width: .byte) == 0x22)
    #expect(pc.read(0x92) == 0x02)
    pc.write(0x64, 0xD1)
    pc.write(0x60, 0xDF)
    pc.write(0x92, 0x00)
    #expect(pc.gate.isOpen)
  }

  @Test("Port 61h keeps its four bits and drives the timer's gate")
  func systemControlPort() {
    pc.write(0x61, 0xFF)
    #expect(pc.read(0x61) & 0xCF == 0x0F)
    #expect(pc.pit.state.channels[2].gate)
    pc.write(0x61, 0x02)
    #expect(pc.read(0x61) & 0xCF == 0x02)
    #expect(!pc.pit.state.channels[2].gate)
  }
}
