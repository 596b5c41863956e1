import TestSupport
import Testing

@testable import Emulator

/// What one tick of a counter shows: the count and the output.
private struct Shown: Equatable, CustomStringConvertible {
  var count: UInt16
  var out: Bool

  var description: String { String(count, radix: 16) + (out ? "^" : "_") }
}

@Suite("The 8254 timer")
struct DevicesPITTests {
  private let pc: DevicesTestMachine

  init() throws {
    pc = try DevicesTestMachine()
    // Away from zero, where a mistaken absolute time could pass for a relative one.
    pc.advance(to: 12_345_678)
  }

  /// Lets `count` ticks of the timer's clock pass.
  private func tick(_ count: UInt64 = 1) {
    let now = pc.pit.timebase.ticks(at: pc.clock.now)
    pc.advance(to: pc.pit.timebase.cycle(ofTick: now + count))
  }

  private func gate(_ level: Bool) {
    pc.write(0x61, level ? 1 : 0)
  }

  /// What counter 2 shows after each of the next ticks, read through latches and port 61h.
  private func watch(_ ticks: Int) -> String {
    (0..<ticks).map { _ in
      tick()
      return "\(shown)"
    }.joined(separator: " ")
  }

  private var shown: Shown {
    pc.write(0x43, 0x80)
    let low = UInt16(pc.read(0x42))
    return Shown(count: UInt16(pc.read(0x42)) << 8 | low, out: pc.read(0x61) & 0x20 != 0)
  }

  /// Programs counter 2 with a two-byte count.
  private func program(mode: UInt8, _ count: UInt16, bcd: Bool = false) {
    pc.write(0x43, 0xB0 | mode << 1 | (bcd ? 1 : 0))
    write(count)
  }

  private func write(_ count: UInt16) {
    pc.write(0x42, UInt8(count & 0xFF))
    pc.write(0x42, UInt8(count >> 8))
  }

  // The sequences are those of the data sheet's timing diagrams, one of each mode.

  @Test("Mode 0: low until the count is out, then high; GATE stops it; a new count starts anew")
  func mode0() {
    gate(true)
    program(mode: 0, 4)
    #expect(watch(7) == "4_ 3_ 2_ 1_ 0^ ffff^ fffe^")
    program(mode: 0, 3)
    #expect(watch(2) == "3_ 2_")
    gate(false)
    #expect(watch(2) == "2_ 2_")
    gate(true)
    #expect(watch(3) == "1_ 0^ ffff^")
    program(mode: 0, 3)
    #expect(watch(3) == "3_ 2_ 1_")
    write(2)
    #expect(watch(4) == "2_ 1_ 0^ ffff^")
    // The first byte stops the count and lowers OUT; a count is loaded even while GATE is low.
    pc.write(0x42, 2)
    #expect(shown == Shown(count: 0xFFFF, out: false))
    #expect(watch(2) == "ffff_ ffff_")
    gate(false)
    pc.write(0x42, 0)
    #expect(watch(2) == "2_ 2_")
    gate(true)
    #expect(watch(2) == "1_ 0^")
  }

  @Test("Mode 1: a trigger gives a low pulse of the count; another begins it anew")
  func mode1() {
    gate(false)
    program(mode: 1, 3)
    #expect(watch(2).hasSuffix("^"), "OUT falls without a trigger")
    gate(true)
    #expect(watch(5) == "3_ 2_ 1_ 0^ ffff^")
    gate(false)
    gate(true)
    #expect(watch(2) == "3_ 2_")
    gate(false)
    #expect(watch(1) == "1_", "GATE's level stops the pulse")
    gate(true)
    #expect(watch(4) == "3_ 2_ 1_ 0^")
    write(2)
    #expect(watch(1) == "ffff^", "a new count waits for the next trigger")
    gate(false)
    gate(true)
    #expect(watch(3) == "2_ 1_ 0^")
  }

  @Test("Mode 2: low in the last tick of each period; a new count comes with the next period; GATE restarts")
  func mode2() {
    gate(true)
    program(mode: 2, 3)
    #expect(watch(7) == "3^ 2^ 1_ 3^ 2^ 1_ 3^")
    gate(false)
    #expect(watch(2) == "3^ 3^")
    gate(true)
    #expect(watch(4) == "3^ 2^ 1_ 3^")
    program(mode: 2, 4)
    #expect(watch(2) == "4^ 3^")
    write(5)
    #expect(watch(5) == "2^ 1_ 5^ 4^ 3^")
    program(mode: 2, 2)
    #expect(watch(4) == "2^ 1_ 2^ 1_")
    gate(false)
    #expect(shown.out, "GATE low forces OUT high")
  }

