import Testing

@testable import Emulator

@Suite("The demonstration device")
struct DevicesDemonstrationTests {
  private let pc: DevicesTestMachine
  private let base = DemonstrationDevice.addressBelow4GiB

  init() throws {
    pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(11)
  }

  private func read(_ offset: UInt64, _ width: AccessWidth = .doubleword) -> UInt64 {
    pc.bus.read(base + offset, width: width)
  }

  private func write(_ offset: UInt64, _ value: UInt64, _ width: AccessWidth = .doubleword) {
    pc.bus.write(base + offset, width: width, value: value)
  }

  @Test("Identification, scratch, and what isn't there")
  func plainRegisters() {
    #expect((0..<4).map { UInt8(read($0, .byte)) } == Array("PGWK".utf8))
    #expect(read(0, .quadword) == 0x1_4B57_4750)
    write(0, 0)
    #expect(read(0) == 0x4B57_4750)
    write(8, 0x1122_3344)
    write(9, 0xAB, .byte)
    #expect(read(8) == 0x1122_AB44)
    #expect(read(0xA, .word) == 0x1122)
    #expect(read(0x800, .quadword) == 0)
  }

  @Test("The counter counts reads of its lowest byte")
  func counter() {
    write(0x0C, 0xFFFF_FFFE)
    #expect(read(0x0C) == 0xFFFF_FFFE)
    #expect(read(0x0D, .byte) == 0xFF)
    #expect(read(0x0C, .byte) == 0xFF)
    #expect(read(0x0C) == 0)
    #expect(read(0x08, .quadword) == 1 << 32)
    #expect(read(0x0C) == 2)
  }

  @Test("The FIFO pops on a read and reports overrun and underrun")
  func fifo() {
    #expect(read(0x14) == 0x100)
    for value: UInt64 in 1...17 { write(0x10, value) }
    #expect(read(0x14) == 0x210)
    #expect(read(0x1C) == 0x2)
    #expect((0..<16).map { _ in read(0x10) } == Array(1...16))
    #expect(read(0x10) == 0)
    #expect(read(0x1C) == 0x6)
    write(0x1C, 0x2)
    #expect(read(0x1C) == 0x4)
  }

  @Test("The timer interrupts after its cycles, and writing 1 clears its bit and the line")
  func timer() {
    write(0x18, 0xFFFF_FFFF)
    #expect(read(0x18) == 7)
    pc.advance(to: 5_000)
    write(0x20, 1_000)
    pc.advance(by: 400)
    #expect(read(0x20) == 600)
    pc.advance(by: 599)
    #expect(!pc.pic.interruptRequested)
    pc.advance(by: 1)
    #expect(pc.pic.interruptRequested)
    #expect(read(0x1C) == 1 && read(0x20) == 0)
    #expect(pc.pic.acknowledge() == 0x2B)
    write(0x1C, 1)
    #expect(read(0x1C) == 0)
    pc.write(0xA0, 0x20)
    pc.write(0x20, 0x20)
    write(0x20, 100)
    write(0x20, 0)
    pc.advance(by: 1_000)
    #expect(!pc.pic.interruptRequested)
  }

  @Test("The 64-bit register moves whole, or by halves")
  func wide() {
    write(0x28, 0x1122_3344_5566_7788, .quadword)
    #expect(read(0x28) == 0x5566_7788 && read(0x2C) == 0x1122_3344)
    write(0x2C, 0xAABB_CCDD)
    #expect(read(0x28, .quadword) == 0xAABB_CCDD_5566_7788)
    write(0x2B, 0x1234_5678)
    #expect(read(0x28, .quadword) == 0xAA12_3456_7866_7788)
    // The unaligned doubleword was a byte, a word and a byte.
    #expect(pc.bus.counters.splits == 2)
  }

  @Test("LAST tells what the bus made of an access, CYCLE the time")
  func introspection() {
    write(0x0A, 1, .word)
    #expect(read(0x30, .quadword) == 0x8002_000A)
    #expect(read(0x30, .quadword) == 0x0008_0030)
    pc.advance(to: 0x1_2345_6789)
    #expect(read(0x38, .quadword) == 0x1_2345_6789)
  }

  @Test("Wait states are the bus's to count, and bounded")
  func waitStates() {
    write(0x24, 30)
    _ = pc.bus.takeWaitStates()
    #expect(read(0x24) == 30)
    #expect(pc.bus.takeWaitStates() == 30)
    write(0x24, 0xFFFF_FFFF)
    #expect(read(0x24) == 1_000)
  }

  @Test("A place above 4 GiB for every size of RAM that leaves one")
  func places() throws {
    func place(_ gibibytes: UInt64, _ bits: Int) throws -> UInt64? {
      DemonstrationDevice.address(above: try MemoryMap(bytes: gibibytes << 30), physicalAddressBits: bits)
    }
    #expect(try place(1, 36) == 60 << 30)
    #expect(try place(59, 36) == 60 << 30)
    #expect(try place(60, 36) == 61 << 30)
    #expect(try place(62, 36) == 63 << 30)
    #expect(try place(63, 36) == nil)
    #expect(try place(64, 37) == 65 << 30)
    #expect(try place(6, 33) == 7 << 30)
    #expect(try place(1, 32) == nil)
    let bus = try Bus(memory: pc.memory)
    try DemonstrationDevice(at: try #require(try place(1, 36)), clock: pc.clock).attach(to: bus)
    #expect(bus.read(0xF_0000_0000, width: .doubleword) == 0x4B57_4750)
  }
}
