import IA32

/// Decimal adjustments of AL and AX.
extension CPU {
  func decimal(_ op: UnsafeMutablePointer<Op>, _ operation: DecimalOperation) throws(GuestFault) {
    switch operation {
    case .daa:
      setRegister(0, state.pointee.flags.decimalAdjustAfterAddition(al: register(0, as: UInt8.self)))
    case .das:
      setRegister(0, state.pointee.flags.decimalAdjustAfterSubtraction(al: register(0, as: UInt8.self)))
    case .aaa:
      setRegister(0, state.pointee.flags.asciiAdjustAfterAddition(ax: register(0, as: UInt16.self)))
    case .aas:
      setRegister(0, state.pointee.flags.asciiAdjustAfterSubtraction(ax: register(0, as: UInt16.self)))
    case .aam:
      let base = UInt8(truncatingIfNeeded: op.pointee.immediate)
      setRegister(
        0, try state.pointee.flags.asciiAdjustAfterMultiplication(al: register(0, as: UInt8.self), base: base)
      )
    case .aad:
      let base = UInt8(truncatingIfNeeded: op.pointee.immediate)
      setRegister(
        0, state.pointee.flags.asciiAdjustBeforeDivision(ax: register(0, as: UInt16.self), base: base))
    }
  }
}