  @Test("Mode 3: a square wave, for odd counts a tick longer high; a new count comes with the next half")
  func mode3() {
    gate(true)
    program(mode: 3, 4)
    #expect(watch(8) == "4^ 2^ 4_ 2_ 4^ 2^ 4_ 2_")
    program(mode: 3, 5)
    #expect(watch(11) == "4^ 2^ 0^ 4_ 2_ 4^ 2^ 0^ 4_ 2_ 4^")
    gate(false)
    #expect(watch(2).hasSuffix("^"))
    gate(true)
    #expect(watch(4) == "4^ 2^ 0^ 4_")
    program(mode: 3, 4)
    #expect(watch(1) == "4^")
    write(6)
    #expect(watch(5) == "2^ 6_ 4_ 2_ 6^")
  }

  @Test("Mode 4: a low strobe of one tick when the count is out, once")
  func mode4() {
    gate(true)
    program(mode: 4, 3)
    #expect(watch(6) == "3^ 2^ 1^ 0_ ffff^ fffe^")
    program(mode: 4, 3)
    #expect(watch(2) == "3^ 2^")
    gate(false)
    #expect(watch(2) == "2^ 2^")
    gate(true)
    #expect(watch(3) == "1^ 0_ ffff^")
    program(mode: 4, 3)
    #expect(watch(3) == "3^ 2^ 1^")
    write(2)
    #expect(watch(4) == "2^ 1^ 0_ ffff^")
  }

  @Test("Mode 5: a trigger starts the count to the strobe")
  func mode5() {
    gate(false)
    program(mode: 5, 3)
    #expect(watch(3).hasSuffix("^"))
    gate(true)
    #expect(watch(3) == "3^ 2^ 1^")
    gate(false)
    gate(true)
    #expect(watch(6) == "3^ 2^ 1^ 0_ ffff^ fffe^")
  }

  @Test("A count of 0 is the longest one, in binary and in BCD")
  func longestCounts() {
    gate(true)
    program(mode: 0, 0)
    tick(2)
    #expect(shown == Shown(count: 0xFFFF, out: false))
    tick(65_534)
    #expect(shown == Shown(count: 1, out: false))
    tick()
    #expect(shown == Shown(count: 0, out: true))

    program(mode: 0, 0, bcd: true)
    #expect(watch(2) == "0_ 9999_")
    tick(9_998)
    #expect(watch(2) == "0^ 9999^")
    program(mode: 2, 0x1000, bcd: true)
    #expect(watch(3) == "1000^ 999^ 998^")
  }

  @Test("A count of 1, which modes 2 and 3 don't have, counts as 2")
  func forbiddenCounts() {
    gate(true)
    program(mode: 2, 1)
    #expect(watch(4) == "2^ 1_ 2^ 1_")
    program(mode: 3, 1)
    #expect(watch(4) == "2^ 2_ 2^ 2_")
    program(mode: 0, 1)
    #expect(watch(3) == "1_ 0^ ffff^")
  }

  @Test("One byte is read and written when the control word says so")
  func singleBytes() {
    gate(true)
    pc.write(0x43, 0x90)
    pc.write(0x42, 5)
    tick(2)
    #expect(pc.read(0x42) == 4 && pc.read(0x42) == 4)
    pc.write(0x43, 0xA0)
    pc.write(0x42, 5)
    tick(2)
    #expect(pc.read(0x42) == 4 && pc.read(0x42) == 4)
    tick()
    #expect(pc.read(0x42) == 4)
    tick(255)
    #expect(pc.read(0x42) == 3)
  }

  @Test("A latched count stays until it is read, whatever is latched meanwhile")
  func latches() {
    gate(true)
    program(mode: 2, 0x1234)
    tick()
    pc.write(0x43, 0x80)
    tick(0x34)
    pc.write(0x43, 0x80)
    #expect(pc.read(0x42) == 0x34)
    tick(10)
    #expect(pc.read(0x42) == 0x12)
    // And then what counts: 1234h - 34h - 10.
    #expect(UInt16(pc.read(0x42)) | UInt16(pc.read(0x42)) << 8 == 0x1200 - 10)
  }

