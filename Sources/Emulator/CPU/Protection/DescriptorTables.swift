import IA32

/// LGDT, LIDT, LLDT, LTR and what reads them back. SDM vol. 2.
extension CPU {
  enum DescriptorTable: Sendable {
    case gdt
    case idt
  }

  /// LGDT and LIDT: limit and base from 6 bytes in memory; a 16-bit operand size takes 24 bits of the base.
  /// - Throws: #GP(0) outside ring 0; what the loads throw.
  func loadDescriptorTable(
    _ table: DescriptorTable, from segment: SegmentRegister, _ offset: UInt32, operandSize: UInt8
  ) throws(GuestFault) {
    try requireRing0()
    let limit = try load(segment, offset, as: UInt16.self)
    let base = try load(segment, offset &+ 2, as: UInt32.self)
    let register = DescriptorTableRegister(base: operandSize == 2 ? base & 0xff_ffff : base, limit: limit)
    switch table {
    case .gdt: state.pointee.gdtr = register
    case .idt: state.pointee.idtr = register
    }
  }

  /// SGDT and SIDT: 6 bytes, the whole base with either operand size.
  /// - Throws: what the store throws; nothing is stored then.
  func storeDescriptorTable(
    _ table: DescriptorTable, to segment: SegmentRegister, _ offset: UInt32
  ) throws(GuestFault) {
    let register = table == .gdt ? state.pointee.gdtr : state.pointee.idtr
    let limitAddress = try linearAddress(segment, offset, bytes: 2, .write)
    let baseAddress = try linearAddress(segment, offset &+ 2, bytes: 4, .write)
    let limitTarget = try mmu.writeTarget(limitAddress, bytes: 2, user: mmu.isUserMode)
    if mmu.checksAlignment {
      // The six bytes are aligned where the limit is. SDM vol. 3A, table 6-7.
      guard limitAddress & 3 == 0 else { throw GuestFault(.alignmentCheck) }
      let halves = (
        try mmu.writeTarget(baseAddress, bytes: 2, user: true),
        try mmu.writeTarget(baseAddress &+ 2, bytes: 2, user: true)
      )
      mmu.commit(limitTarget, register.limit)
      mmu.commit(halves.0, UInt16(truncatingIfNeeded: register.base))
      mmu.commit(halves.1, UInt16(truncatingIfNeeded: register.base >> 16))
      return
    }
    let baseTarget = try mmu.writeTarget(baseAddress, bytes: 4, user: mmu.isUserMode)
    mmu.commit(limitTarget, register.limit)
    mmu.commit(baseTarget, register.base)
  }

  /// LLDT.
  /// - Throws: #UD in real mode; #GP, #NP, #PF.
  func loadLocalDescriptorTable(_ selector: UInt16) throws(GuestFault) {
    let selector = Selector(selector)
    try requireProtectedMode()
    try requireRing0()
    guard !selector.isNull else {
      state.pointee.ldtr = nullSegment(selector)
      return
    }
    let fetched = try systemDescriptor(selector, types: [SystemDescriptorType.ldt])
    state.pointee.ldtr = SegmentCache(selector.rawValue, fetched.descriptor)
  }

  /// LTR: marks the TSS busy.
  /// - Throws: #UD in real mode; #GP, #NP, #PF.
  func loadTaskRegister(_ selector: UInt16) throws(GuestFault) {
    let selector = Selector(selector)
    try requireProtectedMode()
    try requireRing0()
    guard !selector.isNull else { throw .generalProtection() }
    let fetched = try systemDescriptor(
      selector, types: [SystemDescriptorType.availableTSS16, SystemDescriptorType.availableTSS32])
    let busy: UInt8 = 2
    commit(try prepareAccessByte(fetched, setting: busy))
    var cache = SegmentCache(selector.rawValue, fetched.descriptor)
    cache.access |= busy
    state.pointee.tr = cache
    if observation.wants(.task) { observation.tell(.task(.taskRegister(selector.rawValue))) }
  }

  /// SLDT.
  /// - Throws: #UD in real mode.
  func storeLocalDescriptorTable() throws(GuestFault) -> UInt16 {
    try requireProtectedMode()
    return state.pointee.ldtr.selector
  }

  /// STR.
  /// - Throws: #UD in real mode.
  func storeTaskRegister() throws(GuestFault) -> UInt16 {
    try requireProtectedMode()
    return state.pointee.tr.selector
  }

  /// A present descriptor of one of the system types, from the GDT.
  private func systemDescriptor(
    _ selector: Selector, types: [UInt8]
  ) throws(GuestFault) -> FetchedDescriptor {
    guard !selector.isLocal else { throw .generalProtection(selector.errorCode) }
    let fetched = try descriptor(selector)
    guard !fetched.descriptor.isCodeOrData, types.contains(fetched.descriptor.type) else {
      throw .generalProtection(selector.errorCode)
    }
    try requirePresent(fetched)
    return fetched
  }

  // MARK: Conditions of system instructions

  /// - Throws: #GP(0) unless CPL is 0.
  func requireRing0() throws(GuestFault) {
    guard state.pointee.privilegeLevel == 0 else { throw .generalProtection() }
  }

  /// - Throws: #UD in real and V86 mode, which don't recognise the instruction.
  func requireProtectedMode() throws(GuestFault) {
    guard !state.pointee.usesRealModeSegments else { throw .invalidOpcode }
  }
}
