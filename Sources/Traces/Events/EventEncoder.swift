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
    case .walk(let event): appendWalk(event, moment)
    case .pteStore(let event): appendStore(event, moment)
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
    for index in 0..<TraceEvent.fieldLimit { state.values[index] = event.fields[index] }
    appendValues(event.kind, event.present, event.moment)
    if event.kind == 2 { times.putVarint(event.duration) }
  }

  /// As `TraceEvent` would put it, without the way through it: walks and stores are what long traces are made of.
  @inline(never)
  private mutating func appendWalk(_ event: WalkEvent, _ moment: EventMoment) {
    let values = state.values
    var present: UInt16 = 0b11
    values[0] = UInt64(event.linear)
    values[1] = event.access.number
    if let pdpte = event.pdpte {
      values[2] = pdpte
      present |= 1 << 2
    }
    if let pde = event.pde {
      values[3] = pde.address
      values[4] = pde.value
      present |= 3 << 3
    }
    if let pte = event.pte {
      values[5] = pte.address
      values[6] = pte.value
      present |= 3 << 5
    }
    let updates: UInt64 = (event.updatedDirectory ? 1 : 0) | (event.updatedLeaf ? 2 : 0)
    if updates != 0 {
      values[7] = updates
      present |= 1 << 7
    }
    if let fault = event.fault {
      values[8] = UInt64(fault.rawValue)
      present |= 1 << 8
    }
    if let frame = event.frame {
      values[9] = frame
      values[10] = event.isLarge ? 1 : 0
      present |= 3 << 9
    }
    appendValues(2, present, moment)
    times.putVarint(event.cycles)
  }

  @inline(never)
  private mutating func appendStore(_ event: EntryStoreEvent, _ moment: EventMoment) {
    let values = state.values
    values[0] = event.address
    values[1] = event.old
    values[2] = event.new
    values[3] = UInt64(event.writer.rawValue)
    values[4] = UInt64(event.linear)
    appendValues(6, 0b11111, moment)
  }

  /// Writes the fields in `state.values` that are not what they were thought to be.
  @inline(__always)
  private mutating func appendValues(_ kind: UInt8, _ present: UInt16, _ moment: EventMoment) {
    begin(moment)
    let at = events.count
    events.put(0)
    var tag = kind | place(moment)
    if state.masks[Int(kind)] == present {
      tag |= Tag.sameFields
    } else {
      events.putVarint(UInt64(present))
      state.masks[Int(kind)] = present
    }
    events[at] = tag
    let values = state.values
    let slots = state.slots + Int(kind) &* CodingState.slotsPerKind
    if kind == 2 {
      CodingState.expect(3, present, values, slots)
      CodingState.expect(5, present, values, slots)
      CodingState.expect(9, present, values, slots)
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