  @Test("Read-back latches status and count of several counters; the status is read first")
  func readBack() {
    gate(true)
    pc.write(0x43, 0x34)
    pc.write(0x40, 0x10)
    pc.write(0x40, 0x00)
    program(mode: 3, 100)
    pc.write(0x43, 0xEA)
    // Neither count has been taken over: null count is set.
    #expect(pc.read(0x40) == 0b1111_0100)
    #expect(pc.read(0x42) == 0b1111_0110)
    tick(2)
    pc.write(0x43, 0xCA)
    tick(60)
    #expect(pc.read(0x42) == 0b1011_0110)
    #expect(pc.read(0x42) == 98 && pc.read(0x42) == 0)
    #expect(pc.read(0x40) == 0b1011_0100)
    #expect(pc.read(0x40) == 15 && pc.read(0x40) == 0)
    // Counter 1 wasn't chosen; nobody drives the bus for the control word.
    #expect(pc.read(0x43) == 0xFF)
  }

  @Test("Counter 0 interrupts at its rate for ten seconds, to the tick")
  func interruptRate() {
    pc.initializePIC()
    pc.unmask(0)
    pc.write(0x43, 0x34)
    pc.write(0x40, UInt8(11_932 & 0xFF))
    pc.write(0x40, UInt8(11_932 >> 8))
    let start = pc.pit.timebase.ticks(at: pc.clock.now)
    // Setting the mode has raised OUT, which is an edge, too.
    #expect(pc.serveAll() == [0x20])
    var interrupts: UInt64 = 0
    for _ in 0..<10_000 {
      pc.advance(by: 166_667)
      interrupts += UInt64(pc.serveAll().count)
    }
    // A tick to load the counter, and then whole periods.
    let passed = pc.pit.timebase.ticks(at: pc.clock.now) - start - 1
    #expect(interrupts == passed / 11_932)
    #expect(interrupts == 999)
    let change = pc.pit.state.channels[0].nextChange
    #expect(change.map { ($0 - start) % 11_932 } == 0, "the next falling edge isn't where it belongs")
  }

  @Test("A one-shot on counter 0 interrupts once, at its tick")
  func oneShot() {
    pc.initializePIC()
    pc.unmask(0)
    pc.write(0x43, 0x30)
    pc.write(0x40, 100)
    pc.write(0x40, 0)
    tick(100)
    #expect(!pc.pic.interruptRequested)
    tick()
    #expect(pc.pic.interruptRequested)
    #expect(pc.serveAll() == [0x20])
    tick(200_000)
    #expect(!pc.pic.interruptRequested)
    #expect(pc.clock.pending.isEmpty)
  }

  @Test("The refresh bit of port 61h toggles every 18 ticks")
  func refresh() {
    var toggles = 0
    var last = pc.read(0x61) & 0x10
    for _ in 0..<1_800 {
      tick()
      let bit = pc.read(0x61) & 0x10
      if bit != last { toggles += 1 }
      last = bit
    }
    #expect(toggles == 100)
  }

  @Test("One long step shows what as many single ticks show", arguments: UInt64(1)...12)
  func stepsAgree(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<60 {
      var jumps = PIT8254Channel()
      let count = UInt8.random(in: 0...9, using: &random)
      jumps.setMode(UInt8.random(in: 0...7, using: &random), bytes: .low, bcd: .random(using: &random))
      jumps.write(count)
      jumps.setGate(false)
      jumps.setGate(true)
      var steps = jumps
      var target: UInt64 = 0
      for _ in 0..<20 {
        let event = UInt8.random(in: 0...7, using: &random)
        let value = UInt8.random(in: 0...12, using: &random)
        for keyPath in [0, 1] {
          var channel = keyPath == 0 ? jumps : steps
          switch event {
          case 0: channel.write(value)
          case 1: channel.setGate(false)
          case 2, 3: channel.setGate(true)
          default: break
          }
          if keyPath == 0 { jumps = channel } else { steps = channel }
        }
        target += UInt64.random(in: 1...40, using: &random)
        var changes: [UInt64] = []
        while steps.tick < target {
          let expected = steps.nextChange
          let before = steps
          steps.advance(to: steps.tick + 1)
          if steps.out != before.out { changes.append(steps.tick) }
          if steps.out != before.out {
            #expect(expected == steps.tick, "seed \(seed): OUT changed unannounced, mode \(steps.mode)")
          }
        }
        jumps.advance(to: target)
        #expect(jumps == steps, "seed \(seed), mode \(steps.mode), count \(count)")
      }
    }
  }
}
