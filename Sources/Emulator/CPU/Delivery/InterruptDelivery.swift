import IA32

/// How a program asks for an interrupt.
enum SoftwareInterrupt: Sendable {
  /// CD ib.
  case int
  /// CC.
  case int3
  /// CE, with OF set.
  case into
  /// F1, ICEBP: reaches its gate whatever the gate's DPL.
  case int1
}

/// What an entry into a handler pushes and how it is judged.
struct HandlerEntry {
  var vector: UInt8
  /// Pushed in protected mode when there is one.
  var errorCode: UInt32?
  /// The EIP that is pushed.
  var returnEIP: UInt32
  /// The EFLAGS image that is pushed.
  var flags: UInt32
  /// INT n, INT3 and INTO: the gate's DPL is checked.
  var isSoftware: Bool
}

/// Interrupts, and the way into a handler that interrupts and exceptions share. SDM vol. 3A, chapter 6.
extension CPU {
  /// The error-code bit that says "the selector is an IDT vector". SDM vol. 3A, figure 6-7.
  private static let idtErrorBit: UInt32 = 2

  // MARK: Between two instructions

  /// Takes an external interrupt: wakes a halted processor and enters the handler. Never fails: what goes wrong on
  /// the way becomes an exception with EXT set.
  /// - Parameter resumes: the instruction at EIP is a repeated string instruction that has begun (see `deliver`).
  func externalInterrupt(_ vector: UInt8, resumes: Bool = false) {
    interrupt(vector, resumes: resumes)
  }

  /// Takes an NMI. No other is taken before the next IRET. SDM vol. 3A, 6.7.
  func nonMaskableInterrupt(resumes: Bool = false) {
    state.pointee.blocksNMI = true
    interrupt(ExceptionVector.nonMaskableInterrupt.rawValue, resumes: resumes)
  }

  private func interrupt(_ vector: UInt8, resumes: Bool) {
    state.pointee.isHalted = false
    tellInterrupt(vector, isSoftware: false)
    chargeDelivery()
    let entry = HandlerEntry(
      vector: vector, errorCode: nil, returnEIP: state.pointee.eip,
      flags: state.pointee.eflags | (resumes ? EFLAGS.resume.rawValue : 0), isSoftware: false)
    do throws(GuestFault) {
      try enterHandler(entry)
    } catch {
      deliver(error.external, during: FaultHistory.Delivery(vector: vector, step: deliveryStep))
    }
  }

  private func tellInterrupt(_ vector: UInt8, isSoftware: Bool) {
    guard observation.wants(.interrupt) else { return }
    observation.tell(.interrupt(InterruptEvent(vector: vector, isSoftware: isSoftware)))
  }

  // MARK: Instructions

  /// INT n, INT3, INTO (its OF is the caller's) and INT1. On a fault EIP still is at the instruction.
  /// - Throws: #GP, #NP, #SS, #TS, #PF; with EXT for INT1 alone.
  func softwareInterrupt(
    _ vector: UInt8, kind: SoftwareInterrupt, nextEIP: UInt32
  ) throws(GuestFault) {
    let entry = HandlerEntry(
      vector: vector, errorCode: nil, returnEIP: nextEIP, flags: state.pointee.eflags,
      isSoftware: kind != .int1)
    tellInterrupt(vector, isSoftware: true)
    do throws(GuestFault) {
      try completingTaskSwitch(isExternal: kind == .int1) { () throws(GuestFault) in
        if kind == .int && state.pointee.isVirtual8086 {
          if try redirectsInVirtual8086(entry) { return }
        }
        try enterHandler(entry)
      }
    } catch {
      throw kind == .int1 ? error.external : error
    }
    // TF is off in the handler, and the instruction that got there isn't stepped over. SDM vol. 3B, 17.3.1.4.
    control.pointee.trapsAfterStep = false
    if kind == .int1 { state.pointee.dr7 &= ~DebugRegisterBits.generalDetectEnable }
    chargeDelivery()
    counters.pointee.softwareInterrupts &+= 1
  }

  // MARK: Into the handler

  /// Goes through the vector table to the handler. Faults come without EXT.
  func enterHandler(_ entry: HandlerEntry) throws(GuestFault) {
    if state.pointee.isProtected {
      try enterThroughGate(entry)
    } else {
      try enterRealMode(entry)
    }
    state.pointee.inhibitsInterrupts = false
  }

  /// Real mode: four bytes a vector at IDTR's base, three words on the stack, no error code. SDM vol. 3B, 20.1.4.
  private func enterRealMode(_ entry: HandlerEntry) throws(GuestFault) {
    deliveryStep = .gate
    let table = state.pointee.idtr
    let offset = UInt32(entry.vector) * 4
    guard offset + 3 <= UInt32(table.limit) else { throw .generalProtection() }
    let pointer = try loadSystem(table.base &+ offset, as: UInt32.self)
    deliveryStep = .push
    var frame = currentStackFrame(slotBytes: 2)
    try frame.push(entry.flags, self)
    try frame.push(UInt32(state.pointee.cs.selector), self)
    try frame.push(entry.returnEIP, self)
    deliveryStep = .handler
    let target = try realModeTarget(UInt16(pointer >> 16), pointer & 0xffff)
    frame.commit(self)
    self[.esp] = frame.pointer
    go(to: target)
    clearFlags([.interruptEnable, .trap, .alignmentCheck, .resume])
  }

