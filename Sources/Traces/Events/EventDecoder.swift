import Emulator

/// Reads what `EventEncoder` wrote, one block at a time.
struct EventDecoder: ~Copyable {
  private var state = CodingState()
  private var events: ByteReader
  private var times: ByteReader
  private var rest: UInt32

  init(events: [UInt8], times: [UInt8], count: UInt32) {
    self.events = ByteReader(events)
    self.times = ByteReader(times)
    rest = count
  }

  /// Begins another block.
  mutating func begin(events: [UInt8], times: [UInt8], count: UInt32) {
    state.reset()
    self.events = ByteReader(events)
    self.times = ByteReader(times)
    rest = count
  }

  /// Whether the block has been read to its end and held what it should.
  var isAtEnd: Bool { rest == 0 }
  var isSound: Bool { !events.failed && !times.failed }

  /// The next event; nil at the block's end, or where its bytes make no sense (`isSound`).
  mutating func next() -> TraceEvent? {
    guard rest > 0, isSound else { return nil }
    rest -= 1
    let cycle = ZigZag.decode(times.varint(), after: state.cycle)
    state.cycle = cycle
    let tag = events.byte()
    let event: TraceEvent?
    switch tag & Tag.kind {
    case 0: event = instruction(tag, cycle)
    case 1: event = access(tag, cycle)
    case 2..<14: event = other(tag, cycle)
    default: event = nil
    }
    guard isSound, let event else {
      _ = events.failed ? 0 : fail()
      return nil
    }
    if rest == 0, !events.isAtEnd || !times.isAtEnd { _ = fail() }
    return event
  }

  private mutating func fail() -> UInt8 {
    while !events.failed { _ = events.byte() }
    return 0
  }

  private mutating func instruction(_ tag: UInt8, _ cycle: UInt64) -> TraceEvent {
    var linear = state.expectedInstruction
    if tag & Tag.place == 0 { linear = number(after: linear) }
    var base = state.base
    var count = state.instruction &+ 1
    if tag & Tag.count == 0 {
      count = ZigZag.decode(events.varint(), after: count)
      base = number(after: base)
    }
    let known = state.follower(linear)
    var (length, level) = (known.pointee.length, known.pointee.privilegeLevel)
    if tag & Tag.shape == 0 {
      length = events.byte()
      level = events.byte()
    }
    state.note(instruction: linear, length: length, privilegeLevel: level)
    state.instruction = count
    state.linear = linear
    state.base = base
    state.accesses = 0
    var event = TraceEvent(kind: 0, moment: moment(cycle))
    event.set(0, UInt64(length))
    event.set(1, UInt64(level))
    return event
  }

  private mutating func access(_ tag: UInt8, _ cycle: UInt64) -> TraceEvent {
    place(tag)
    let known = state.stride()
    var linear = known.pointee.linear &+ known.pointee.step
    if tag & Tag.linear == 0 { linear = number(after: known.pointee.linear) }
    let frame = state.frame(linear)
    var physical = frame.pointee << 12 | UInt64(linear & 0xfff)
    if tag & Tag.physical == 0 {
      physical = ZigZag.decode(events.varint(), after: physical)
      frame.pointee = physical >> 12
    }
    var (bytes, access) = (known.pointee.bytes, known.pointee.access)
    if tag & Tag.accessShape == 0 {
      bytes = events.byte()
      access = events.byte()
    }
    known.pointee = CodingState.Stride(
      linear: linear, step: linear &- known.pointee.linear, bytes: bytes, access: access)
    state.accesses &+= 1
    var event = TraceEvent(kind: 1, moment: moment(cycle))
    event.set(0, UInt64(linear))
    event.set(1, physical)
    event.set(2, UInt64(bytes))
    event.set(3, UInt64(access))
    return event
  }

  private mutating func other(_ tag: UInt8, _ cycle: UInt64) -> TraceEvent? {
    let kind = Int(tag & Tag.kind)
    place(tag)
    if tag & Tag.sameFields == 0 { state.masks[kind] = UInt16(truncatingIfNeeded: events.varint()) }
    let present = state.masks[kind]
    guard Int(present) < 1 << EventSchema.fields[kind].count,
      present & EventSchema.alwaysPresent[kind] == EventSchema.alwaysPresent[kind]
    else { return nil }
    var event = TraceEvent(kind: UInt8(kind), moment: moment(cycle))
    let slots = state.slots + kind * CodingState.slotsPerKind
    let changed = events.varint()
    guard changed & ~UInt64(present) == 0 else { return nil }
    for index in 0..<EventSchema.fields[kind].count where present >> UInt16(index) & 1 != 0 {
      if kind == 2 { CodingState.expect(index, present, state.values, slots) }
      if changed >> UInt64(index) & 1 != 0 {
        slots[index] = ZigZag.decode(events.varint(), after: slots[index])
      }
      state.values[index] = slots[index]
      event.set(index, slots[index])
    }
    if kind == 2 { event.duration = times.varint() }
    return event
  }

  private mutating func place(_ tag: UInt8) {
    guard tag & Tag.samePlace == 0 else { return }
    state.instruction = ZigZag.decode(events.varint(), after: state.instruction)
    state.linear = number(after: state.linear)
    state.base = number(after: state.base)
    state.accesses = 0
  }

  private mutating func number(after last: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: ZigZag.decode(events.varint(), after: UInt64(last)))
  }

  private func moment(_ cycle: UInt64) -> EventMoment {
    EventMoment(
      cycle: cycle, instruction: state.instruction, eip: state.linear &- state.base, linear: state.linear)
  }
}
