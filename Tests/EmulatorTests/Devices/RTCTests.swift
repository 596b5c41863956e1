import IA32
import Testing

@testable import Emulator

@Suite("The CMOS clock")
struct DevicesRTCTests {
  private let second: UInt64 = 166_666_667

  private func get(_ pc: DevicesTestMachine, _ index: UInt8) -> UInt8 {
    pc.write(0x70, index)
    return pc.read(0x71)
  }

  private func set(_ pc: DevicesTestMachine, _ index: UInt8, _ value: UInt8) {
    pc.write(0x70, index)
    pc.write(0x71, value)
  }

  /// Century, year, month, day, day of the week, hour, minute, second, as the registers hold them.
  private func time(_ pc: DevicesTestMachine) -> [UInt8] {
    [0x32, 9, 8, 7, 6, 4, 2, 0].map { get(pc, $0) }
  }

  private func setTime(_ pc: DevicesTestMachine, _ values: [UInt8]) {
    set(pc, 0x0B, get(pc, 0x0B) | 0x80)
    for (index, value) in zip([UInt8(0x32), 9, 8, 7, 6, 4, 2, 0], values) { set(pc, index, value) }
    set(pc, 0x0B, get(pc, 0x0B) & 0x7F)
  }

  @Test("Time begins at a fixed moment and goes on with the clock")
  func epoch() throws {
    let pc = try DevicesTestMachine()
    #expect(time(pc) == [0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00])
    pc.advance(by: second - 2)
    #expect(get(pc, 0) == 0x00)
    pc.advance(by: 3)
    #expect(get(pc, 0) == 0x01)
    pc.advance(by: second * 3_600)
    #expect(time(pc) == [0x20, 0x00, 0x01, 0x01, 7, 0x01, 0x00, 0x01])
  }

  private static let moments: [(Int64, [UInt8])] = [
    (Int64(0), [UInt8(0x19), 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00]),
    (951_782_399, [0x20, 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59]),
    (1_709_210_096, [0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x34, 0x56]),
    (4_102_444_800, [0x21, 0x00, 0x01, 0x01, 6, 0x00, 0x00, 0x00]),
    (-1, [0x19, 0x69, 0x12, 0x31, 4, 0x23, 0x59, 0x59]),
    (.max, [0x99, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59]),
  ]

  @Test(
    "Calendar arithmetic from seconds since 1970",
    arguments: moments)
  func calendar(seconds: Int64, expected: [UInt8]) {
    let format = RTCTime.Format(isBinary: false, is24Hour: true)
    let t = RTCTime(secondsSince1970: seconds, format: format)
    #expect([t.century, t.year, t.month, t.day, t.dayOfWeek, t.hour, t.minute, t.second] == expected)
  }

  private static let successions: [([UInt8], [UInt8])] = [
    (
      [UInt8(0x19), 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59],
      [UInt8(0x20), 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00]
    ),
    ([0x20, 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59], [0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00]),
    ([0x21, 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59], [0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00]),
    ([0x20, 0x23, 0x04, 0x30, 7, 0x23, 0x59, 0x59], [0x20, 0x23, 0x05, 0x01, 1, 0x00, 0x00, 0x00]),
  ]

  @Test(
    "Seconds carry as far as the century",
    arguments: successions)
  func carries(from: [UInt8], to: [UInt8]) throws {
    let pc = try DevicesTestMachine()
    setTime(pc, from)
    #expect(time(pc) == from)
    pc.advance(by: second + 10)
    #expect(time(pc) == to)
  }

  @Test("Binary numbers and twelve hours")
  func formats() throws {
    let pc = try DevicesTestMachine()
    set(pc, 0x0B, 0x04)
    setTime(pc, [0x20, 7, 8, 9, 1, 11, 59, 59])
    pc.advance(by: second + 10)
    #expect(time(pc) == [0x20, 7, 8, 9, 1, 12 | 0x80, 0, 0], "noon")
    setTime(pc, [0x20, 7, 8, 9, 1, 12 | 0x80, 59, 59])
    pc.advance(by: second + 10)
    #expect(get(pc, 4) == 1 | 0x80)
    setTime(pc, [0x20, 7, 8, 9, 1, 11 | 0x80, 59, 59])
    pc.advance(by: second + 10)
    #expect(time(pc) == [0x20, 7, 8, 10, 2, 12, 0, 0], "midnight")
  }

  @Test("UIP announces an update; SET and a stopped divider hold it off")
  func updates() throws {
    let pc = try DevicesTestMachine()
    #expect(get(pc, 0x0A) == 0x26)
    pc.advance(to: second - second / 500)
    #expect(get(pc, 0x0A) == 0xA6, "2 ms before the end")
    pc.advance(to: second + 100)
    #expect(get(pc, 0x0A) == 0x26)
    #expect(get(pc, 0) == 1)
    set(pc, 0x0B, 0x82)
    pc.advance(by: 5 * second)
    #expect(get(pc, 0) == 1)
    set(pc, 0x0B, 0x02)
    pc.advance(by: second)
    #expect(get(pc, 0) == 2)
    // Divider reset; the first update comes half a second after it is let go.
    set(pc, 0x0A, 0x76)
    pc.advance(by: 5 * second)
    #expect(get(pc, 0) == 2)
    set(pc, 0x0A, 0x26)
    pc.advance(by: second / 2 - 10_000)
    #expect(get(pc, 0) == 2)
    pc.advance(by: 20_000)
    #expect(get(pc, 0) == 3)
  }

