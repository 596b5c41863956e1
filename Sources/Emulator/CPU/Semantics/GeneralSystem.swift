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
    case .invd, .wbinvd:
      try requireRing0()
      caches.invalidateAll()
    case .lgdt:
      try loadDescriptorTable(.gdt, from: op.pointee.segment, offset(op), operandSize: op.pointee.width)
    case .lidt:
      try loadDescriptorTable(.idt, from: op.pointee.segment, offset(op), operandSize: op.pointee.width)
    case .sgdt: try storeDescriptorTable(.gdt, to: op.pointee.segment, offset(op))
    case .sidt: try storeDescriptorTable(.idt, to: op.pointee.segment, offset(op))
    case .lldt: try loadLocalDescriptorTable(try selectorOperand(op))
    case .ltr: try loadTaskRegister(try selectorOperand(op))
    case .sldt: try setSystemWord(op, UInt32(try storeLocalDescriptorTable()))
    case .str: try setSystemWord(op, UInt32(try storeTaskRegister()))
    case .lar:
      if let rights = try loadAccessRights(try sourceValue(op, as: UInt16.self)) { setWide(op, rights) }
    case .lsl:
      if let limit = try loadSegmentLimit(try sourceValue(op, as: UInt16.self)) { setWide(op, limit) }
    case .verr: try verifyReadable(try selectorOperand(op))
    case .verw: try verifyWritable(try selectorOperand(op))
    case .arpl:
      let raised = try adjustRequestedPrivilegeLevel(
        of: try selectorOperand(op), to: register(op.pointee.source, as: UInt16.self))
      if let raised { try setDestination(op, raised) }
      state.pointee.flags.replace(zero: raised != nil)
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
    if !state.pointee.cr0.isDisjoint(with: [.emulation, .taskSwitched]) {
      throw GuestFault(.deviceNotAvailable)
    }
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

  private func setPair(_ value: UInt64) {
    self[.eax] = UInt32(truncatingIfNeeded: value)
    self[.edx] = UInt32(truncatingIfNeeded: value >> 32)
  }

  /// A register takes all bits of its width, memory 16. SDM vol. 2, SLDT, STR, SMSW.
  private func setSystemWord(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) throws(GuestFault) {
    if isMemory(op) {
      try setDestination(op, UInt16(truncatingIfNeeded: value))
    } else {
      setWide(op, value)
    }
  }

  /// Writes the 16 or 32 bits of the destination register that the operand size names.
  private func setWide(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) {
    if op.pointee.width == 2 {
      setRegister(op.pointee.destination, UInt16(truncatingIfNeeded: value))
    } else {
      setRegister(op.pointee.destination, value)
    }
  }

  private func selectorOperand(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt16 {
    try destinationValue(op, as: UInt16.self)
  }
}
