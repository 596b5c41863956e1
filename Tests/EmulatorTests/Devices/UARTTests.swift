import Testing

@testable import Emulator

@Suite("The 16550 serial port")
struct DevicesUARTTests {
  private let pc: DevicesTestMachine
  private let base: UInt16 = 0x3F8

  /// A character of ten bits at 115,200 baud takes 160 ticks of 1.8432 MHz: 14,467.6 cycles.
  private let character: UInt64 = 14_468

  init() throws {
    pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(4)
    setDivisor(1)
    pc.write(base + 3, 0x03)
    pc.write(base + 4, 0x0B)
    pc.advance(to: 1_000_000)
  }

  private func setDivisor(_ divisor: UInt16) {
    let control = pc.read(base + 3)
    pc.write(base + 3, 0x83)
    pc.write(base, UInt8(divisor & 0xFF))
    pc.write(base + 1, UInt8(divisor >> 8))
    pc.write(base + 3, control)
  }

  private var lineStatus: UInt8 { pc.read(base + 5) }
  private var identification: UInt8 { pc.read(base + 2) }
  private var output: String { String(decoding: pc.output.serial, as: UTF8.self) }

  @Test("A character leaves when its bits are on the line, and the next can wait in the holding register")
  func transmission() {
    #expect(lineStatus == 0x60)
    pc.write(base, 0x41)
    #expect(lineStatus == 0x20, "the shift register took it at once")
    pc.write(base, 0x42)
    #expect(lineStatus == 0x00)
    pc.advance(by: character - 200)
    #expect(output.isEmpty, "sent too early")
    pc.advance(by: 300)
    #expect(output == "A")
    #expect(lineStatus == 0x20)
    pc.advance(by: character)
    #expect(output == "AB")
    #expect(lineStatus == 0x60)
  }

  private static let frames: [(UInt16, UInt8, UInt64)] = [
    (UInt16(12), UInt8(0x03), UInt64(1_920)), (1, 0x00, 112), (1, 0x04, 120), (1, 0x1F, 192),
    (0, 0x03, 10_485_760),
  ]

  @Test(
    "The divisor and the frame set the time",
    arguments: frames)
  func characterTime(divisor: UInt16, control: UInt8, ticks: UInt64) {
    setDivisor(divisor)
    pc.write(base + 3, control)
    pc.write(base, 0x15)
    let cycles = ticks * 166_666_667 / 1_843_200
    // The shift register begins with a tick, up to 91 cycles back.
    pc.advance(by: cycles - 100)
    #expect(output.isEmpty)
    pc.advance(by: 101)
    #expect(pc.output.serial == [0x15])
  }

  @Test("A thousand characters in a row take a thousand times as long, to the tick")
  func noDrift() {
    var sent = 0
    let begin = pc.clock.now
    while sent < 1_000 {
      if lineStatus & 0x20 != 0 {
        pc.write(base, UInt8(sent & 0x7F))
        sent += 1
      }
      pc.advance(by: 1_000)
    }
    while lineStatus & 0x40 == 0 { pc.advance(by: 100) }
    let exact = 1_000 * 160 * 166_666_667 / 1_843_200
    #expect(abs(Int(pc.clock.now - begin) - exact) < 300)
    #expect(pc.output.serial == (0..<1_000).map { UInt8($0 & 0x7F) })
  }

  @Test("An event that is served late makes nothing after it later")
  func lateService() {
    pc.write(base + 2, 0x01)
    let begin = pc.clock.now
    for byte in "0123456789abcdef".utf8 { pc.write(base, byte) }
    pc.uart.receive("fedcba9876543210".utf8)
    // Each time, due events run up to 10,000 cycles after they were due.
    while pc.clock.now - begin < 16 * 14_468 + 100 {
      pc.clock.state.pointee.now += 10_000
      pc.clock.runDueEvents()
    }
    #expect(output == "0123456789abcdef")
    #expect(pc.uart.state.receiver.count == 16)
  }

