import Testing

@testable import Emulator

@Suite("The 8259 pair")
struct DevicesPICTests {
  private let pc: DevicesTestMachine

  init() throws {
    pc = try DevicesTestMachine()
    pc.initializePIC()
  }

  private func raise(_ irqs: Int...) {
    for irq in irqs { pc.line(irq).raise() }
  }

  private func lower(_ irqs: Int...) {
    for irq in irqs { pc.line(irq).lower() }
  }

  private var masterISR: UInt8 {
    pc.write(0x20, 0x0B)
    return pc.read(0x20)
  }

  private var masterIRR: UInt8 {
    pc.write(0x20, 0x0A)
    return pc.read(0x20)
  }

  private var slaveISR: UInt8 {
    pc.write(0xA0, 0x0B)
    return pc.read(0xA0)
  }

  @Test("The lower input has the higher priority, and one in service holds back its equals and lessers")
  func fullyNested() {
    raise(4, 3)
    #expect(masterIRR == 0b0001_1000)
    #expect(pc.pic.acknowledge() == 0x23)
    #expect(masterISR == 0b0000_1000 && masterIRR == 0b0001_0000)
    #expect(!pc.pic.interruptRequested, "4 interrupts 3")
    raise(1)
    #expect(pc.pic.interruptRequested, "1 doesn't interrupt 3")
    #expect(pc.pic.acknowledge() == 0x21)
    #expect(masterISR == 0b0000_1010)
    pc.write(0x20, 0x20)
    #expect(masterISR == 0b0000_1000, "a non-specific EOI ends the highest priority")
    #expect(!pc.pic.interruptRequested)
    pc.write(0x20, 0x20)
    #expect(pc.pic.acknowledge() == 0x24)
  }

  @Test("A mask holds a request back and keeps it")
  func masks() {
    pc.write(0x21, 0x10)
    #expect(pc.read(0x21) == 0x10)
    raise(4)
    #expect(!pc.pic.interruptRequested)
    #expect(masterIRR == 0x10)
    pc.write(0x21, 0x00)
    #expect(pc.pic.acknowledge() == 0x24)
  }

  @Test("The slave's requests come through input 2, with the slave's vectors, and both are in service")
  func cascade() {
    raise(14, 8)
    #expect(masterIRR == 0x04)
    #expect(pc.pic.acknowledge() == 0x28)
    #expect(masterISR == 0x04 && slaveISR == 0x01)
    pc.write(0xA0, 0x20)
    #expect(!pc.pic.interruptRequested, "the master is still serving the slave")
    pc.write(0x20, 0x20)
    #expect(pc.pic.acknowledge() == 0x2E)
    #expect(slaveISR == 0x40)
  }

  @Test("What the PC wires to IRQ 2 arrives at 9")
  func irq2() {
    raise(2)
    #expect(pc.pic.acknowledge() == 0x29)
  }

  @Test(
    "In special fully nested mode a higher input of the slave interrupts a lower one, and a lower one doesn't"
  )
  func specialFullyNested() {
    raise(12)
    #expect(pc.pic.acknowledge() == 0x2C)
    raise(8)
    #expect(!pc.pic.interruptRequested, "without the mode the master locks the slave out")

    pc.initializePIC(icw4: 0x11)
    lower(12, 8)
    raise(12)
    #expect(pc.pic.acknowledge() == 0x2C)
    raise(3)
    #expect(!pc.pic.interruptRequested, "the mode lets lower inputs of the master through")
    raise(13)
    #expect(!pc.pic.interruptRequested, "13 interrupts 12")
    raise(8)
    #expect(pc.pic.acknowledge() == 0x28)
    #expect(slaveISR == 0x11)
  }

