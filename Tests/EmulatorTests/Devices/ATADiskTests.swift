import TestSupport
import Testing

@testable import Emulator

/// The disk on the primary IDE channel, as a driver sees it at its ports.
@Suite("ATA disk")
struct ATADiskTests {
  static let sectors: UInt64 = 5000
  let pc: DevicesTestMachine
  let disk: ATADisk

  /// Sector n holds its number in every doubleword.
  static let source = DiskSource(sectorCount: sectors) { sector in
    sector == 4999 ? nil : (0..<512).map { UInt8(truncatingIfNeeded: sector >> (8 * UInt64($0 % 4))) }
  }

  init() throws {
    pc = try DevicesTestMachine()
    disk = ATADisk(Self.source, clock: pc.clock, interrupt: pc.line(14))
    try disk.attach(to: pc.bus)
    pc.initializePIC()
    pc.unmask(14)
  }

  private func wait() {
    for _ in 0..<100 where pc.read(0x3F6) & 0x80 != 0 { pc.advance(by: pc.clock.frequency / 10_000) }
  }

  private func command(_ command: UInt8, lba: UInt64 = 0, count: UInt16 = 1, wide: Bool = false) {
    if wide {
      pc.write(0x1F2, UInt8(count >> 8))
      for index in 0..<3 {
        pc.write(0x1F3 + UInt16(index), UInt8(truncatingIfNeeded: lba >> UInt64(24 + 8 * index)))
      }
    }
    pc.write(0x1F2, UInt8(truncatingIfNeeded: count))
    for index in 0..<3 {
      pc.write(0x1F3 + UInt16(index), UInt8(truncatingIfNeeded: lba >> UInt64(8 * index)))
    }
    pc.write(0x1F6, 0xE0 | (wide ? 0 : UInt8(truncatingIfNeeded: lba >> 24) & 15))
    pc.write(0x1F7, command)
  }

  private func words(_ count: Int) -> [UInt16] {
    (0..<count).map { _ in UInt16(truncatingIfNeeded: pc.bus.readPort(0x1F0, width: .word)) }
  }

