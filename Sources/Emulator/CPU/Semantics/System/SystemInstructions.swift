import IA32

/// Everything that touches the machine's system state.
extension CPU {
  func system(_ op: UnsafeMutablePointer<Op>, _ operation: SystemOperation) throws(GuestFault) {
    switch operation {
    case .cli: try setInterruptFlag(false)
    case .sti: try setInterruptFlag(true)
    case .hlt:
      try requireRing0()
      state.pointee.isHalted = true
    case .cpuid:
      var leaf = model.cpuid(leaf: self[.eax])
      if self[.eax] == 1, let localAPIC {
        leaf.ebx |= UInt32(number) << 24
        if !localAPIC.isEnabled { leaf.edx &= ~CPUFeatures.localAPIC.edx }
      }
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
    case .lmsw:
      // Before the operand is read.
      try requireRing0()
      try loadMachineStatusWord(try destinationValue(op, as: UInt16.self))
    case .smsw: try setSystemWord(op, storeMachineStatusWord())
    case .invlpg:
      try requireRing0()
      mmu.invalidatePage(state.pointee[op.pointee.segment].base &+ offset(op))
    case .invd, .wbinvd:
      try requireRing0()
      caches.invalidateAll()
    case .wait: try waitForFloatingPoint()
    case .sysenter: try enterSystem()
    case .sysexit: try exitSystem()
    case .rsm: throw missing(op)
    case .ud1, .ud2: throw .invalidOpcode
    }
  }

  private func setPair(_ value: UInt64) {
    self[.eax] = UInt32(truncatingIfNeeded: value)
    self[.edx] = UInt32(truncatingIfNeeded: value >> 32)
  }

  /// A register takes all bits of its width, memory 16. SDM vol. 2, SLDT, STR, SMSW.
  func setSystemWord(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) throws(GuestFault) {
    if op.pointee.isDestinationInMemory {
      try setDestination(op, UInt16(truncatingIfNeeded: value))
    } else {
      setWide(op, value)
    }
  }

  /// Writes the 16 or 32 bits of the destination register that the operand size names.
  func setWide(_ op: UnsafeMutablePointer<Op>, _ value: UInt32) {
    if op.pointee.width == 2 {
      setRegister(op.pointee.destination, UInt16(truncatingIfNeeded: value))
    } else {
      setRegister(op.pointee.destination, value)
    }
  }
}
