import Emulator

/// Writes events as bytes: what happened into one stream, when it happened into another.
struct EventEncoder: ~Copyable {
  private var state = CodingState()
  private(set) var events = ByteBuffer()
  private(set) var times = ByteBuffer()
  private(set) var count: UInt32 = 0

  /// The most that one event takes: a tag and 16 numbers of ten bytes.
  private static let longest = 176

  /// Begins a new block.
  mutating func reset() {
    state.reset()
    events.removeAll()
    times.removeAll()
    count = 0
  }

  @inline(__always)
  mutating func append(_ event: MachineEvent, _ moment: EventMoment) {
    switch event {
    case .instruction(let event):
      appendInstruction(length: event.length, privilegeLevel: event.privilegeLevel, moment)
    case .access(let event):
      appendAccess(
        event.linear, event.physical, bytes: event.bytes,
        access: UInt8(truncatingIfNeeded: event.access.number), moment)
    default: appendOther(TraceEvent(event, moment))
    }
  }

  mutating func append(_ event: TraceEvent) {
    switch event.kind {
    case 0:
      appendInstruction(
        length: UInt8(truncatingIfNeeded: event.fields[0]),
        privilegeLevel: UInt8(truncatingIfNeeded: event.fields[1]), event.moment)
    case 1:
      appendAccess(
        UInt32(truncatingIfNeeded: event.fields[0]), event.fields[1],
        bytes: UInt8(truncatingIfNeeded: event.fields[2]),
        access: UInt8(truncatingIfNeeded: event.fields[3]), event.moment)
    default: appendOther(event)
    }
  }

  // MARK: By kind

  @inline(__always)
  private mutating func appendInstruction(length: UInt8, privilegeLevel: UInt8, _ moment: EventMoment) {
    begin(moment)
    let at = events.count
    let linear = moment.linear
    let base = linear &- moment.eip
    let expected = state.expectedInstruction
    let known = state.follower(linear)
    var tag: UInt8 = 0
    events.put(0)
    if linear == expected {
      tag |= Tag.place
    } else {
      events.putVarint(ZigZag.encode(Self.extend(linear), after: Self.extend(expected)))
    }
    if moment.instruction == state.instruction &+ 1, base == state.base {
      tag |= Tag.count
    } else {
      events.putVarint(ZigZag.encode(moment.instruction, after: state.instruction &+ 1))
      events.putVarint(ZigZag.encode(Self.extend(base), after: Self.extend(state.base)))
    }
    if known.pointee.linear == linear, known.pointee.length == length,
      known.pointee.privilegeLevel == privilegeLevel
    {
      tag |= Tag.shape
    } else {
      events.put(length)
      events.put(privilegeLevel)
    }
    events[at] = tag
    state.note(instruction: linear, length: length, privilegeLevel: privilegeLevel)
    note(moment)
    state.accesses = 0
  }

  @inline(__always)
  private mutating func appendAccess(
    _ linear: UInt32, _ physical: UInt64, bytes: UInt8, access: UInt8, _ moment: EventMoment
  ) {
    begin(moment)
    let at = events.count
    events.put(0)
    var tag = 1 | place(moment)
    let known = state.stride()
    if linear == known.pointee.linear &+ known.pointee.step {
      tag |= Tag.linear
    } else {
      events.putVarint(ZigZag.encode(Self.extend(linear), after: Self.extend(known.pointee.linear)))
    }
    let frame = state.frame(linear)
    let expected = frame.pointee << 12 | UInt64(linear & 0xfff)
    if physical == expected {
      tag |= Tag.physical
    } else {
      events.putVarint(ZigZag.encode(physical, after: expected))
      frame.pointee = physical >> 12
    }
    if known.pointee.bytes == bytes, known.pointee.access == access {
      tag |= Tag.accessShape
    } else {
      events.put(bytes)
      events.put(access)
    }
    events[at] = tag
    known.pointee = CodingState.Stride(
      linear: linear, step: linear &- known.pointee.linear, bytes: bytes, access: access)
    state.accesses &+= 1
  }

  @inline(never)
  private mutating func appendOther(_ event: TraceEvent) {
    begin(event.moment)
    let at = events.count
    let kind = Int(event.kind)
    events.put(0)
    var tag = event.kind | place(event.moment)
    if state.masks[kind] == event.present {
      tag |= Tag.sameFields
    } else {
      events.putVarint(UInt64(event.present))
      state.masks[kind] = event.present
    }
    events[at] = tag
    let slots = state.slots + kind &* CodingState.slotsPerKind
    var rest = event.present
    while rest != 0 {
      let index = rest.trailingZeroBitCount
      let value = event.fields[index]
      events.putVarint(ZigZag.encode(value, after: slots[index]))
      slots[index] = value
      rest &= rest &- 1
    }
    if kind == 2 { times.putVarint(event.duration) }
  }

  // MARK: The parts that all have

  @inline(__always)
  private mutating func begin(_ moment: EventMoment) {
    events.reserve(Self.longest)
    times.reserve(20)
    times.putVarint(ZigZag.encode(moment.cycle, after: state.cycle))
    state.cycle = moment.cycle
    count &+= 1
  }

  /// Writes the place unless it is that of the event before, and returns the tag's bit.
  @inline(__always)
  private mutating func place(_ moment: EventMoment) -> UInt8 {
    let base = moment.linear &- moment.eip
    if moment.instruction == state.instruction, moment.linear == state.linear, base == state.base {
      return Tag.samePlace
    }
    events.putVarint(ZigZag.encode(moment.instruction, after: state.instruction))
    events.putVarint(ZigZag.encode(Self.extend(moment.linear), after: Self.extend(state.linear)))
    events.putVarint(ZigZag.encode(Self.extend(base), after: Self.extend(state.base)))
    note(moment)
    state.accesses = 0
    return 0
  }

  @inline(__always)
  private mutating func note(_ moment: EventMoment) {
    state.instruction = moment.instruction
    state.linear = moment.linear
    state.base = moment.linear &- moment.eip
  }

  /// Differences of 32-bit addresses are taken in 64 bits.
  @inline(__always)
  private static func extend(_ value: UInt32) -> UInt64 { UInt64(value) }
}
