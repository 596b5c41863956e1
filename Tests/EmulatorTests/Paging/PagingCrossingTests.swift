import IA32
import Testing

@testable import Emulator

/// Accesses that touch two pages: both are checked before a byte moves.
@Suite("PagingCrossing")
struct PagingCrossingTests {
  private static let firstFrame: UInt64 = 0x40_0000
  private static let secondFrame: UInt64 = 0x48_0000
  private static let fill: UInt8 = 0xee
  private static let value: UInt64 = 0x8877_6655_4433_2211

  /// A device that keeps bytes and notes accesses.
  private final class Registers: BusDevice {
    let name = "registers"
    let dataWidth = AccessWidth.quadword
    var bytes = [UInt8](repeating: PagingCrossingTests.fill, count: 4096)
    var log: [String] = []

    func read(offset: UInt64, width: AccessWidth) -> UInt64 {
      log.append("r\(width.bytes)@\(String(offset, radix: 16))")
      return (0..<width.bytes).reduce(0) { $0 | UInt64(bytes[Int(offset) + $1]) << UInt64(8 * $1) }
    }

    func write(offset: UInt64, width: AccessWidth, value: UInt64) {
      log.append("w\(width.bytes)@\(String(offset, radix: 16))")
      for index in 0..<width.bytes {
        bytes[Int(offset) + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      }
    }
  }

  private static let deviceFrame: UInt64 = 0xfed2_0000
  private static let nobody: UInt64 = 0xc000_0000

  /// Bytes and offset of every access of 2, 4 and 8 bytes that crosses a page's end.
  private static let crossings: [(bytes: Int, linear: UInt32)] = [2, 4, 8].flatMap { bytes in
    (1..<bytes).map { (bytes, 0x6000 - UInt32($0)) }
  }

  private func makeFixture(_ device: Registers? = nil) throws -> PagingFixture {
    let fixture = try PagingFixture()
    if let device { try fixture.machine.bus.addMMIO(device, at: Self.deviceFrame..<Self.deviceFrame + 4096) }
    fixture.map(5, to: Self.firstFrame | 0x67)
    fixture.map(6, to: Self.secondFrame | 0x67)
    for offset in 0..<4096 as Range<UInt64> {
      fixture.poke8(Self.firstFrame + offset, Self.fill)
      fixture.poke8(Self.secondFrame + offset, Self.fill)
    }
    try fixture.startPAE()
    return fixture
  }

  private func isUntouched(_ fixture: PagingFixture, _ frame: UInt64) -> Bool {
    fixture.machine.memory.read(PhysicalAddress(frame), count: 4096)
      == [UInt8](repeating: Self.fill, count: 4096)
  }

  // MARK: Faults

  /// What is wrong with the second page, and how a user's write to it fails.
  private static let failures: [(flags: UInt64, code: PageFaultErrorCode)] = [
    (0, [.write, .user]), (0x65, [.present, .write, .user]), (0x63, [.present, .write, .user]),
    (0x67 | 1 << 40, [.present, .write, .user, .reservedBit]),
  ]

  @Test(
    "A write whose second page faults leaves the first as it was, whatever lies behind the second",
    arguments: [secondFrame, deviceFrame, nobody])
  func secondPageFaults(frame: UInt64) throws {
    let device = Registers()
    let fixture = try makeFixture(device)
    for (flags, code) in Self.failures {
      fixture.map(6, to: frame | flags)
      for (bytes, linear) in Self.crossings {
        for held in [false, true] {
          if held { _ = fixture.load(0x6000) }
          #expect(
            fixture.store(linear, bytes: bytes, Self.value, user: true) == .pageFault(code, 0x6000),
            "\(bytes) bytes at \(linear), entry \(flags)")
          #expect(isUntouched(fixture, Self.firstFrame) && isUntouched(fixture, Self.secondFrame))
          // A read-only page can be read.
          if flags == 0x65 { continue }
          let loadCode = code.subtracting(.write)
          #expect(fixture.load(linear, bytes: bytes, user: true) == .pageFault(loadCode, 0x6000))
        }
      }
    }
    #expect(!device.log.contains { $0.hasPrefix("w") })
  }

  @Test("A write whose first page faults leaves the second as it was, and CR2 has the access's own address")
  func firstPageFaults() throws {
    let fixture = try makeFixture()
    for (flags, code) in Self.failures {
      fixture.map(5, to: Self.firstFrame | flags)
      for (bytes, linear) in Self.crossings {
        let outcome = fixture.store(linear, bytes: bytes, Self.value, user: true)
        #expect(outcome == .pageFault(code, linear))
        #expect(isUntouched(fixture, Self.firstFrame) && isUntouched(fixture, Self.secondFrame))
      }
    }
    // Both wrong: the first is reported.
    fixture.map(6, to: 0)
    #expect(fixture.store(0x5ffd, 0) == .pageFault([.present, .write, .reservedBit], 0x5ffd))
  }

