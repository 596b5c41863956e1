import FloatingPoint
import IA32

/// The floating-point unit's instructions: what is common to them, and which file has which. SDM vol. 1, chapter 8.
extension CPU {
  /// - Throws: #NM under CR0.EM and CR0.TS; #MF for what an earlier instruction has left pending; what accesses to memory
  ///   raise.
  func x87(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    if !state.pointee.cr0.isDisjoint(with: [.emulation, .taskSwitched]) {
      throw GuestFault(.deviceNotAvailable)
    }
    switch operation {
    case .fninit, .fnclex, .fnstcw, .fnstsw, .fnstenv, .fnsave, .fneni, .fndisi, .fnsetpm:
      return try x87Control(op, operation)
    default:
      try raisePendingFloatingPointError()
    }
    switch operation {
    case .fldcw, .fldenv, .frstor: return try x87Control(op, operation)
    case .fadd, .fmul, .fsub, .fsubr, .fdiv, .fdivr, .faddp, .fmulp, .fsubp, .fsubrp, .fdivp, .fdivrp, .fiadd,
      .fimul, .fisub, .fisubr, .fidiv, .fidivr:
      try x87Arithmetic(op, operation)
    case .fcom, .fcomp, .fcompp, .ficom, .ficomp, .fucom, .fucomp, .fucompp, .ftst, .fxam, .fcomi, .fcomip,
      .fucomi, .fucomip:
      try x87Comparison(op, operation)
    case .fld, .fild, .fbld: try x87Load(op, operation)
    case .fst, .fstp, .fist, .fistp, .fbstp: try x87Store(op, operation)
    case .fxch, .fcmovb, .fcmove, .fcmovbe, .fcmovu, .fcmovnb, .fcmovne, .fcmovnbe, .fcmovnu, .fincstp,
      .fdecstp,
      .ffree, .fnop, .fld1, .fldl2t, .fldl2e, .fldpi, .fldlg2, .fldln2, .fldz:
      x87Move(op, operation)
    default: x87Function(operation)
    }
    remember(op)
  }

  /// WAIT. SDM vol. 2B, WAIT.
  /// - Throws: #NM when CR0.MP and CR0.TS are set; #MF for what is pending.
  func waitForFloatingPoint() throws(GuestFault) {
    if state.pointee.cr0.isSuperset(of: [.monitorCoprocessor, .taskSwitched]) {
      throw GuestFault(.deviceNotAvailable)
    }
    guard model.features.contains(.fpu) else { return }
    try raisePendingFloatingPointError()
  }

  /// An unmasked exception of an earlier instruction is told at the next one that waits. With CR0.NE clear it is told by
  /// FERR#, and the processor goes no further until an interrupt comes or IGNNE# lets it; `raise` sees to that.
  /// SDM vol. 1, 8.7; vol. 3A, 2.5.
  func raisePendingFloatingPointError() throws(GuestFault) {
    guard state.pointee.x87.hasPendingError else { return }
    if !state.pointee.cr0.contains(.numericError) {
      if state.pointee.x87.ignoresErrors { return }
      state.pointee.x87.signalsError = true
      onFloatingPointError(true)
    }
    throw GuestFault(.floatingPointError)
  }

  /// FERR# goes down when nothing is pending any more, and with it IGNNE#.
  func settleFloatingPointError() {
    guard state.pointee.x87.signalsError, !state.pointee.x87.hasPendingError else { return }
    state.pointee.x87.signalsError = false
    state.pointee.x87.ignoresErrors = false
    onFloatingPointError(false)
  }

  /// IGNNE# is asserted, which lasts as long as FERR#.
  func ignoreFloatingPointErrors() {
    if state.pointee.x87.signalsError { state.pointee.x87.ignoresErrors = true }
  }

  /// The pointers to the last instruction and its operand. Control instructions leave them alone. SDM vol. 1, 8.1.8.
  private func remember(_ op: UnsafeMutablePointer<Op>) {
    let cpu = state
    cpu.pointee.x87.instruction = X87Pointer(selector: cpu.pointee.cs.selector, offset: op.pointee.eip)
    cpu.pointee.x87.opcode = UInt16(truncatingIfNeeded: op.pointee.immediate)
    if op.pointee.hasMemoryOperand {
      cpu.pointee.x87.operand = X87Pointer(
        selector: cpu.pointee[op.pointee.segment].selector, offset: offset(op))
    }
  }
}