  @Test("A request whose line falls before it is acknowledged is gone; what is left is the spurious vector")
  func spurious() {
    raise(5)
    lower(5)
    #expect(!pc.pic.interruptRequested)
    #expect(pc.pic.acknowledge() == 0x27)
    #expect(masterISR == 0, "a spurious interrupt is in service")
    // The slave's, for which the master's half of the acknowledgement has been done.
    var slave = pc.pic.state.slave
    slave.setLine(3, true)
    slave.setLine(3, false)
    #expect(slave.acknowledge() == nil)
    #expect(slave.isr == 0)
  }

  @Test("An edge counts once; a level as long as it lasts")
  func edgesAndLevels() {
    raise(5, 10)
    #expect(pc.serveAll() == [0x2A, 0x25])
    raise(5)
    #expect(pc.serveAll() == [], "a line that stays high interrupts again")
    lower(5)
    raise(5)
    #expect(pc.serveAll() == [0x25])

    pc.write(0x4D0, 0xFF)
    pc.write(0x4D1, 0xFF)
    #expect(
      pc.read(0x4D0) == 0xF8 && pc.read(0x4D1) == 0xDE, "timer, keyboard, cascade, clock and 13 are edges")
    #expect(pc.pic.acknowledge() == 0x2A)
    pc.write(0xA0, 0x20)
    pc.write(0x20, 0x20)
    #expect(pc.pic.acknowledge() == 0x2A, "the level is gone after its EOI")
    lower(10, 5)
    pc.write(0xA0, 0x20)
    pc.write(0x20, 0x20)
    #expect(pc.serveAll() == [])
  }

  @Test("A pulse is an edge, and again one when the line rests high")
  func pulse() {
    for _ in 0..<3 {
      pc.line(6).pulse()
      #expect(pc.serveAll() == [0x26])
    }
  }

  @Test("Rotation on a non-specific EOI: the data sheet's example with inputs 6 and 4")
  func rotation() {
    raise(6)
    #expect(pc.pic.acknowledge() == 0x26)
    raise(4)
    #expect(pc.pic.acknowledge() == 0x24)
    #expect(masterISR == 0b0101_0000)
    pc.write(0x20, 0xA0)
    #expect(masterISR == 0b0100_0000)
    // 4 is the lowest now, and 6, in service, holds back 7, 0, 1, ... but not 5, the new highest.
    lower(4)
    raise(4, 7, 0)
    #expect(!pc.pic.interruptRequested)
    raise(5)
    #expect(pc.serveAll() == [0x25], "5 interrupts 6; its EOI ends 5")
    pc.write(0x20, 0x20)
    #expect(pc.serveAll() == [0x27, 0x20, 0x24])
  }

  @Test("Priorities are set, and ends of interrupts are specific")
  func specificCommands() {
    pc.write(0x20, 0xC0 | 5)
    raise(0, 5, 6, 7)
    #expect(pc.pic.acknowledge() == 0x26)
    pc.write(0x20, 0x60 | 5)
    #expect(masterISR == 0x40, "a specific EOI ended another input")
    pc.write(0x20, 0x60 | 6)
    #expect(masterISR == 0)
    #expect(pc.pic.acknowledge() == 0x27)
    // Rotation on a specific EOI makes 7 the lowest.
    pc.write(0x20, 0xE0 | 7)
    #expect(pc.pic.state.master.lowestPriority == 7)
    #expect(pc.serveAll() == [0x20, 0x25])
    // OCW2's no-operation.
    pc.write(0x20, 0x40 | 3)
    #expect(pc.pic.state.master.lowestPriority == 7)
  }

  @Test("Automatic EOI leaves nothing in service, and rotates when it is told to")
  func automaticEOI() {
    pc.initializePIC(icw4: 0x03, slaveICW4: 0x03)
    raise(3, 4, 9, 10)
    // The second of the slave's needs a new edge at the master.
    #expect((0..<4).map { _ in pc.pic.acknowledge() } == [0x29, 0x2A, 0x23, 0x24])
    #expect(masterISR == 0 && slaveISR == 0)
    #expect(!pc.pic.interruptRequested)
    pc.write(0x20, 0x80)
    lower(3, 4)
    raise(3)
    #expect(pc.pic.acknowledge() == 0x23)
    lower(3)
    raise(3, 4)
    #expect(pc.pic.acknowledge() == 0x24, "3 should be the lowest now")
    pc.write(0x20, 0x00)
    #expect(pc.pic.acknowledge() == 0x23)
    #expect(pc.pic.state.master.lowestPriority == 4, "rotation goes on after it was ended")
  }

  @Test("In special mask mode an input in service that masks itself holds nobody back")
  func specialMask() {
    raise(3)
    #expect(pc.pic.acknowledge() == 0x23)
    raise(5)
    pc.write(0x21, 0x08)
    #expect(!pc.pic.interruptRequested)
    pc.write(0x20, 0x68)
    #expect(pc.pic.acknowledge() == 0x25)
    pc.write(0x20, 0x20)
    #expect(masterISR == 0x08, "a non-specific EOI passes over a masked input")
    pc.write(0x20, 0x20)
    #expect(masterISR == 0x08)
    pc.write(0x20, 0x48)
    pc.write(0x20, 0x20)
    #expect(masterISR == 0)
  }

  @Test("A poll acknowledges without the CPU's cycle, once")
  func poll() {
    pc.write(0x20, 0x0C)
    #expect(pc.read(0x20) == 0x00)
    raise(6)
    pc.write(0x20, 0x0C)
    #expect(pc.read(0x20) == 0x86)
    #expect(masterISR == 0x40)
    #expect(!pc.pic.interruptRequested)
    raise(13)
    pc.write(0xA0, 0x0C)
    #expect(pc.read(0xA1) == 0x85)
    #expect(slaveISR == 0x20)
  }

  @Test("ICW1 forgets edges, masks and modes, and nothing is requested before the last word")
  func initialization() {
    raise(3)
    pc.write(0x21, 0xFF)
    pc.write(0x20, 0x68)
    pc.write(0x20, 0x11)
    #expect(pc.read(0x21) == 0x00)
    #expect(pc.read(0x20) == 0x00, "the old edge is kept")
    lower(3)
    raise(3)
    for word: UInt8 in [0x70, 0x04] {
      pc.write(0x21, word)
      #expect(!pc.pic.interruptRequested)
    }
    pc.write(0x21, 0x01)
    #expect(pc.pic.acknowledge() == 0x73)
    // Without ICW4 and with a single chip, ICW2 is the last word, and input 2 is like the others.
    pc.write(0x20, 0x12)
    pc.write(0x21, 0x40)
    raise(8)
    #expect(pc.pic.acknowledge() == 0x42)
  }

  @Test("A chip that was never initialized masks everything and can be found by its mask")
  func uninitialized() throws {
    let pc = try DevicesTestMachine()
    #expect(pc.read(0x21) == 0xFF && pc.read(0xA1) == 0xFF)
    pc.line(3).raise()
    #expect(!pc.pic.interruptRequested)
    pc.write(0x21, 0xFB)
    #expect(pc.read(0x21) == 0xFB)
    #expect(!pc.pic.interruptRequested)
  }

  @Test("With ICW1's LTIM all inputs are levels")
  func levelTriggeredMode() {
    pc.write(0x20, 0x19)
    for word: UInt8 in [0x20, 0x04, 0x01] { pc.write(0x21, word) }
    raise(3)
    #expect(pc.pic.acknowledge() == 0x23)
    pc.write(0x20, 0x20)
    #expect(pc.pic.interruptRequested)
    lower(3)
    #expect(!pc.pic.interruptRequested)
  }

  @Test("The stored output follows the state, also a restored one")
  func snapshot() {
    raise(3)
    let saved = pc.pic.state
    _ = pc.serveAll()
    #expect(!pc.pic.output.pointee)
    pc.pic.state = saved
    #expect(pc.pic.output.pointee)
    #expect(pc.pic.acknowledge() == 0x23)
  }
}