  @Test("Periodic interrupts come at 1,024 Hz on IRQ 8 once each is read")
  func periodic() throws {
    let pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(8)
    #expect(get(pc, 0x0C) == 0)
    set(pc, 0x0B, 0x42)
    var count = 0
    for _ in 0..<20_000 {
      pc.advance(by: second / 10_000)
      if pc.pic.interruptRequested {
        #expect(pc.serveAll() == [0x28])
        #expect(get(pc, 0x0C) & 0xC0 == 0xC0)
        count += 1
      }
    }
    #expect(count == 2_047 || count == 2_048)
    // Without reading register C there is one more and no other.
    pc.advance(by: second)
    #expect(pc.serveAll() == [0x28])
    pc.advance(by: second)
    #expect(pc.serveAll() == [])
  }

  @Test("Update-ended interrupts come each second, alarms when the time is theirs, with don't-care bytes")
  func updateAndAlarm() throws {
    let pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.unmask(8)
    set(pc, 0x0B, 0x12)
    pc.advance(by: second + 10)
    #expect(pc.serveAll() == [0x28])
    #expect(get(pc, 0x0C) & 0x90 == 0x90)
    set(pc, 0x0B, 0x22)
    set(pc, 1, 0x05)
    set(pc, 3, 0xC0)
    set(pc, 5, 0xFF)
    pc.advance(to: 5 * second - 100)
    #expect(pc.serveAll() == [])
    pc.advance(to: 5 * second + 100)
    #expect(pc.serveAll() == [0x28])
    #expect(get(pc, 0x0C) & 0xA0 == 0xA0)
    pc.advance(to: 64 * second)
    #expect(pc.serveAll() == [])
    pc.advance(to: 65 * second + 100)
    #expect(pc.serveAll() == [0x28], "the minute doesn't matter")
  }

  private static let sizes: [(UInt64, UInt64, UInt64, UInt64)] = [
    (UInt64(1) << 20, UInt64(0), UInt64(0), UInt64(0)),
    (16 << 20, 15 << 10, 0, 0),
    (256 << 20, 0xFFFF, 240 << 4, 0),
    (6 << 30, 0xFFFF, (3 << 14) - 256, 3 << 14),
    (64 << 30, 0xFFFF, (3 << 14) - 256, 61 << 14),
  ]

  @Test(
    "Memory sizes for firmware and operating systems",
    arguments: sizes)
  func memorySizes(bytes: UInt64, extended: UInt64, beyond16MiB: UInt64, beyond4GiB: UInt64) throws {
    let pc = try DevicesTestMachine(bytes: bytes)
    func number(_ indices: [UInt8]) -> UInt64 {
      indices.reversed().reduce(0) { $0 << 8 | UInt64(get(pc, $1)) }
    }
    #expect(number([0x15, 0x16]) == 640)
    #expect(number([0x17, 0x18]) == extended)
    #expect(number([0x30, 0x31]) == extended)
    #expect(number([0x34, 0x35]) == beyond16MiB)
    #expect(number([0x5B, 0x5C, 0x5D]) == beyond4GiB)
    let sum = (UInt8(0x10)...0x2D).reduce(0) { $0 + UInt64(get(pc, $1)) }
    #expect(number([0x2F, 0x2E]) == sum)
  }

  @Test("The NMI mask, the write-only index, and plain memory")
  func portsAndMemory() throws {
    let pc = try DevicesTestMachine()
    pc.write(0x70, 0x8F)
    #expect(pc.rtc.isNMIMasked)
    pc.write(0x71, 0x0A)
    #expect(pc.read(0x71) == 0x0A)
    #expect(pc.read(0x70) == 0xFF)
    pc.write(0x70, 0x0D)
    #expect(!pc.rtc.isNMIMasked)
    #expect(pc.read(0x71) == 0x80)
    set(pc, 0x7F, 0x99)
    #expect(get(pc, 0x7F) == 0x99)
    #expect(get(pc, 0xFF) == 0x99, "bit 7 of the index is the NMI mask")
  }

  @Test("Nonsense in the time registers counts on without harm")
  func nonsense() throws {
    let pc = try DevicesTestMachine()
    for value: UInt8 in [0xFF, 0x7F, 0x9A, 0x00] {
      for control: UInt8 in [0x02, 0x06, 0x00, 0x04] {
        set(pc, 0x0B, control)
        setTime(pc, [UInt8](repeating: value, count: 8))
        pc.advance(by: 70 * second)
        #expect(get(pc, 0) != value || value == 0)
      }
    }
  }
}
