import IA32
import Testing

@testable import Emulator

/// A device that notes each access and reads as the offset of each byte.
private final class Recorder: BusDevice {
  let name: String
  let dataWidth: AccessWidth
  var waitStates: UInt32 = 0
  var log: [String] = []

  init(_ name: String, _ dataWidth: AccessWidth = .quadword) {
    self.name = name
    self.dataWidth = dataWidth
  }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    log.append("r\(width.bytes)@\(offset)")
    // More bits than asked for: the bus must not let them through.
    return (0..<8).reduce(0) { $0 | (offset + $1 & 0xFF) << (8 * $1) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    log.append("w\(width.bytes)@\(offset)=" + String(value, radix: 16))
  }
}

@Suite("The bus")
struct MemoryBusTests {
  private func makeBus(bytes: UInt64 = 16 << 20, bits: Int = 36) throws -> Bus {
    try Bus(memory: try PhysicalMemory(bytes: bytes), physicalAddressBits: bits)
  }

  @Test("RAM of every width, within a page and across two")
  func ram() throws {
    let bus = try makeBus()
    for address in [UInt64(0x1000), 0x1FFF, 0x1FFD, 0x1FF9, 0x10_0FFE] {
      for width in AccessWidth.allCases {
        bus.write(address, width: width, value: 0x8877_6655_4433_2211)
        #expect(bus.read(address, width: width) == 0x8877_6655_4433_2211 & width.allOnes)
      }
    }
    #expect(
      bus.memory.read(PhysicalAddress(0x1FF9), count: 8) == [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88])
    #expect(bus.counters == BusCounters())
  }

  @Test("Unclaimed memory and ports read as ones in every width")
  func unclaimed() throws {
    let bus = try makeBus()
    for width in AccessWidth.allCases {
      #expect(bus.read(0xA_0000, width: width) == width.allOnes)
      #expect(bus.read(0xD_0000_0000, width: width) == width.allOnes)
      #expect(bus.read(.max - 7, width: width) == width.allOnes)
    }
    bus.write(0xC000_0000, width: .quadword, value: 0)
    #expect(bus.readPort(0x2E, width: .byte) == 0xFF)
    #expect(bus.readPort(0xCF8, width: .doubleword) == 0xFFFF_FFFF)
    #expect(bus.readPort(0xFFFF, width: .doubleword) == 0xFFFF_FFFF)
    bus.writePort(0xFFFF, width: .word, value: 0)
    #expect(bus.counters.unclaimed == 17)
    #expect(bus.counters.portReads == 3 && bus.counters.portWrites == 1)
  }

  @Test("An access reaches a device as its fewest aligned pieces, in order")
  func splits() throws {
    let bus = try makeBus()
    let device = Recorder("device")
    try bus.addMMIO(device, at: 0xFED1_0000..<0xFED1_1000)
    #expect(bus.read(0xFED1_0008, width: .quadword) == 0x0F0E_0D0C_0B0A_0908)
    #expect(bus.read(0xFED1_0001, width: .doubleword) == 0x0403_0201)
    #expect(bus.read(0xFED1_0006, width: .doubleword) == 0x0908_0706)
    #expect(bus.read(0xFED1_0003, width: .quadword) == 0x0A09_0807_0605_0403)
    bus.write(0xFED1_0007, width: .word, value: 0xFFFF_BBAA)
    #expect(
      device.log == [
        "r8@8", "r1@1", "r2@2", "r1@4", "r2@6", "r2@8", "r1@3", "r4@4", "r2@8", "r1@10", "w1@7=aa", "w1@8=bb",
      ])
    #expect(bus.counters.mmioReads == 4 && bus.counters.mmioWrites == 1)
    #expect(bus.counters.splits == 0 + 2 + 1 + 3 + 1)
  }

  @Test("A device narrower than the access gets it in its own width")
  func narrowDevices() throws {
    let bus = try makeBus()
    let device = Recorder("narrow", .word)
    try bus.addMMIO(device, at: 0xFED1_0000..<0xFED1_1000)
    #expect(bus.read(0xFED1_0000, width: .doubleword) == 0x0302_0100)
    bus.write(0xFED1_0000, width: .quadword, value: 0x8877_6655_4433_2211)
    #expect(device.log == ["r2@0", "r2@2", "w2@0=2211", "w2@2=4433", "w2@4=6655", "w2@6=8877"])
  }

  @Test("An access across the end of a region goes partly to each side")
  func acrossRegions() throws {
    let bus = try makeBus()
    let device = Recorder("device")
    let other = Recorder("other")
    try bus.addMMIO(device, at: 0x100_0000..<0x100_1000)
    try bus.addMMIO(other, at: 0x100_1000..<0x100_2000)
    try bus.addROM(name: "ROM", at: PhysicalAddress(0x100_2000), bytes: [UInt8](repeating: 0xC3, count: 4096))
    // RAM ends where the device begins, the device where the other does, that where the ROM does, and then nothing.
    bus.write(0xFF_FFFE, width: .word, value: 0x2211)
    #expect(bus.read(0xFF_FFFE, width: .doubleword) == 0x0100_2211)
    #expect(bus.read(0x100_0FFF, width: .word) == 0x00FF)
    #expect(bus.read(0x100_1FFF, width: .doubleword) == 0xC3C3_C3FF)
    #expect(bus.read(0x100_2FFF, width: .word) == 0xFFC3)
    bus.write(0xFF_FFFF, width: .doubleword, value: 0x4433_2299)
    #expect(bus.memory.read(PhysicalAddress(0xFF_FFFE), count: 2) == [0x11, 0x99])
    #expect(device.log == ["r2@0", "r1@4095", "w2@0=3322", "w1@2=44"])
    #expect(other.log == ["r1@0", "r1@4095"])
    #expect(bus.counters.unclaimed == 1)
  }

  @Test("ROM is read like memory and ignores writes")
  func rom() throws {
    let bus = try makeBus()
    let bytes = (0..<65536).map { UInt8(truncatingIfNeeded: $0 >> 4) }
    try bus.addROM(name: "boot ROM", at: PhysicalAddress(0xFFFF_0000), bytes: bytes)
    #expect(bus.read(0xFFFF_FFF0, width: .byte) == 0xFF)
    #expect(bus.read(0xFFFF_0010, width: .doubleword) == 0x0101_0101)
    bus.write(0xFFFF_0010, width: .doubleword, value: 0)
    bus.write(0xFFFF_0FFE, width: .doubleword, value: 0)
    #expect(bus.read(0xFFFF_0010, width: .doubleword) == 0x0101_0101)
    #expect(bus.hostPageForReading(0xF_FFFF)?.load(as: UInt8.self) == 0)
    #expect(bus.hostPageForWriting(0xF_FFFF) == nil)
    #expect(bus.hostPageForReading(0xF_FFEF) == nil)
    #expect(bus.hostPageForReading(.max) == nil)
  }

  @Test("Overlaps are refused and both are named")
  func overlaps() throws {
    let bus = try makeBus(bytes: 6 << 30)
    try bus.addMMIO(Recorder("first"), at: 0xFED1_0000..<0xFED1_2000)
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return "no error"
    }
    #expect(
      message { try bus.addMMIO(Recorder("second"), at: 0xFED1_1000..<0xFED1_3000) }
        == "second at 0fed11000-0fed12fff overlaps first at 0fed10000-0fed11fff")
    #expect(
      message {
        try bus.addROM(
          name: "boot ROM", at: PhysicalAddress(0x1_0000_0000), bytes: [UInt8](repeating: 0, count: 4096))
      }
        == "boot ROM at 100000000-100000fff overlaps RAM at 100000000-1bfffffff")
    #expect(message { try bus.addMMIO(Recorder("empty"), at: 5..<5) } == "empty: the range is empty")
    #expect(
      message { try bus.addMMIO(Recorder("small"), at: 0xFED2_0000..<0xFED2_0010) }
        == "small: 0fed20000-0fed2000f must begin and end at a multiple of 4 KiB")
    #expect(
      message { try bus.addMMIO(Recorder("far"), at: 0xF_FFFF_F000..<0x10_0000_1000) }
        == "far: ffffff000-1000000fff goes beyond the 36 bits of a physical address")
    #expect(throws: BusError.self) { try bus.addMMIO(Recorder("last"), at: (UInt64.max - 4095)..<UInt64.max) }
    try bus.addPorts(Recorder("COM1"), at: 0x3F8..<0x400)
    #expect(
      message { try bus.addPorts(Recorder("COM3"), at: 0x3F0..<0x3F9) }
        == "COM3 at ports 03f0-03f8 overlaps COM1 at ports 03f8-03ff")
    #expect(
      message { try bus.addPorts(Recorder("end"), at: 0xFFFF..<0x1_0001) }
        == "end: ports ffff-10000 go beyond port ffff")
    #expect(throws: BusError.emptyRange(name: "none")) { try bus.addPorts(Recorder("none"), at: 7..<7) }
    #expect(throws: BusError.addressWidthOutOfRange(bits: 53)) { try makeBus(bits: 53) }
    #expect(throws: BusError.addressWidthOutOfRange(bits: 31)) { try makeBus(bits: 31) }
    #expect(bus.regions.filter { $0.kind == .mmio }.map(\.name) == ["first"], "a refused region was kept")
  }

  @Test(
    "The region list is sorted, without gaps in what the PC's map keeps free, and ends with the address lines"
  )
  func regions() throws {
    let bus = try makeBus(bytes: 64 << 30)
    try bus.addROM(
      name: "boot ROM", at: PhysicalAddress(0xFFFF_0000), bytes: [UInt8](repeating: 0, count: 65536))
    try bus.addROM(name: "shadow", at: PhysicalAddress(0xF_0000), bytes: [UInt8](repeating: 0, count: 65536))
    try bus.addMMIO(Recorder("device"), at: 0xFED1_0000..<0xFED1_1000)
    #expect(
      bus.regions.map(\.description) == [
        "000000000-00009ffff ram RAM",
        "0000a0000-0000effff reserved legacy window",
        "0000f0000-0000fffff rom shadow",
        "000100000-0bfffffff ram RAM",
        "0c0000000-0fed0ffff reserved device hole",
        "0fed10000-0fed10fff mmio device",
        "0fed11000-0fffeffff reserved device hole",
        "0ffff0000-0ffffffff rom boot ROM",
        "100000000-fffffffff ram RAM",
      ])
    #expect(try makeBus(bytes: 64 << 30, bits: 37).regions.last?.range.upperBound == 65 << 30)
    #expect(bus.region(at: PhysicalAddress(0xFED1_0010))?.name == "device")
    #expect(bus.region(at: PhysicalAddress(0xB_8000))?.kind == .reserved)
  }

  @Test("A device anywhere in 52 bits answers")
  func wideAddresses() throws {
    let bus = try makeBus(bits: 52)
    let device = Recorder("far")
    let top: UInt64 = 1 << 52
    try bus.addMMIO(device, at: (top - 4096)..<top)
    #expect(bus.read(top - 1, width: .word) == 0xFFFF)
    #expect(device.log == ["r1@4095"])
  }

  @Test("Wide port accesses reach devices in their own width")
  func ports() throws {
    let bus = try makeBus()
    let bytes = Recorder("bytes", .byte)
    let doublewords = Recorder("doublewords", .doubleword)
    try bus.addPorts(bytes, at: 0x40..<0x43)
    try bus.addPorts(doublewords, at: 0xF4..<0xFC)
    #expect(bus.readPort(0x40, width: .word) == 0x0100)
    // The fourth port is nobody's.
    #expect(bus.readPort(0x40, width: .doubleword) == 0xFF02_0100)
    #expect(bytes.log == ["r1@0", "r1@1", "r1@0", "r1@1", "r1@2"])
    bus.writePort(0xF4, width: .doubleword, value: 0x1234_5678)
    bus.writePort(0xF6, width: .doubleword, value: 0x1234_5678)
    bus.writePort(0xFA, width: .doubleword, value: 0x1234_5678)
    #expect(doublewords.log == ["w4@0=12345678", "w2@2=5678", "w2@4=1234", "w2@6=5678"])
  }

  @Test("Wait states add up by transaction and are handed to the CPU once")
  func waitStates() throws {
    let bus = try makeBus()
    let device = Recorder("slow")
    device.waitStates = 7
    try bus.addMMIO(device, at: 0xFED1_0000..<0xFED1_1000)
    _ = bus.read(0xFED1_0001, width: .doubleword)
    bus.write(0xFED1_0000, width: .byte, value: 1)
    #expect(bus.counters.waitStates == 28)
    #expect(bus.takeWaitStates() == 28)
    #expect(bus.takeWaitStates() == 0)
  }

  @Test("With the A20 gate closed, odd megabytes are the even ones before them")
  func a20() throws {
    let bus = try makeBus()
    bus.write(0x500, width: .byte, value: 0x11)
    bus.write(0x10_0500, width: .byte, value: 0x22)
    bus.setA20(enabled: false)
    #expect(bus.read(0x10_0500, width: .byte) == 0x11)
    #expect(bus.hostPageForReading(0x100) == bus.hostPageForReading(0))
    bus.write(0x10_0500, width: .byte, value: 0x33)
    bus.setA20(enabled: true)
    #expect(bus.read(0x500, width: .byte) == 0x33)
    #expect(bus.read(0x10_0500, width: .byte) == 0x22)
  }

  @Test("Who watches a frame hears of the bus's own stores to it")
  func memoryWrites() throws {
    let bus = try makeBus()
    var seen: [String] = []
    let gate = StoreGate(memory: bus.memory)
    gate.stored = { seen.append("\($0.bytes)@" + String($0.physical, radix: 16)) }
    gate.mark(0x1000, .watched)
    gate.mark(0x2000, .watched)
    bus.gate = gate
    bus.write(0x1000, width: .doubleword, value: 1)
    bus.write(0x1FFF, width: .word, value: 1)
    bus.write(0xB_8000, width: .word, value: 1)
    bus.write(0x3000, width: .word, value: 1)
    #expect(seen == ["4@1000", "1@1fff", "1@2000"])
  }
}
