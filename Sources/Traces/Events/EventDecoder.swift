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
    var tag = events.byte()
    if tag == Tag.processor {
      state.switchProcessor(to: events.byte())
      tag = events.byte()
    }
    var number = tag & Tag.kind
    if number == Tag.furtherKind {
      number = events.byte()
      if number < Tag.furtherKind { events.fail() }
    }
    let event: TraceEvent?
    switch EventKind(rawValue: number) {
    case .instruction: event = instruction(tag, cycle)
    case .access: event = access(tag, cycle)
    case let kind?: event = other(kind, tag, cycle)
    case nil: event = nil
    }
    guard isSound, let event else {
      events.fail()
      return nil
    }
    if rest == 0, !events.isAtEnd || !times.isAtEnd { events.fail() }
    return event
  }

  private mutating func instruction(_ tag: UInt8, _ cycle: UInt64) -> TraceEvent {
    var linear = state.expectedInstruction
    if tag & Tag.place == 0 { linear = number(after: linear) }
    var base = state.position.base
    var count = state.position.instruction &+ 1
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
    state.position.instruction = count
    state.position.linear = linear
    state.position.base = base
    state.position.accesses = 0
    var event = TraceEvent(kind: .instruction, moment: moment(cycle))
    event.put(InstructionFields.length, UInt64(length))
    event.put(InstructionFields.privilegeLevel, UInt64(level))
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
    state.position.accesses &+= 1
    var event = TraceEvent(kind: .access, moment: moment(cycle))
    event.put(AccessFields.linear, UInt64(linear))
    event.put(AccessFields.physical, physical)
    event.put(AccessFields.bytes, UInt64(bytes))
    event.put(AccessFields.access, UInt64(access))
    return event
  }

  private mutating func other(_ kind: EventKind, _ tag: UInt8, _ cycle: UInt64) -> TraceEvent? {
    let number = Int(kind.rawValue)
    place(tag)
    if tag & Tag.sameFields == 0 {
      guard let mask = UInt16(exactly: events.varint()) else { return nil }
      state.masks[number] = mask
    }
    let present = state.masks[number]
    let count = EventSchema.fieldCounts[number]
    let required = EventSchema.requiredFields[number]
    guard UInt32(present) < 1 << UInt32(count), present & required == required else { return nil }
    var event = TraceEvent(kind: kind, moment: moment(cycle))
    let slots = state.slots(of: kind)
    let changed = events.varint()
    guard changed & ~UInt64(present) == 0 else { return nil }
    for index in 0..<Int(count) where present >> UInt16(index) & 1 != 0 {
      if kind == .walk, let field = WalkFields(rawValue: index) {
        CodingState.expect(field, present, state.values, slots)
      }
      if changed >> UInt64(index) & 1 != 0 {
        slots[index] = ZigZag.decode(events.varint(), after: slots[index])
      }
      state.values[index] = slots[index]
      event.set(index, slots[index])
    }
    if kind == .walk { event.duration = times.varint() }
    return event
  }

  private mutating func place(_ tag: UInt8) {
    guard tag & Tag.samePlace == 0 else { return }
    state.position.instruction = ZigZag.decode(events.varint(), after: state.position.instruction)
    state.position.linear = number(after: state.position.linear)
    state.position.base = number(after: state.position.base)
    state.position.accesses = 0
  }

  private mutating func number(after last: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: ZigZag.decode(events.varint(), after: UInt64(last)))
  }

  private func moment(_ cycle: UInt64) -> EventMoment {
    let position = state.position
    return EventMoment(
      processor: state.processor, cycle: cycle, instruction: position.instruction,
      eip: position.linear &- position.base, linear: position.linear)
  }
}
