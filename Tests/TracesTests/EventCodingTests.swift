import Emulator
import IA32
import TestSupport
import Testing

@testable import Traces

/// Random events through the encoder and back.
@Suite("Trace event coding")
struct EventCodingTests {
  @Test func everyEventComesBackAsItWas() {
    var random = SeededGenerator(seed: 0x5EED)
    for _ in 0..<20 {
      let events = RandomEvents.make(2000, &random)
      var encoder = EventEncoder()
      for event in events { encoder.append(event.0, event.1) }
      var decoder = EventDecoder(
        events: Array(encoder.events.bytes), times: Array(encoder.times.bytes), count: encoder.count)
      for (index, event) in events.enumerated() {
        let expected = TraceEvent(event.0, event.1)
        guard let decoded = decoder.next(), decoded == expected else {
          Issue.record("event \(index): \(event)")
          return
        }
      }
      #expect(decoder.isAtEnd && decoder.isSound)
      #expect(decoder.next() == nil)
    }
  }

  /// What the machine tells and what a file gave are coded alike: verifying compares the bytes.
  @Test func bothWaysInGiveTheSameBytes() {
    var random = SeededGenerator(seed: 7)
    let events = RandomEvents.make(5000, &random)
    var a = EventEncoder()
    var b = EventEncoder()
    for event in events {
      a.append(event.0, event.1)
      b.append(TraceEvent(event.0, event.1))
    }
    #expect(Array(a.events.bytes) == Array(b.events.bytes))
    #expect(Array(a.times.bytes) == Array(b.times.bytes))
  }

  @Test func textComesBackToo() {
    var random = SeededGenerator(seed: 99)
    for (event, moment) in RandomEvents.make(3000, &random) {
      let expected = TraceEvent(event, moment)
      let line = TextLayout.line(expected, isExact: true)
      #expect(TextLayout.event(line[...]) == expected, "\(line)")
    }
  }

  /// Whatever bytes come, a decoder ends and nothing traps.
  @Test func damagedBytesAreRefused() {
    var random = SeededGenerator(seed: 3)
    let events = RandomEvents.make(500, &random)
    var encoder = EventEncoder()
    for event in events { encoder.append(event.0, event.1) }
    let (good, times) = (Array(encoder.events.bytes), Array(encoder.times.bytes))
    for _ in 0..<2000 {
      var bytes = good
      for _ in 0...Int(random.next() % 4) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.next() % 3 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      var decoder = EventDecoder(events: bytes, times: times, count: 500)
      var count = 0
      while let event = decoder.next() {
        _ = TextLayout.line(event, isExact: true)
        count += 1
      }
      #expect(count <= 500)
    }
  }

  /// A loop costs a byte an instruction and less: the rest is guessed.
  @Test func aLoopIsSmall() {
    var encoder = EventEncoder()
    for index in 0..<3000 {
      let linear = 0x10_0000 + UInt32(index % 3) * 2
      encoder.append(
        .instruction(InstructionEvent(length: 2, privilegeLevel: 0)),
        EventMoment(cycle: UInt64(index), instruction: UInt64(index), eip: linear, linear: linear))
      encoder.append(
        .access(
          AccessEvent(
            linear: 0x20_0000 + UInt32(index % 3) * 64 + UInt32(index / 3) * 4,
            physical: 0x20_0000 + UInt64(index % 3) * 64 + UInt64(index / 3) * 4, bytes: 4,
            access: PageAccess(.read, user: false))),
        EventMoment(cycle: UInt64(index), instruction: UInt64(index), eip: linear, linear: linear))
    }
    #expect(encoder.events.count < 3000 * 2 + 100, "\(encoder.events.count)")
  }
}