  /// Protected mode: an interrupt or trap gate of the IDT, and the stack of the handler's ring. SDM vol. 3A, 6.12.
  private func enterThroughGate(_ entry: HandlerEntry) throws(GuestFault) {
    deliveryStep = .gate
    let gate = try interruptGate(entry)
    if gate.type == SystemDescriptorType.taskGate { return try enterTask(gate, entry) }
    deliveryStep = .handler
    let is32Bit = gate.type & 8 != 0
    let slotBytes: UInt32 = is32Bit ? 4 : 2
    let offset = is32Bit ? gate.gateOffset : gate.gateOffset & 0xffff
    let (fetched, level) = try handlerSegment(gate.gateSelector)
    let isVirtual8086 = state.pointee.isVirtual8086

    if level < state.pointee.privilegeLevel {
      deliveryStep = .innerStack
      let stack = try innerStack(forRing: level)
      deliveryStep = .push
      var frame = stack.frame(slotBytes: slotBytes)
      if isVirtual8086 {
        for register in [SegmentRegister.gs, .fs, .ds, .es] {
          try frame.push(UInt32(state.pointee[register].selector), self)
        }
      }
      try frame.push(UInt32(state.pointee.ss.selector), self)
      try frame.push(self[.esp], self)
      try push(entry, on: &frame)
      deliveryStep = .handler
      let target = try codeTarget(fetched, offset, privilegeLevel: level)
      commit(stack.accessedBit)
      frame.commit(self)
      state.pointee.ss = stack.segment
      self[.esp] = frame.pointer
      if isVirtual8086 {
        for register in [SegmentRegister.gs, .fs, .ds, .es] {
          state.pointee[register] = nullSegment(Selector(0))
        }
      }
      go(to: target)
    } else {
      deliveryStep = .push
      var frame = currentStackFrame(slotBytes: slotBytes)
      try push(entry, on: &frame)
      deliveryStep = .handler
      let target = try codeTarget(fetched, offset, privilegeLevel: level)
      frame.commit(self)
      self[.esp] = frame.pointer
      go(to: target)
    }
    clearFlags([.trap, .nestedTask, .resume, .virtual8086])
    let isInterruptGate = gate.type & 1 == 0
    if isInterruptGate { clearFlags([.interruptEnable]) }
  }

  private func push(_ entry: HandlerEntry, on frame: inout PendingFrame) throws(GuestFault) {
    try frame.push(entry.flags, self)
    try frame.push(UInt32(state.pointee.cs.selector), self)
    try frame.push(entry.returnEIP, self)
    if let errorCode = entry.errorCode { try frame.push(errorCode, self) }
  }

  /// The IDT's gate for a vector.
  private func interruptGate(_ entry: HandlerEntry) throws(GuestFault) -> Descriptor {
    let table = state.pointee.idtr
    let offset = UInt32(entry.vector) * 8
    let badVector = GuestFault.generalProtection(offset | Self.idtErrorBit)
    guard offset + 7 <= UInt32(table.limit) else { throw badVector }
    let gate = Descriptor(try loadSystem(table.base &+ offset, as: UInt64.self))
    guard !gate.isCodeOrData else { throw badVector }
    switch gate.type {
    case SystemDescriptorType.interruptGate16, SystemDescriptorType.trapGate16,
      SystemDescriptorType.interruptGate32, SystemDescriptorType.trapGate32, SystemDescriptorType.taskGate:
      break
    default: throw badVector
    }
    if entry.isSoftware && gate.privilegeLevel < state.pointee.privilegeLevel { throw badVector }
    guard gate.isPresent else {
      throw GuestFault(.segmentNotPresent, errorCode: offset | Self.idtErrorBit)
    }
    return gate
  }

  /// The handler's code segment, and the ring that it runs in. SDM vol. 3A, 6.12.1.1.
  private func handlerSegment(_ selector: Selector) throws(GuestFault) -> (FetchedDescriptor, level: UInt8) {
    guard !selector.isNull else { throw .generalProtection() }
    let fetched = try descriptor(selector)
    let level = state.pointee.privilegeLevel
    guard fetched.descriptor.isCode, fetched.descriptor.privilegeLevel <= level else {
      throw .generalProtection(selector.errorCode)
    }
    // Out of V86 mode only ring 0 takes over. SDM vol. 3B, 20.3.1.
    if state.pointee.isVirtual8086
      && (fetched.descriptor.isConforming || fetched.descriptor.privilegeLevel != 0)
    {
      throw .generalProtection(selector.errorCode)
    }
    try requirePresent(fetched)
    return (fetched, fetched.descriptor.isConforming ? level : fetched.descriptor.privilegeLevel)
  }

  /// A task gate of the IDT: the handler is a task, nested in this one. SDM vol. 3A, 6.12.2.
  private func enterTask(_ gate: Descriptor, _ entry: HandlerEntry) throws(GuestFault) {
    deliveryStep = .task
    let task = try availableTask(gate.gateSelector)
    try switchTask(to: task, .interrupt, eip: entry.returnEIP, flags: entry.flags)
    guard let code = entry.errorCode else { return }
    deliveryStep = .push
    var frame = currentStackFrame(slotBytes: TaskLayout(access: task.descriptor.access).slotBytes)
    try frame.push(code, self)
    frame.commit(self)
    self[.esp] = frame.pointer
  }

  func clearFlags(_ flags: EFLAGS) {
    state.pointee.systemFlags &= ~flags.rawValue
  }
}
