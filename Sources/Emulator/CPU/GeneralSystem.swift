import IA32

extension CPU {
  /// Everything that touches the machine's system state, and the opcodes that this processor does not have.
  func system(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    switch op.pointee.operation {
    case .cli, .sti: try setInterruptFlag(op.pointee.operation == .sti)
    case .hlt:
      try requireRing0()
      state.pointee.isHalted = true
    case .cpuid:
      let leaf = model.cpuid(leaf: self[.eax])
      self[.eax] = leaf.eax
      self[.ebx] = leaf.ebx
      self[.ecx] = leaf.ecx
      self[.edx] = leaf.edx
    case .rdtsc: setPair(try readTimeStampCounter())
    case .rdpmc: setPair(try readPerformanceCounter(self[.ecx]))
    case .rdmsr: setPair(try readMSR(self[.ecx]))
    case .wrmsr: try writeMSR(self[.ecx], UInt64(self[.edx]) << 32 | UInt64(self[.eax]))
    case .movToCR: try moveToControlRegister(op.pointee.destination, registers[Int(op.pointee.source)])
    case .movFromCR:
      registers[Int(op.pointee.destination)] = try moveFromControlRegister(op.pointee.source)
    case .movToDR: try moveToDebugRegister(op.pointee.destination, registers[Int(op.pointee.source)])
    case .movFromDR:
      registers[Int(op.pointee.destination)] = try moveFromDebugRegister(op.pointee.source)
    case .clts: try clearTaskSwitched()
    case .lmsw: try loadMachineStatusWord(try destinationValue(op, as: UInt16.self))
    case .smsw: try setSystemWord(op, storeMachineStatusWord())
    case .invlpg:
      try requireRing0()
      mmu.invalidatePage(state.pointee[op.pointee.segment].base &+ offset(op))
    case .invd, .wbinvd: try requireRing0()
    case .lgdt, .lidt, .sgdt, .sidt: try descriptorTable(op)
    case .lldt: try loadLocalDescriptorTable(try selectorOperand(op))
    case .ltr: try loadTaskRegister(try selectorOperand(op))
    case .sldt:
      try requireProtectedMode()
      try setSystemWord(op, UInt32(state.pointee.ldtr.selector))
    case .str:
      try requireProtectedMode()
      try setSystemWord(op, UInt32(state.pointee.tr.selector))
    case .lar, .lsl: try loadDescriptorField(op)
    case .verr:
      state.pointee.flags.replace(zero: try verifySegment(try selectorOperand(op), forWriting: false))
    case .verw:
      state.pointee.flags.replace(zero: try verifySegment(try selectorOperand(op), forWriting: true))
    case .arpl: try adjustRequestedPrivilegeLevel(op)
    case .ud1, .ud2:
      throw op.pointee.detail == ExceptionVector.generalProtection.rawValue
        ? .generalProtection() : .invalidOpcode
    case .x87: try floatingPoint()
    default:
      reportMissing(String(describing: op.pointee.operation))
      throw .invalidOpcode
    }
  }

  /// This processor has no floating-point unit: EM and TS still trap as they do everywhere. SDM vol. 3A, 2.5.
  private func floatingPoint() throws(GuestFault) {
    if !state.pointee.cr0.isDisjoint(with: [.emulation, .taskSwitched]) { throw GuestFault(.deviceNotAvailable) }
    reportMissing("x87")
    throw .invalidOpcode
  }

  private func setInterruptFlag(_ on: Bool) throws(GuestFault) {
    guard state.pointee.privilegeLevel <= state.pointee.ioPrivilegeLevel || !state.pointee.isProtected else {
      throw .generalProtection()
    }
    if on && state.pointee.systemFlags & EFLAGS.interruptEnable.rawValue == 0 {
      state.pointee.systemFlags |= EFLAGS.interruptEnable.rawValue
      state.pointee.inhibitsInterrupts = true
    } else if !on {
      state.pointee.systemFlags &= ~EFLAGS.interruptEnable.rawValue
    }
  }

  /// #GP(0) outside ring 0.
  func requireRing0() throws(GuestFault) {
    if state.pointee.privilegeLevel != 0 { throw .generalProtection() }
  }

  /// #UD in real and V86 mode, where the instruction is not recognised.
  func requireProtectedMode() throws(GuestFault) {
    if state.pointee.usesRealModeSegments { throw .invalidOpcode }
  }

  private func setPair(_ value: UInt64) {
    self[.eax] = UInt32(truncatingIfNeeded: value)
    self[.edx] = UInt32(truncatingIfNeeded: value >> 32)
  }

  /// A register takes all bits of its width, memory 16. SDM vol. 2, SLDT, STR, SMSW.
  private func setSystemWord(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) throws(GuestFault) {
    if isMemory(op) {
      try setDestination(op, UInt16(truncatingIfNeeded: value))
    } else if op.pointee.width == 2 {
      setRegister(op.pointee.destination, UInt16(truncatingIfNeeded: value))
    } else {
      setRegister(op.pointee.destination, value)
    }
  }

  private func selectorOperand(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt16 {
    try destinationValue(op, as: UInt16.self)
  }
}