  @Test("A guest that doesn't wait overwrites the holding register; a full FIFO keeps what it has")
  func overwriting() {
    for byte in "ABC".utf8 { pc.write(base, byte) }
    pc.advance(by: 5 * character)
    #expect(output == "AC")
    pc.write(base + 2, 0x01)
    for byte in "abcdefghijklmnopqrst".utf8 { pc.write(base, byte) }
    pc.advance(by: 30 * character)
    #expect(output == "ACabcdefghijklmnopq", "one in the shift register and sixteen in the FIFO")
  }

  @Test(
    "The transmitter's interrupt comes when it is empty, is answered by IIR or a write, and on being enabled")
  func transmitterInterrupt() {
    pc.write(base + 1, 0x02)
    #expect(pc.serveAll() == [0x24], "enabling it on an empty transmitter raises it")
    #expect(identification == 0x02)
    #expect(identification == 0x01, "reading IIR answers it")
    pc.write(base, 0x41)
    #expect(identification == 0x02, "the holding register is empty again")
    pc.write(base, 0x42)
    #expect(identification == 0x01)
    pc.advance(by: character + 100)
    #expect(pc.serveAll() == [0x24])
    #expect(identification == 0x02)
  }

  @Test(
    "Received characters come one character's time apart, none is lost, and the interrupt lasts until all are read"
  )
  func reception() {
    pc.write(base + 1, 0x01)
    pc.uart.receive("hi!".utf8)
    #expect(lineStatus & 0x01 == 0)
    pc.advance(by: character + 100)
    #expect(pc.serveAll() == [0x24])
    #expect(identification == 0x04)
    #expect(lineStatus & 0x03 == 0x01)
    pc.advance(by: 10 * character)
    #expect(lineStatus & 0x02 == 0, "the terminal overran the receiver")
    #expect(pc.read(base) == 0x68)
    #expect(identification == 0x01)
    pc.advance(by: character + 100)
    #expect(pc.serveAll() == [0x24])
    #expect(pc.read(base) == 0x69)
    pc.advance(by: character + 100)
    #expect(pc.read(base) == 0x21)
    #expect(pc.read(base) == 0x00)
  }

  private static let levels: [(UInt8, Int)] = [(UInt8(0x01), 1), (0x41, 4), (0x81, 8), (0xC1, 14)]

  @Test(
    "The FIFO interrupts at its trigger level",
    arguments: levels)
  func triggerLevels(control: UInt8, level: Int) {
    pc.write(base + 2, control)
    pc.write(base + 1, 0x01)
    pc.uart.receive([UInt8](repeating: 0x55, count: 30))
    for count in 1...level {
      #expect(!pc.pic.interruptRequested, "after \(count - 1)")
      pc.advance(by: character)
    }
    pc.advance(by: 200)
    #expect(pc.serveAll() == [0x24])
    #expect(identification == 0xC4)
    #expect(pc.read(base) == 0x55)
    #expect(identification == 0xC1, "below the level")
    pc.advance(by: 40 * character)
    #expect(pc.uart.state.receiver.count == 16)
    #expect(lineStatus == 0x61)
  }

  @Test("Characters below the trigger level are reported after four characters' time of quiet")
  func timeout() {
    pc.write(base + 2, 0x81)
    pc.write(base + 1, 0x01)
    pc.uart.receive("ab".utf8)
    pc.advance(by: 2 * character + 200)
    #expect(identification == 0xC1)
    pc.advance(by: 4 * character - 1_000)
    #expect(identification == 0xC1 && !pc.pic.interruptRequested)
    pc.advance(by: 1_200)
    #expect(pc.serveAll() == [0x24])
    #expect(identification == 0xCC)
    #expect(pc.read(base) == 0x61)
    #expect(identification == 0xC1, "reading takes the time-out back")
    pc.advance(by: 4 * character + 200)
    #expect(identification == 0xCC)
    #expect(pc.read(base) == 0x62)
    pc.advance(by: 10 * character)
    #expect(identification == 0xC1, "an empty FIFO can't time out")
  }

