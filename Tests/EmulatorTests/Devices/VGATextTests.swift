import IA32
import TestSupport
import Testing

@testable import Emulator

@Suite("The text screen")
struct VGATextTests {
  /// A machine whose guest is `body`.
  private func guest(_ body: String, _ timing: TimingLevel = .full) throws -> Machine {
    let bare = try BareMachine(timing)
    try bare.poke(BareMachine.code, try Assembler.assemble(body, at: BareMachine.code))
    return bare.machine
  }

  private static let hello = """
    mov edi, 0xb8000
    mov esi, offset text
    mov ah, 0x1e
    next: lodsb
    test al, al
    jz done
    stosw
    jmp next
    done: mov ebx, [0xb8000]
    mov ecx, [0xb8003]
    mov al, 0
    out 0xf4, al
    text: .asciz "hello, screen"
    """

  @Test("what a guest writes is shown, and read back in any width", arguments: TimingLevel.allCases)
  func written(_ timing: TimingLevel) throws {
    let machine = try guest(Self.hello, timing)
    #expect(machine.textScreen.isBlank && machine.textScreenWrites == 0)
    #expect(machine.run() == .exit(0))
    #expect(machine.textScreen.text == ["hello, screen"])
    #expect(machine.textScreen.cells[4] == TextScreen.Cell(character: UInt8(ascii: "o"), attribute: 0x1E))
    #expect(machine.registers[.ebx] == 0x1E65_1E68 && machine.registers[.ecx] == 0x6C1E_6C1E)
    #expect(machine.textScreenWrites == 13)
    #expect(machine.counters.bus.unclaimed == 0 && machine.counters.bus.mmioWrites == 13)
    #expect((machine.textScreen.columns, machine.textScreen.rows) == (80, 25))
    #expect(machine.textScreen.cursor == TextScreen.Position(row: 0, column: 0))
  }

  @Test("a history shows the screen of each moment")
  func history() throws {
    let machine = try guest(Self.hello)
    let history = MachineHistory(machine, interval: 300)
    #expect(history.run() == .exit(0))
    let end = machine.cycle
    let screen = machine.textScreen
    try history.goTo(cycle: end / 2)
    let half = machine.textScreen.text.first ?? ""
    #expect("hello, screen".hasPrefix(half) && half.count < 13)
    try history.goTo(cycle: end)
    #expect(machine.textScreen == screen)
  }

  /// The screen on a bus, without a processor.
  private func screen() throws -> (pc: DevicesTestMachine, vga: VGAText) {
    let pc = try DevicesTestMachine()
    let vga = VGAText(clock: pc.clock)
    try vga.attach(to: pc.bus)
    return (pc, vga)
  }

  private func put(_ text: String, at cell: UInt64, in pc: DevicesTestMachine) {
    for (index, character) in text.utf8.enumerated() {
      pc.bus.write(0xB_8000 + 2 * (cell + UInt64(index)), width: .byte, value: UInt64(character))
    }
  }

  private func controller(_ index: UInt8, _ value: UInt8, _ pc: DevicesTestMachine) {
    pc.write(0x3D4, index)
    pc.write(0x3D5, value)
  }

  @Test("the start address scrolls, around the memory's end too, and the cursor goes along")
  func scrolling() throws {
    let (pc, vga) = try screen()
    for row in 0..<40 as Range<UInt64> { put("row \(row)", at: 80 * row, in: pc) }
    #expect(vga.screen.text.first == "row 0" && vga.screen.text.last == "row 24")
    controller(0x0C, UInt8((80 * 10) >> 8), pc)
    controller(0x0D, UInt8(80 * 10 & 0xFF), pc)
    #expect(vga.screen.text.first == "row 10" && vga.screen.text.last == "row 34")
    #expect(vga.screen.cursor == nil, "cell 0 is above the screen")
    controller(0x0E, UInt8((80 * 12 + 7) >> 8), pc)
    controller(0x0F, UInt8((80 * 12 + 7) & 0xFF), pc)
    #expect(vga.screen.cursor == TextScreen.Position(row: 2, column: 7))
    #expect(pc.read(0x3D5) == UInt8((80 * 12 + 7) & 0xFF) && pc.read(0x3D4) == 0x0F)
    controller(0x0A, 0x2D, pc)
    #expect(vga.screen.cursor == nil, "turned off")
    controller(0x0C, 0x3F, pc)
    controller(0x0D, 0xFC, pc)
    put("WRAP", at: 0x3FFC, in: pc)
    #expect(vga.screen.lines[0] == "WRAProw 0")
  }

