import IA32

/// Far RET and IRET. SDM vol. 2A, IRET; vol. 2B, RET; vol. 3A, 5.8.6.
extension CPU {
  /// Far RET: takes EIP and CS from the stack and drops `bytes` above them; to an outer ring SS and ESP too.
  /// - Throws: #GP, #NP, #SS, #PF.
  func returnFar(operandSize: UInt8, releasing bytes: UInt32) throws(GuestFault) {
    let slotBytes: UInt32 = operandSize == 2 ? 2 : 4
    let eip = try stackSlot(0, slotBytes: slotBytes)
    let cs = UInt16(truncatingIfNeeded: try stackSlot(slotBytes, slotBytes: slotBytes))
    try leave(to: cs, eip, frameBytes: 2 &* slotBytes, releasing: bytes, slotBytes: slotBytes)
  }

  /// IRET and IRETD: takes EIP, CS and EFLAGS from the stack; to an outer ring SS and ESP too. Lets NMIs in again,
  /// even when it faults (SDM vol. 3A, 6.7.1).
  /// With NT set it goes back to the previous task, without a look at the stack.
  /// - Throws: #GP, #NP, #SS, #TS, #PF.
  func interruptReturn(operandSize: UInt8) throws(GuestFault) {
    state.pointee.blocksNMI = false
    let isProtected = state.pointee.isProtected
    let slotBytes: UInt32 = operandSize == 2 ? 2 : 4
    if state.pointee.isVirtual8086 && state.pointee.ioPrivilegeLevel < 3 {
      return try virtualInterruptReturn(slotBytes: slotBytes)
    }
    if isProtected && !state.pointee.isVirtual8086
      && state.pointee.systemFlags & EFLAGS.nestedTask.rawValue != 0
    {
      return try completingTaskSwitch { () throws(GuestFault) in try returnToPreviousTask() }
    }
    let eip = try stackSlot(0, slotBytes: slotBytes)
    let cs = UInt16(truncatingIfNeeded: try stackSlot(slotBytes, slotBytes: slotBytes))
    let image = try stackSlot(2 &* slotBytes, slotBytes: slotBytes)
    let returnsToVirtual8086 =
      isProtected && state.pointee.privilegeLevel == 0 && image & EFLAGS.virtual8086.rawValue != 0
    if returnsToVirtual8086 { return try enterVirtual8086(eip, cs, flags: image) }

    let writable = flagsWritableByReturn(slotBytes: slotBytes)
    try leave(to: cs, eip, frameBytes: 3 &* slotBytes, releasing: 0, slotBytes: slotBytes)
    state.pointee.eflags = state.pointee.eflags & ~writable.rawValue | image & writable.rawValue
  }

  /// The flags that IRET takes from its image: CPL and IOPL as they were before it decide. SDM vol. 2A, IRET.
  private func flagsWritableByReturn(slotBytes: UInt32) -> EFLAGS {
    var flags = EFLAGS.arithmetic.union([.trap, .direction, .nestedTask])
    if slotBytes == 4 { flags.formUnion([.resume, .alignmentCheck, .identification]) }
    if state.pointee.privilegeLevel <= state.pointee.ioPrivilegeLevel { flags.insert(.interruptEnable) }
    if state.pointee.privilegeLevel == 0 {
      flags.insert(.ioPrivilegeLevel)
      if slotBytes == 4 && state.pointee.isProtected {
        flags.formUnion([.virtualInterrupt, .virtualInterruptPending])
      }
    }
    return flags
  }

  /// The common end of RET and IRET: checks the destination, takes the outer stack where there is one, and goes.
  func leave(
    to cs: UInt16, _ eip: UInt32, frameBytes: UInt32, releasing bytes: UInt32, slotBytes: UInt32
  ) throws(GuestFault) {
    let above = frameBytes &+ bytes
    if state.pointee.usesRealModeSegments {
      let target = try realModeTarget(cs, eip)
      self[.esp] = replacingStackPointer(self[.esp] &+ above)
      return go(to: target)
    }
    let fetched = try returnSegment(Selector(cs))
    let level = fetched.selector.requestedPrivilegeLevel
    if level == state.pointee.privilegeLevel {
      let target = try codeTarget(fetched, eip, privilegeLevel: level)
      self[.esp] = replacingStackPointer(self[.esp] &+ above)
      return go(to: target)
    }
    let outerESP = try stackSlot(above, slotBytes: slotBytes)
    let outerSS = UInt16(truncatingIfNeeded: try stackSlot(above &+ slotBytes, slotBytes: slotBytes))
    let stack = try stackSegment(
      Selector(outerSS), privilegeLevel: level, nullFault: .generalProtection())
    let target = try codeTarget(fetched, eip, privilegeLevel: level)
    commit(stack.accessedBit)
    state.pointee.ss = stack.cache
    // A 16-bit stack takes SP alone; the upper half keeps what the inner ring had there.
    self[.esp] = replacingStackPointer(outerESP &+ bytes)
    go(to: target)
    dropInnerDataSegments()
  }

  /// The code segment that a return goes to: in the ring of its RPL, never an inner one. SDM vol. 2B, RET.
  private func returnSegment(_ selector: Selector) throws(GuestFault) -> FetchedDescriptor {
    guard !selector.isNull else { throw .generalProtection() }
    let fetched = try descriptor(selector)
    let level = selector.requestedPrivilegeLevel
    let dpl = fetched.descriptor.privilegeLevel
    guard fetched.descriptor.isCode, level >= state.pointee.privilegeLevel,
      fetched.descriptor.isConforming ? dpl <= level : dpl == level
    else { throw .generalProtection(selector.errorCode) }
    try requirePresent(fetched)
    return fetched
  }
}