  @Test("In loopback characters and modem lines come back, and nothing leaves, neither bytes nor interrupts")
  func loopback() {
    #expect(pc.read(base + 6) == 0xB0)
    pc.write(base + 4, 0x1B)
    #expect(pc.read(base + 6) == 0xB0, "DTR, RTS and OUT2 stand for DSR, CTS and DCD")
    pc.write(base + 4, 0x14)
    #expect(pc.read(base + 6) == 0x4B, "RI alone, and the three others have changed")
    #expect(pc.read(base + 6) == 0x40, "reading takes the changes back")
    pc.write(base + 4, 0x18)
    #expect(pc.read(base + 6) == 0x8C, "RI ended, DCD changed")
    pc.write(base + 1, 0x0F)
    pc.uart.receive("x".utf8)
    pc.write(base, 0x5A)
    pc.advance(by: character + 100)
    #expect(pc.output.serial.isEmpty)
    #expect(!pc.pic.interruptRequested)
    #expect(pc.read(base) == 0x5A)
    // Two more without reading: the receiver is overrun.
    pc.write(base, 0x01)
    pc.write(base, 0x02)
    pc.advance(by: 3 * character)
    #expect(lineStatus & 0x03 == 0x03)
    #expect(lineStatus & 0x03 == 0x01)
    #expect(pc.read(base) == 0x02)
    // A break comes back as a zero with its error.
    pc.write(base + 3, 0x43)
    #expect(lineStatus & 0x11 == 0x11)
    #expect(pc.read(base) == 0x00)
    pc.write(base + 3, 0x03)
    pc.write(base + 4, 0x0B)
    pc.advance(by: character + 100)
    #expect(pc.read(base) == 0x78, "the terminal waited")
  }

  @Test("IIR tells the highest priority first")
  func priorities() {
    pc.write(base + 4, 0x1B)
    pc.write(base + 1, 0x00)
    // An overrun, data, an empty transmitter, and a changed modem line.
    for byte: UInt8 in [1, 2, 3] {
      pc.write(base, byte)
      pc.advance(by: character + 100)
    }
    pc.write(base + 4, 0x1A)
    pc.write(base + 1, 0x0F)
    #expect(identification == 0x06)
    #expect(lineStatus & 0x02 != 0)
    #expect(identification == 0x04)
    _ = pc.read(base)
    #expect(identification == 0x02)
    #expect(identification == 0x00)
    _ = pc.read(base + 6)
    #expect(identification == 0x01)
  }

  @Test("Without OUT2 the interrupt doesn't reach the controller")
  func out2() {
    pc.write(base + 4, 0x03)
    pc.write(base + 1, 0x02)
    #expect(!pc.pic.interruptRequested)
    pc.write(base + 4, 0x0B)
    #expect(pc.pic.interruptRequested)
  }

  @Test("Registers keep the bits that they have")
  func registers() {
    for value: UInt8 in [0x00, 0x5A, 0xFF] {
      pc.write(base + 7, value)
      #expect(pc.read(base + 7) == value)
      pc.write(base + 1, value)
      #expect(pc.read(base + 1) == value & 0x0F)
      pc.write(base + 4, value)
      #expect(pc.read(base + 4) == value & 0x1F)
    }
    pc.write(base + 3, 0x83)
    pc.write(base, 0x34)
    pc.write(base + 1, 0x12)
    #expect(pc.bus.readPort(base, width: .word) == 0x1234)
    pc.write(base + 3, 0x03)
    #expect(pc.read(base + 1) == 0x0F)
  }

  @Test("Turning the FIFOs on or off empties them, and FCR's other bits need bit 0")
  func fifoControl() {
    pc.write(base + 2, 0x01)
    #expect(identification == 0xC1)
    pc.uart.receive("abc".utf8)
    pc.advance(by: 4 * character)
    pc.write(base + 2, 0x82)
    #expect(lineStatus & 0x01 == 0)
    #expect(identification == 0x01)
    pc.write(base + 2, 0x01)
    pc.uart.receive("de".utf8)
    pc.advance(by: 3 * character)
    pc.write(base + 2, 0x03)
    #expect(lineStatus & 0x01 == 0)
  }

  @Test("What waits is given out at the end of a run")
  func drain() {
    pc.write(base + 2, 0x01)
    for byte in "the end".utf8 { pc.write(base, byte) }
    pc.uart.drain()
    #expect(output == "the end")
    #expect(lineStatus == 0x60)
    pc.advance(by: 20 * character)
    #expect(output == "the end")
  }
}
