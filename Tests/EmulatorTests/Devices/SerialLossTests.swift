import Testing

@testable import Emulator

/// Characters that a guest writes to the serial port without waiting.
@Suite("Characters lost on the serial port")
struct SerialLossTests {
  private static let text = "[bootloader] Setting up paging...\n"

  /// A guest that writes `text` without a look at LSR, or with one.
  private func run(_ transmission: SerialTransmission, waits: Bool = false, fifo: Bool = false) throws -> (
    output: String, lost: UInt64, cycles: UInt64
  ) {
    let bare = try BareMachine(.full, serial: transmission)
    let machine = bare.machine
    let code = try Assembler.assemble(
      """
      mov dx, 0x3fb
      mov al, 3
      out dx, al
      mov dx, 0x3fa
      mov al, \(fifo ? 1 : 0)
      out dx, al
      mov esi, offset text
      next: lodsb
      test al, al
      jz done
      mov ah, al
      mov dx, 0x3fd
      wait: \(waits ? "in al, dx\n test al, 0x20\n jz wait" : "nop")
      mov al, ah
      mov dx, 0x3f8
      out dx, al
      jmp next
      done: mov al, 0
      out 0xf4, al
      text: .asciz "\(Self.text.dropLast())\\n"
      """, at: BareMachine.code)
    try bare.poke(BareMachine.code, code)
    #expect(machine.run(untilCycle: 10_000_000) == .exit(0))
    let cycles = machine.cycle
    let output = String(decoding: machine.takeSerialOutput(draining: true), as: UTF8.self)
    return (output, machine.counters.serialCharactersLost, cycles)
  }

  @Test("are counted, and none is with a port that loses none")
  func counted() throws {
    let exact = try run(.exact)
    #expect(exact.output.count + Int(exact.lost) == Self.text.count && exact.lost > 10)
    let withFIFO = try run(.exact, fifo: true)
    #expect(withFIFO.output.count + Int(withFIFO.lost) == Self.text.count && withFIFO.lost < exact.lost)
    for fifo in [false, true] {
      let lossless = try run(.lossless, fifo: fifo)
      #expect(lossless.output == Self.text && lossless.lost == 0)
    }
  }

  @Test("a guest that waits loses none and notices no difference")
  func waiting() throws {
    for fifo in [false, true] {
      let exact = try run(.exact, waits: true, fifo: fifo)
      let lossless = try run(.lossless, waits: true, fifo: fifo)
      #expect(exact.output == Self.text && exact.lost == 0)
      #expect(exact == lossless)
    }
  }

  @Test("what a guest sends itself in loopback is not the terminal's")
  func loopback() throws {
    let pc = try DevicesTestMachine()
    pc.write(0x3FC, 0x10)
    for byte in "abcdef".utf8 { pc.write(0x3F8, byte) }
    #expect(pc.uart.state.lost == 0)
    pc.write(0x3FC, 0)
    for byte in "abcdef".utf8 { pc.write(0x3F8, byte) }
    #expect(pc.uart.state.lost > 0)
  }
}