  @Test("50 rows, 40 columns, and registers that make no screen")
  func geometries() throws {
    let (pc, vga) = try screen()
    controller(0x09, 0x47, pc)
    #expect(vga.screen.rows == 50)
    controller(0x01, 39, pc)
    #expect(vga.screen.columns == 80, "registers 0 to 7 are protected")
    controller(0x11, 0x0E, pc)
    controller(0x01, 39, pc)
    controller(0x13, 20, pc)
    put("second", at: 40, in: pc)
    #expect(vga.screen.columns == 40 && vga.screen.lines[1] == "second")
    // Anything at all.
    var random = SeededGenerator(seed: 7)
    for _ in 0..<3000 {
      controller(UInt8.random(in: 0...255, using: &random), UInt8.random(in: 0...255, using: &random), pc)
      let screen = vga.screen
      #expect(screen.cells.count == screen.rows * screen.columns && screen.rows >= 1)
      _ = screen.text
    }
  }

  @Test("the memory takes every width anywhere, and ends where it ends")
  func widths() throws {
    let (pc, vga) = try screen()
    for width in AccessWidth.allCases {
      for offset in [0, 1, 3, 0x7FF8, 0x7FFF] as [UInt64] {
        pc.bus.write(0xB_8000 + offset, width: width, value: 0x8877_6655_4433_2211)
        let inside = min(UInt64(width.bytes), 0x8000 - offset)
        let mask = inside == 8 ? UInt64.max : 1 << (8 * inside) - 1
        #expect(pc.bus.read(0xB_8000 + offset, width: width) & mask == 0x8877_6655_4433_2211 & mask)
      }
    }
    #expect(vga.state.memory.count == 0x8000)
  }

  @Test("the retrace bits follow the clock, and a read of 3DAh makes 3C0h take an index")
  func status() throws {
    let (pc, vga) = try screen()
    var inRetrace = 0
    let frame = UInt64(Double(449 * 900) / 28_322_000 * Double(pc.clock.frequency))
    for _ in 0..<1000 {
      if pc.read(0x3DA) & 8 != 0 { inRetrace += 1 }
      pc.advance(by: frame / 1000)
    }
    #expect((2...8).contains(inRetrace), "2 of 449 lines")
    _ = pc.read(0x3DA)
    pc.write(0x3C0, 0x30)
    pc.write(0x3C0, 0x04)
    #expect(!vga.screen.blinks && pc.read(0x3C1) == 0x04)
    pc.write(0x3C0, 0x30)
    _ = pc.read(0x3DA)
    pc.write(0x3C0, 0x30)
    pc.write(0x3C0, 0x0C)
    #expect(vga.screen.blinks)
  }

  @Test("text and colours for a terminal")
  func rendering() {
    var cells = [TextScreen.Cell](repeating: .init(character: 0x20, attribute: 0x07), count: 12)
    cells[4] = .init(character: UInt8(ascii: "A"), attribute: 0x1E)
    cells[5] = .init(character: 0xC4, attribute: 0x1E)
    cells[6] = .init(character: 0x01, attribute: 0xC7)
    let screen = TextScreen(columns: 4, rows: 3, cells: cells, cursor: .init(row: 1, column: 3))
    #expect(screen.lines == ["", "A─☺", ""] && screen.text == ["A─☺"] && !screen.isBlank)
    #expect(
      screen.ansiLines[1]
        == "\u{1B}[0;93;44mA─\u{1B}[0;5;37;41m☺\u{1B}[0;37;40m \u{1B}[0m")
    let bright = TextScreen(columns: 4, rows: 3, cells: cells, cursor: nil, blinks: false)
    #expect(bright.ansiLines[1].contains("\u{1B}[0;37;101m☺"))

    #expect(screen.ansiUpdate(from: screen) == "")
    let whole = screen.ansiUpdate(from: nil)
    #expect(whole.hasPrefix("\u{1B}[0m\u{1B}[2J\u{1B}[1;1H") && whole.hasSuffix("\u{1B}[2;4H"))
    cells[9] = .init(character: UInt8(ascii: "x"), attribute: 0x07)
    let next = TextScreen(columns: 4, rows: 3, cells: cells, cursor: nil)
    let update = next.ansiUpdate(from: screen)
    #expect(update == "\u{1B}[3;1H\u{1B}[0;37;40m x  \u{1B}[0m\u{1B}[4;1H", "only the row that changed")
    // No control character of the guest's reaches the terminal.
    for code in UInt8.min...UInt8.max {
      let all = TextScreen(columns: 1, rows: 1, cells: [.init(character: code, attribute: 7)], cursor: nil)
      let text = all.lines.joined() + all.ansiLines[0].dropFirst(10).dropLast(4)
      #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }, "\(code)")
    }
  }
}
