import IA32

/// MOV to and from the debug registers. SDM vol. 2B, MOV; vol. 3B, 17.2.
extension CPU {
  /// - Throws: #UD for DR4 and DR5 under CR4.DE, #GP(0) outside ring 0, #DB under DR7.GD (with DR6.BD set).
  func moveToDebugRegister(_ number: UInt8, _ value: UInt32) throws(GuestFault) {
    switch try accessibleDebugRegister(number) {
    case 0: state.pointee.debugAddresses.0 = value
    case 1: state.pointee.debugAddresses.1 = value
    case 2: state.pointee.debugAddresses.2 = value
    case 3: state.pointee.debugAddresses.3 = value
    case 6:
      state.pointee.dr6 = value & DebugRegisterBits.writableStatus | DebugRegisterBits.fixedStatus
    default:
      state.pointee.dr7 = value & DebugRegisterBits.writableControl | DebugRegisterBits.fixedControl
    }
    debugRegistersChanged()
  }

  /// - Throws: #UD for DR4 and DR5 under CR4.DE, #GP(0) outside ring 0, #DB under DR7.GD (with DR6.BD set).
  func moveFromDebugRegister(_ number: UInt8) throws(GuestFault) -> UInt32 {
    switch try accessibleDebugRegister(number) {
    case 0: state.pointee.debugAddresses.0
    case 1: state.pointee.debugAddresses.1
    case 2: state.pointee.debugAddresses.2
    case 3: state.pointee.debugAddresses.3
    case 6: state.pointee.dr6
    default: state.pointee.dr7
    }
  }

  /// The register that a number means, 0 to 3, 6 or 7, after the checks: DR4 and DR5 are aliases of DR6 and DR7.
  private func accessibleDebugRegister(_ number: UInt8) throws(GuestFault) -> UInt8 {
    let isAlias = number & 6 == 4
    if isAlias && state.pointee.cr4.contains(.debuggingExtensions) { throw .invalidOpcode }
    try requireRing0()
    if state.pointee.dr7 & DebugRegisterBits.generalDetectEnable != 0 {
      throw .debug(DebugRegisterBits.generalDetect)
    }
    return isAlias ? number | 2 : number
  }
}