  @Test("IDENTIFY DEVICE says size, name and that there is LBA")
  func identify() {
    command(0xEC)
    #expect(pc.read(0x1F7) & 0x80 != 0 && pc.serveAll() == [])
    wait()
    #expect(pc.serveAll() == [0x2E] && pc.read(0x1F7) == 0x58)
    let words = words(256)
    #expect(words[60] == 5000 && words[61] == 0 && words[100] == 5000 && words[49] == 0x0200)
    #expect(
      String(decoding: words[27...32].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }, as: UTF8.self)
        == "Pagewalk dis")
    #expect(pc.read(0x1F7) == 0x50, "ready, nothing left to read")
  }

  @Test("Sectors are read one after the other, each with an interrupt, by all three ways of addressing")
  func reading() {
    command(0x20, lba: 0x123, count: 2)
    for sector in [UInt16(0x123), 0x124] {
      wait()
      #expect(pc.serveAll() == [0x2E] && pc.read(0x1F7) == 0x58)
      #expect(words(256) == (0..<256).map { $0 % 2 == 0 ? sector : 0 })
    }
    #expect(pc.read(0x1F7) == 0x50)
    command(0x24, lba: 0x456, count: 1, wide: true)
    wait()
    // 32 bits at once are two words.
    #expect(pc.bus.readPort(0x1F0, width: .doubleword) == 0x456)
    _ = words(254)
    // Cylinder 1, head 2, sector 3.
    let commands: [(port: UInt16, value: UInt8)] = [
      (0x1F2, 1), (0x1F3, 3), (0x1F4, 1), (0x1F5, 0), (0x1F6, 0xA2), (0x1F7, 0x20),
    ]
    for command in commands { pc.write(command.port, command.value) }
    wait()
    let expected: UInt16 = (1 * 16 + 2) * 63 + 3 - 1
    #expect(words(1) == [expected])
  }

  @Test("What is written is read back, and is not the source's")
  func writing() {
    command(0x30, lba: 7, count: 2)
    for sector in 0..<2 {
      wait()
      #expect(pc.read(0x1F7) & 0x89 == 0x08)
      for word in 0..<256 { pc.bus.writePort(0x1F0, width: .word, value: UInt32(sector << 8 | word)) }
      wait()
      #expect(pc.serveAll() == [0x2E])
      _ = pc.read(0x1F7)
    }
    #expect(disk.state.written.sectors.map(\.sector) == [7, 8])
    command(0x20, lba: 8)
    wait()
    let expected: [UInt16] = (0..<256).map { word in UInt16(0x100 | word) }
    #expect(words(256) == expected)
    let before = disk.state
    command(0x30, lba: 8)
    for _ in 0..<256 { pc.bus.writePort(0x1F0, width: .word, value: 0) }
    disk.state = before
    #expect(disk.state.written[8]?[2] == 1, "a snapshot has the disk's contents")
    disk.reset()
    #expect(disk.state.written.sectors.count == 2)
  }

  @Test("READ MULTIPLE moves a block at an interrupt")
  func multiple() {
    command(0xC4, lba: 1, count: 3)
    wait()
    #expect(pc.read(0x1F7) & 1 == 1 && pc.read(0x1F1) == 4, "not before SET MULTIPLE MODE")
    _ = pc.serveAll()
    command(0xC6, count: 2)
    wait()
    _ = pc.read(0x1F7)
    _ = pc.serveAll()
    command(0xC4, lba: 1, count: 3)
    wait()
    #expect(pc.serveAll() == [0x2E])
    #expect(words(512).indices.allSatisfy { _ in true })
    wait()
    _ = pc.read(0x1F7)
    #expect(words(256)[0] == 3 && pc.read(0x1F7) == 0x50)
  }

  @Test("Errors are the standard's: beyond the end, a bad command, a sector that the host can't read")
  func errors() {
    for (number, lba, count, error) in [
      (UInt8(0x20), UInt64(4998), UInt16(3), UInt8(0x10)), (0x20, 5000, 1, 0x10), (0x30, 5000, 1, 0x10),
      (0x20, 4999, 1, 0x40),
      (0x25, 0, 1, 0x04), (0xA1, 0, 1, 0x04), (0xC6, 0, 3, 0x04),
    ] {
      command(number, lba: lba, count: count)
      wait()
      #expect(pc.read(0x3F6) & 0x09 == 0x01 && pc.read(0x1F1) == error, "\(number) at \(lba)")
      _ = pc.read(0x1F7)
    }
    pc.write(0x1F6, 0xF0)
    #expect(pc.read(0x1F7) == 0, "device 1 is not there")
    pc.write(0x1F7, 0xEC)
    #expect(pc.read(0x1F7) == 0)
    pc.write(0x1F6, 0xE0)
    pc.write(0x3F6, 0x04)
    #expect(pc.read(0x3F6) == 0x80)
    pc.write(0x3F6, 0x02)
    #expect(pc.read(0x3F6) == 0x50 && pc.read(0x1F2) == 1 && pc.read(0x1F1) == 1)
    _ = pc.serveAll()
    command(0xEC)
    wait()
    #expect(pc.serveAll() == [], "nIEN")
  }

  @Test("A guest that programs it at random breaks nothing", arguments: 0..<4)
  func hostile(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let port = Bool.random(using: &random) ? UInt16.random(in: 0x1F0...0x1F7, using: &random) : 0x3F6
      let width = AccessWidth.allCases[Int.random(in: 0..<3, using: &random)]
      switch Int.random(in: 0..<4, using: &random) {
      case 0: _ = pc.bus.readPort(port, width: width)
      case 1: pc.bus.writePort(port, width: width, value: UInt32.random(in: 0...UInt32.max, using: &random))
      case 2:
        pc.write(
          0x1F7, [0x20, 0x30, 0x24, 0x34, 0xC4, 0xC5, 0x29, 0x39, 0xEC, 0x91].randomElement(using: &random)!)
      default: pc.advance(by: UInt64.random(in: 0...20_000, using: &random))
      }
    }
    #expect(disk.state.written.sectors.allSatisfy { $0.sector < Self.sectors && $0.bytes.count == 512 })
  }
}
