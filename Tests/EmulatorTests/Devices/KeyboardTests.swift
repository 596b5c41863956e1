import Testing

@testable import Emulator

/// The keyboard behind its controller, as a kernel sees it at ports 60h and 64h.
@Suite("Keyboard")
struct KeyboardTests {
  let pc: DevicesTestMachine

  init() throws { pc = try DevicesTestMachine(hasKeyboard: true) }

  /// What comes, byte by byte, within a second.
  private func bytes() -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<1000 {
      pc.advance(by: pc.clock.frequency / 1000)
      if pc.read(0x64) & 1 != 0 { bytes.append(pc.read(0x60)) }
    }
    return bytes
  }

  private func type(_ text: String) { pc.keyboard.type(Array(text.utf8)) }

  @Test("Keys come translated to set 1, each byte with IRQ 1, without the guest having done anything")
  func translated() {
    pc.initializePIC()
    pc.unmask(1)
    type("aB\r")
    #expect(pc.read(0x64) & 1 == 0, "a byte takes its time on the line")
    pc.advance(by: pc.clock.frequency / 500)
    #expect(pc.read(0x64) & 1 == 1 && pc.serveAll() == [0x21])
    pc.advance(by: pc.clock.frequency)
    #expect(pc.serveAll() == [], "the next waits until the first has been read")
    #expect(bytes() == [0x1E, 0x9E, 0x2A, 0x30, 0xB0, 0xAA, 0x1C, 0x9C])
  }

  @Test("Set 2 comes as it is where the guest turns the translation off; set 1 where it is chosen")
  func untranslated() {
    pc.write(0x64, 0x60)
    pc.write(0x60, 0x01)
    type("a!")
    #expect(bytes() == [0x1C, 0xF0, 0x1C, 0x12, 0x16, 0xF0, 0x16, 0xF0, 0x12])
    pc.write(0x60, 0xF0)
    #expect(bytes() == [0xFA])
    pc.write(0x60, 0x01)
    #expect(bytes() == [0xFA])
    type("a")
    #expect(bytes() == [0x1E, 0x9E])
  }

  @Test("Commands are answered, and turning the scanning off keeps what is typed")
  func commands() {
    for (command, answer) in [
      ([0xEE], [0xEE]), ([0xF2], [0xFA, 0xAB, 0x41]), ([0xED, 0x02], [0xFA, 0xFA]),
      ([0xF3, 0x20], [0xFA, 0xFA]),
      ([0xF0, 0x00], [0xFA, 0xFA, 0x41]), ([0xF0, 0x03], [0xFA, 0xFE]), ([0xFF], [0xFA, 0xAA]),
      ([0x55], [0xFE]),
      // A command in the place of a parameter is one.
      ([0xED, 0xEE], [0xFA, 0xEE]), ([0xF5], [0xFA]),
    ] as [([UInt8], [UInt8])] {
      var answers: [UInt8] = []
      for byte in command {
        pc.write(0x60, byte)
        answers += bytes()
      }
      // Set 2 is announced as 02h, which the controller translates as a key's code.
      #expect(answers == answer, "\(command)")
    }
    type("x")
    #expect(bytes() == [])
    pc.write(0x60, 0xF4)
    #expect(bytes() == [0xFA, 0x2D, 0xAD])
  }

  @Test("A keyboard that the controller holds sends later")
  func held() {
    pc.write(0x64, 0xAD)
    type("x")
    #expect(bytes() == [])
    pc.write(0x64, 0xAE)
    #expect(bytes() == [0x2D, 0xAD])
  }

  @Test("Control characters, cursor keys and what no key types")
  func characters() {
    type("\u{03}\u{1B}[A\u{7F}é\u{1B}")
    #expect(
      bytes() == [0x1D, 0x2E, 0xAE, 0x9D, 0xE0, 0x48, 0xE0, 0xC8, 0x0E, 0x8E, 0x01, 0x81])
    // Every printable character has a key.
    for character in UInt8(0x20)..<0x7F { #expect(!KeyStroke.strokes(typing: [character]).isEmpty) }
  }

  @Test("A snapshot in the middle of a key goes on with it")
  func snapshot() {
    type("AB")
    pc.advance(by: pc.clock.frequency / 500)
    _ = pc.read(0x60)
    let (saved, clock) = (pc.keyboard.state, pc.clock.snapshot)
    let first = bytes()
    pc.keyboard.state = saved
    pc.clock.snapshot = clock
    #expect(bytes() == first && first == [0x1E, 0x9E, 0xAA, 0x2A, 0x30, 0xB0, 0xAA])
  }
}