  @Test("A device in the first page sees nothing of a write whose second page faults")
  func deviceFirst() throws {
    let device = Registers()
    let fixture = try makeFixture(device)
    fixture.map(5, to: Self.deviceFrame | 0x67)
    fixture.map(6, to: 0)
    for (bytes, linear) in Self.crossings {
      #expect(fixture.store(linear, bytes: bytes, Self.value) == .pageFault(.write, 0x6000))
      #expect(fixture.load(linear, bytes: bytes) == .pageFault([], 0x6000))
    }
    #expect(device.log.isEmpty)
  }

  // MARK: Success

  @Test("The bytes go to the two frames, which need not be neighbours")
  func bothPages() throws {
    let fixture = try makeFixture()
    for (bytes, linear) in Self.crossings {
      #expect(fixture.store(linear, bytes: bytes, Self.value) == .done)
      let value = bytes == 8 ? Self.value : Self.value & (1 << UInt64(8 * bytes) - 1)
      for _ in 0..<2 { #expect(fixture.load(linear, bytes: bytes) == .value(value)) }
      for index in 0..<UInt32(bytes) {
        let address = linear + index
        let frame = address < 0x6000 ? Self.firstFrame : Self.secondFrame
        #expect(
          fixture.peek8(frame + UInt64(address & 0xfff))
            == UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
      }
      #expect(fixture.peek8(Self.firstFrame + UInt64(linear & 0xfff) - 1) == Self.fill)
      #expect(fixture.peek8(Self.secondFrame + 8) == Self.fill)
      for offset in 0..<8 as Range<UInt64> {
        fixture.poke8(Self.firstFrame + 0xff8 + offset, Self.fill)
        fixture.poke8(Self.secondFrame + offset, Self.fill)
      }
    }
  }

  @Test("The last byte of the address space is followed by the first")
  func wraps() throws {
    let fixture = try makeFixture()
    let table: UInt64 = 0x21_0000
    fixture.poke64(PagingFixture.pointerTable + 24, 0x21_1000 | 1)
    fixture.poke64(0x21_1000 + 511 * 8, table | 7)
    fixture.poke64(table + 511 * 8, Self.firstFrame | 0x67)
    fixture.map(0, to: Self.secondFrame | 0x67)
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    for _ in 0..<2 {
      #expect(fixture.store(0xffff_fffd, bytes: 8, Self.value) == .done)
      #expect(fixture.load(0xffff_fffd, bytes: 8) == .value(Self.value))
    }
    #expect(fixture.peek8(Self.firstFrame + 0xfff) == 0x33 && fixture.peek8(Self.secondFrame) == 0x44)
    fixture.map(0, to: 0)
    fixture.machine.invalidatePage(LinearAddress(0))
    #expect(fixture.load(0xffff_fffe) == .pageFault([], 0))
  }

  @Test("Each half reaches a device as its fewest aligned pieces, once each")
  func devicePieces() throws {
    let device = Registers()
    let fixture = try makeFixture(device)
    fixture.map(6, to: Self.deviceFrame | 0x67)
    #expect(fixture.store(0x5ffc, bytes: 8, Self.value) == .done)
    #expect(fixture.load(0x5ffc, bytes: 8) == .value(Self.value))
    #expect(fixture.store(0x5ffe, bytes: 4, Self.value) == .done)
    #expect(fixture.store(0x5ffd, bytes: 8, Self.value) == .done)
    #expect(device.log == ["w4@0", "r4@0", "w2@0", "w4@0", "w1@4"])
    #expect(fixture.peek8(Self.firstFrame + 0xffd) == 0x11)
    // The device in front, RAM behind.
    device.log = []
    fixture.map(5, to: Self.deviceFrame | 0x67)
    fixture.map(6, to: Self.secondFrame | 0x67)
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    fixture.machine.invalidatePage(LinearAddress(0x6000))
    #expect(fixture.store(0x5ff9, bytes: 8, Self.value) == .done)
    #expect(fixture.load(0x5ff9, bytes: 8) == .value(Self.value))
    #expect(device.log == ["w1@ff9", "w2@ffa", "w4@ffc", "r1@ff9", "r2@ffa", "r4@ffc"])
    #expect(fixture.peek8(Self.secondFrame) == 0x88)
  }

  @Test("Where nobody answers, that half reads as ones and the other is what it is")
  func unclaimedHalf() throws {
    let fixture = try makeFixture()
    fixture.map(6, to: Self.nobody | 0x67)
    for (bytes, linear) in Self.crossings {
      let inFirst = UInt64(0x6000 - linear)
      let low = (0..<inFirst).reduce(0 as UInt64) { $0 | UInt64(Self.fill) << (8 * $1) }
      let ones = bytes == 8 ? UInt64.max : 1 << UInt64(8 * bytes) - 1
      #expect(fixture.load(linear, bytes: bytes) == .value(low | ones & ~(1 << (8 * inFirst) - 1)))
    }
  }
}
