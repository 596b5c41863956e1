import Emulator

/// Writes events as bytes: what happened into one stream, when it happened into another.
struct EventEncoder: ~Copyable {
  private var state = CodingState()
  private(set) var events = ByteBuffer()
  private(set) var times = ByteBuffer()
  private(set) var count: UInt32 = 0

  /// The most that one event takes: the processor's number (2), a tag and a further kind (2), the place (30), two masks (20), and
  /// 16 numbers of ten bytes.
  private static let maxEventBytes = 2 + 2 + 30 + 20 + 10 * TraceEvent.maxFields

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
    case .walk(let event):
      appendFields(of: event, moment)
      times.putVarint(event.cycles)
    case .pteStore(let event): appendFields(of: event, moment)
    default: appendFields(of: event, moment)
    }
  }

  mutating func append(_ event: TraceEvent) {
    switch event.kind {
    case .instruction:
      appendInstruction(
        length: UInt8(truncatingIfNeeded: event[InstructionFields.length]),
        privilegeLevel: UInt8(truncatingIfNeeded: event[InstructionFields.privilegeLevel]), event.moment)
    case .access:
      appendAccess(
        UInt32(truncatingIfNeeded: event[AccessFields.linear]), event[AccessFields.physical],
        bytes: UInt8(truncatingIfNeeded: event[AccessFields.bytes]),
        access: UInt8(truncatingIfNeeded: event[AccessFields.access]), event.moment)
    default:
      for index in 0..<TraceEvent.maxFields { state.values[index] = event[index] }
      appendValues(event.kind, event.present, event.moment)
      if event.kind == .walk { times.putVarint(event.duration) }
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
    var tag = EventKind.instruction.rawValue
    events.put(0)
    if linear == expected {
      tag |= Tag.place
    } else {
      events.putVarint(ZigZag.encode(Self.extend(linear), after: Self.extend(expected)))
    }
    if moment.instruction == state.position.instruction &+ 1, base == state.position.base {
      tag |= Tag.count
    } else {
      events.putVarint(ZigZag.encode(moment.instruction, after: state.position.instruction &+ 1))
      events.putVarint(ZigZag.encode(Self.extend(base), after: Self.extend(state.position.base)))
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
    state.position.accesses = 0
  }

  @inline(__always)
  private mutating func appendAccess(
    _ linear: UInt32, _ physical: UInt64, bytes: UInt8, access: UInt8, _ moment: EventMoment
  ) {
    begin(moment)
    let at = events.count
    events.put(0)
    var tag = EventKind.access.rawValue | place(moment)
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
    state.position.accesses &+= 1
  }

  /// The fields of an event on their way from the machine into the coder's memory.
  private struct FieldBuffer: FieldSink {
    let values: UnsafeMutablePointer<UInt64>
    var present: UInt16 = 0

    @inline(__always)
    mutating func put(_ field: some EventFields, _ value: UInt64) {
      values[field.rawValue] = value
      present |= 1 << UInt16(truncatingIfNeeded: field.rawValue)
    }
  }

  // Walks and stores are what long traces are made of, so they don't come through the switch over all kinds.

  @inline(never)
  private mutating func appendFields(of event: WalkEvent, _ moment: EventMoment) {
    var buffer = FieldBuffer(values: state.values)
    event.put(into: &buffer)
    appendValues(.walk, buffer.present, moment)
  }

  @inline(never)
  private mutating func appendFields(of event: EntryStoreEvent, _ moment: EventMoment) {
    var buffer = FieldBuffer(values: state.values)
    event.put(into: &buffer)
    appendValues(.pteStore, buffer.present, moment)
  }

  @inline(never)
  private mutating func appendFields(of event: MachineEvent, _ moment: EventMoment) {
    var buffer = FieldBuffer(values: state.values)
    let kind = event.put(into: &buffer)
    appendValues(kind, buffer.present, moment)
  }

  /// Writes the fields in `state.values` that are not what they were thought to be.
  @inline(__always)
  private mutating func appendValues(_ kind: EventKind, _ present: UInt16, _ moment: EventMoment) {
    begin(moment)
    let at = events.count
    events.put(0)
    let number = kind.rawValue
    if number >= Tag.furtherKind { events.put(number) }
    var tag = min(number, Tag.furtherKind) | place(moment)
    if state.masks[Int(number)] == present {
      tag |= Tag.sameFields
    } else {
      events.putVarint(UInt64(present))
      state.masks[Int(number)] = present
    }
    events[at] = tag
    let values = state.values
    let slots = state.slots(of: kind)
    if kind == .walk {
      CodingState.expect(.pdeAddress, present, values, slots)
      CodingState.expect(.pteAddress, present, values, slots)
      CodingState.expect(.frame, present, values, slots)
    }
    var changed: UInt16 = 0
    var rest = present
    while rest != 0 {
      let index = rest.trailingZeroBitCount
      if values[index] != slots[index] { changed |= 1 << UInt16(index) }
      rest &= rest &- 1
    }
    events.putVarint(UInt64(changed))
    while changed != 0 {
      let index = changed.trailingZeroBitCount
      events.putVarint(ZigZag.encode(values[index], after: slots[index]))
      slots[index] = values[index]
      changed &= changed &- 1
    }
  }

  // MARK: The parts that all have

  @inline(__always)
  private mutating func begin(_ moment: EventMoment) {
    events.reserve(Self.maxEventBytes)
    times.reserve(20)
    times.putVarint(ZigZag.encode(moment.cycle, after: state.cycle))
    state.cycle = moment.cycle
    count &+= 1
    if moment.processor != state.processor {
      events.put(Tag.processor)
      events.put(moment.processor)
      state.switchProcessor(to: moment.processor)
    }
  }

  /// Writes the place unless it is that of the event before, and returns the tag's bit.
  @inline(__always)
  private mutating func place(_ moment: EventMoment) -> UInt8 {
    let base = moment.linear &- moment.eip
    if moment.instruction == state.position.instruction, moment.linear == state.position.linear,
      base == state.position.base
    {
      return Tag.samePlace
    }
    events.putVarint(ZigZag.encode(moment.instruction, after: state.position.instruction))
    events.putVarint(ZigZag.encode(Self.extend(moment.linear), after: Self.extend(state.position.linear)))
    events.putVarint(ZigZag.encode(Self.extend(base), after: Self.extend(state.position.base)))
    note(moment)
    state.position.accesses = 0
    return 0
  }

  @inline(__always)
  private mutating func note(_ moment: EventMoment) {
    state.position.instruction = moment.instruction
    state.position.linear = moment.linear
    state.position.base = moment.linear &- moment.eip
  }

  /// Differences of 32-bit addresses are taken in 64 bits.
  @inline(__always)
  private static func extend(_ value: UInt32) -> UInt64 { UInt64(value) }
}
