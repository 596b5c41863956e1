import IA32

/// MOV to and from CR0-CR4, CLTS, LMSW, SMSW. SDM vol. 2B, MOV; vol. 3A, 2.5.
extension CPU {
  /// MOV to a control register. Reserved bits of CR0 keep their fixed value.
  /// - Throws: #UD for a register that doesn't exist; #GP(0) outside ring 0, for PG without PE, NW without CD, a bit
  ///   of CR4 that the model lacks, and reserved bits in the PDPTEs that the write loads.
  func moveToControlRegister(_ number: UInt8, _ value: UInt32) throws(GuestFault) {
    guard Self.controlRegisters.contains(number) else { throw .invalidOpcode }
    try requireRing0()
    switch number {
    case 0:
      let new = CR0(rawValue: value).intersection(.writable).union(.extensionType)
      if new.contains(.paging) && !new.contains(.protectionEnable) { throw .generalProtection() }
      if new.contains(.notWriteThrough) && !new.contains(.cacheDisable) { throw .generalProtection() }
      try mmu.setControlRegisters(cr0: new, cr4: state.pointee.cr4)
    case 2: state.pointee.cr2 = value
    case 3: try mmu.loadCR3(value)
    default:
      let new = CR4(rawValue: value)
      guard model.supportedCR4.isSuperset(of: new) else { throw .generalProtection() }
      try mmu.setControlRegisters(cr0: state.pointee.cr0, cr4: new)
      debugRegistersChanged()
    }
  }

  /// MOV from a control register.
  /// - Throws: #UD for a register that doesn't exist; #GP(0) outside ring 0.
  func moveFromControlRegister(_ number: UInt8) throws(GuestFault) -> UInt32 {
    guard Self.controlRegisters.contains(number) else { throw .invalidOpcode }
    try requireRing0()
    return switch number {
    case 0: state.pointee.cr0.rawValue
    case 2: state.pointee.cr2
    case 3: state.pointee.cr3
    default: state.pointee.cr4.rawValue
    }
  }

  private static let controlRegisters: Set<UInt8> = [0, 2, 3, 4]

  /// CLTS.
  /// - Throws: #GP(0) outside ring 0.
  func clearTaskSwitched() throws(GuestFault) {
    try requireRing0()
    let old = state.pointee.cr0
    state.pointee.cr0.remove(.taskSwitched)
    mmu.tellMode(.cr0, UInt64(old.rawValue), UInt64(state.pointee.cr0.rawValue))
  }

  /// LMSW: PE, MP, EM and TS. PE can be set and not cleared.
  /// - Throws: #GP(0) outside ring 0.
  func loadMachineStatusWord(_ value: UInt16) throws(GuestFault) {
    try requireRing0()
    let settable: CR0 = [.protectionEnable, .monitorCoprocessor, .emulation, .taskSwitched]
    var new = state.pointee.cr0.subtracting(settable)
    new.formUnion(CR0(rawValue: UInt32(value)).intersection(settable))
    if state.pointee.isProtected { new.insert(.protectionEnable) }
    try mmu.setControlRegisters(cr0: new, cr4: state.pointee.cr4)
  }

  /// SMSW, in every ring: CR0, of which memory and 16-bit registers take the low half.
  func storeMachineStatusWord() -> UInt32 { state.pointee.cr0.rawValue }
}
