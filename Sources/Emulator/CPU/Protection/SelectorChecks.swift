import IA32

/// LAR, LSL, VERR, VERW and ARPL: what a program may ask about selectors without loading them. SDM vol. 2; vol. 3A,
/// 5.10. All are #UD in real mode; a selector that fails a check clears ZF and raises nothing.
extension CPU {
  /// LAR: the access rights in their places in a descriptor's upper half (00F0FF00h), or nil with ZF clear.
  /// - Throws: #UD; #PF.
  func loadAccessRights(_ selector: UInt16) throws(GuestFault) -> UInt32? {
    let found = try visibleDescriptor(Selector(selector), systemTypes: Self.typesWithAccessRights)
    state.pointee.flags.replace(zero: found != nil)
    return found.map { UInt32(truncatingIfNeeded: $0.rawValue >> 32) & 0x00f0_ff00 }
  }

  /// LSL: the limit in bytes, or nil with ZF clear.
  /// - Throws: #UD; #PF.
  func loadSegmentLimit(_ selector: UInt16) throws(GuestFault) -> UInt32? {
    let found = try visibleDescriptor(Selector(selector), systemTypes: Self.typesWithLimit)
    state.pointee.flags.replace(zero: found != nil)
    return found?.limit
  }

  /// VERR: ZF says whether the segment could be read from this ring.
  /// - Throws: #UD; #PF.
  func verifyReadable(_ selector: UInt16) throws(GuestFault) {
    let found = try visibleDescriptor(Selector(selector), systemTypes: [])
    state.pointee.flags.replace(zero: found?.isReadable ?? false)
  }

  /// VERW: ZF says whether the segment could be written from this ring.
  /// - Throws: #UD; #PF.
  func verifyWritable(_ selector: UInt16) throws(GuestFault) {
    let found = try visibleDescriptor(Selector(selector), systemTypes: [])
    state.pointee.flags.replace(zero: found?.isWritable ?? false)
  }

  /// ARPL: `destination` with its RPL raised to that of `source`, or nil if that isn't lower. The caller stores it
  /// and then sets ZF to "not nil", because the store may fault.
  /// - Throws: #UD.
  func adjustRequestedPrivilegeLevel(
    of destination: UInt16, to source: UInt16
  ) throws(GuestFault) -> UInt16? {
    try requireProtectedMode()
    return destination & 3 < source & 3 ? destination & 0xfffc | source & 3 : nil
  }

  /// SDM vol. 2A, table 3-53.
  private static let typesWithAccessRights: [UInt8] = [
    SystemDescriptorType.availableTSS16, SystemDescriptorType.ldt, SystemDescriptorType.busyTSS16,
    SystemDescriptorType.callGate16, SystemDescriptorType.taskGate, SystemDescriptorType.availableTSS32,
    SystemDescriptorType.busyTSS32, SystemDescriptorType.callGate32,
  ]
  /// SDM vol. 2A, table 3-56.
  private static let typesWithLimit: [UInt8] = [
    SystemDescriptorType.availableTSS16, SystemDescriptorType.ldt, SystemDescriptorType.busyTSS16,
    SystemDescriptorType.availableTSS32, SystemDescriptorType.busyTSS32,
  ]

  /// The descriptor if it exists, is code, data or of one of `systemTypes`, and may be seen from this ring through
  /// this selector. P isn't asked.
  private func visibleDescriptor(_ selector: Selector, systemTypes: [UInt8]) throws(GuestFault) -> Descriptor?
  {
    try requireProtectedMode()
    guard !selector.isNull, let descriptor = try fetchDescriptor(selector)?.descriptor,
      descriptor.isCodeOrData || systemTypes.contains(descriptor.type),
      isReachable(descriptor, through: selector)
    else { return nil }
    return descriptor
  }
}
