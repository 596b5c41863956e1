import TestSupport
import Testing

@testable import Emulator

/// A guest that does anything at all to the devices must not harm the host, and must do the same twice.
@Suite("Hostile accesses")
struct DevicesHostileTests {
  private static let seeds: [UInt64] = [1, 2, 3, 0xDEAD_BEEF]

  /// The ports that somebody answers, and ends of the port space.
  private static let ports: [UInt16] =
    Array(0x20...0x21) + Array(0x40...0x43) + [0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92] + Array(0xA0...0xA1)
    + [0xE9, 0xF3, 0xF4, 0xF7] + Array(0x3F6...0x400) + [0x4D0, 0x4D1, 0, 0xFFFD, 0xFFFF]

  /// Random accesses of all widths, half of them to the devices, with random steps of time; gives a digest of all that
  /// came back.
  private func storm(seed: UInt64, accesses: Int) throws -> UInt64 {
    var random = SeededGenerator(seed: seed)
    let pc = try DevicesTestMachine(bytes: 1 << 20)
    pc.initializePIC()
    var digest: UInt64 = 0
    func note(_ value: UInt64) { digest = (digest &* 0x100_0000_01B3) ^ value }
    for _ in 0..<accesses {
      let bits = random.next()
      let value = random.next()
      let width = AccessWidth.allCases[Int(bits & 3)]
      let port =
        bits & 4 == 0
        ? Self.ports[Int(bits >> 32) % Self.ports.count] : UInt16(truncatingIfNeeded: bits >> 32)
      let memory: UInt64 =
        switch bits >> 3 & 7 {
        case 0: bits >> 20
        case 1: UInt64.max - (bits >> 56)
        case 2: 0x9_FFF8 + (bits >> 60)
        default: DemonstrationDevice.addressBelow4GiB - 8 + (bits >> 32) % (bits & 64 == 0 ? 80 : 4_112)
        }
      switch bits >> 8 & 7 {
      case 0, 1: note(UInt64(pc.bus.readPort(port, width: width)))
      case 2, 3, 4: pc.bus.writePort(port, width: width, value: UInt32(truncatingIfNeeded: value))
      case 5: note(pc.bus.read(memory, width: width))
      case 6: pc.bus.write(memory, width: width, value: value)
      default:
        if bits & 128 == 0 { pc.uart.receive([UInt8(truncatingIfNeeded: value)]) }
        if pc.pic.interruptRequested { note(UInt64(pc.pic.acknowledge())) }
      }
      // Mostly short steps, now and then up to 10 ms.
      pc.advance(by: value >> 32 & (bits & 0xF0_0000 == 0 ? 0x1F_FFFF : 0x3FF))
      _ = pc.bus.takeWaitStates()
    }
    note(pc.clock.now)
    pc.output.serial.forEach { note(UInt64($0)) }
    #expect(pc.output.exits.count > 0 && pc.post.state.writes > 0, "seed \(seed) never reached the devices")
    return digest
  }

  @Test("100,000 random accesses harm nobody and come out the same again", arguments: seeds)
  func storm(seed: UInt64) throws {
    let first = try storm(seed: seed, accesses: 100_000)
    let second = try storm(seed: seed, accesses: 100_000)
    #expect(first == second, "seed \(seed)")
  }

  @Test("Every port in every width, read and written")
  func wholePortSpace() throws {
    let pc = try DevicesTestMachine()
    for width in AccessWidth.allCases {
      for port in UInt16.min...UInt16.max {
        _ = pc.bus.readPort(port, width: width)
        pc.bus.writePort(port, width: width, value: 0xA5A5_A5A5)
        pc.advance(by: 10)
      }
    }
    #expect(pc.bus.counters.portReads == 4 * 65_536)
  }

  @Test("A device's state is a value: put back, everything happens again")
  func snapshots() throws {
    let pc = try DevicesTestMachine()
    pc.initializePIC()
    pc.write(0x43, 0x34)
    pc.write(0x40, 0x00)
    pc.write(0x40, 0x10)
    pc.write(0x3FC, 0x0B)
    pc.write(0x3F9, 0x03)
    pc.uart.receive("some input that takes a while to arrive".utf8)
    pc.advance(by: 3_000_000)

    func run() -> [UInt64] {
      var seen: [UInt64] = []
      for _ in 0..<400 {
        pc.advance(by: 12_345)
        while pc.pic.interruptRequested {
          let vector = pc.pic.acknowledge()
          seen.append(pc.clock.now << 8 | UInt64(vector))
          if vector == 0x24 { seen.append(UInt64(pc.read(0x3FA)) << 8 | UInt64(pc.read(0x3F8))) }
          pc.write(0x20, 0x20)
        }
      }
      return seen
    }

    let (clock, pic, pit, uart, rtc) = (
      pc.clock.snapshot, pc.pic.state, pc.pit.state, pc.uart.state, pc.rtc.state
    )
    let first = run()
    #expect(Set(first.map { $0 & 0xFF }).isSuperset(of: [0x20, 0x24]))
    (pc.clock.snapshot, pc.pic.state, pc.pit.state, pc.uart.state, pc.rtc.state) = (
      clock, pic, pit, uart, rtc
    )
    #expect(run() == first)
  }
}
