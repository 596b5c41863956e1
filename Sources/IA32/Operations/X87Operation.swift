/// The floating-point unit's instructions, a case for each mnemonic: the forms that pop and those with an integer in memory
/// have cases of their own, and the operand's width tells single from double precision. SDM vol. 2; vol. 1, chapter 8.
@frozen
public enum X87Operation: UInt8, CaseIterable, Hashable, Sendable {
  case fadd, fmul, fsub, fsubr, fdiv, fdivr
  case faddp, fmulp, fsubp, fsubrp, fdivp, fdivrp
  case fiadd, fimul, fisub, fisubr, fidiv, fidivr
  case fcom, fcomp, fcompp, ficom, ficomp, fucom, fucomp, fucompp, ftst, fxam
  case fcomi, fcomip, fucomi, fucomip
  case fcmovb, fcmove, fcmovbe, fcmovu, fcmovnb, fcmovne, fcmovnbe, fcmovnu
  case fld, fst, fstp, fild, fist, fistp, fbld, fbstp, fxch
  case fld1, fldl2t, fldl2e, fldpi, fldlg2, fldln2, fldz
  case fchs, fabs, fsqrt, frndint, fscale, fxtract, fprem, fprem1
  case f2xm1, fyl2x, fyl2xp1, fptan, fpatan, fsin, fcos, fsincos
  case fincstp, fdecstp, ffree, fnop
  /// FENI, FDISI and FSETPM do nothing since the 387.
  case fneni, fndisi, fnsetpm
  case fninit, fnclex, fldcw, fnstcw, fnstsw, fldenv, fnstenv, frstor, fnsave
}

extension X87Operation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .fadd, .fmul, .fsub, .fsubr, .fdiv, .fdivr: Self.waiting(.accumulate)
    case .faddp, .fmulp, .fsubp, .fsubrp, .fdivp, .fdivrp: Self.waiting(.accumulate)
    case .fiadd, .fimul, .fisub, .fisubr, .fidiv, .fidivr: Self.waiting(.accumulate)
    case .fcom, .fcomp, .fcompp, .ficom, .ficomp, .fucom, .fucomp, .fucompp, .ftst, .fxam:
      Self.waiting(.read)
    case .fcomi, .fcomip, .fucomi, .fucomip: Self.withFlags(.read, .arithmetic)
    case .fcmovb, .fcmovnb: Self.withFlags(.modify, .reads(.carry))
    case .fcmove, .fcmovne: Self.withFlags(.modify, .reads(.zero))
    case .fcmovbe, .fcmovnbe: Self.withFlags(.modify, .reads([.carry, .zero]))
    case .fcmovu, .fcmovnu: Self.withFlags(.modify, .reads(.parity))
    case .fld, .fild, .fbld: Self.waiting(.read)
    case .fst, .fstp, .fist, .fistp, .fbstp: Self.waiting(.write)
    case .fxch: Self.waiting(.exchange)
    case .fld1, .fldl2t, .fldl2e, .fldpi, .fldlg2, .fldln2, .fldz: Self.waiting(.none)
    case .fchs, .fabs, .fsqrt, .frndint, .fscale, .fxtract, .fprem, .fprem1: Self.waiting(.none)
    case .f2xm1, .fyl2x, .fyl2xp1, .fptan, .fpatan, .fsin, .fcos, .fsincos: Self.waiting(.none)
    case .fincstp, .fdecstp, .fnop: Self.waiting(.none)
    case .ffree: Self.waiting(.write)
    case .fldcw, .fldenv, .frstor: Self.waiting(.read)
    case .fneni, .fndisi, .fnsetpm, .fninit, .fnclex: Self.control(.none)
    case .fnstcw, .fnstsw, .fnstenv, .fnsave: Self.control(.write)
    }
  }

  /// Raises first what an earlier instruction has left pending.
  private static func waiting(_ operands: OperandUse) -> OperationRecord {
    record(operands, .untouched, raises: [.deviceNotAvailable, .floatingPointError], needs: .fpu)
  }

  /// Reads or writes EFLAGS, since the Pentium Pro.
  private static func withFlags(_ operands: OperandUse, _ flags: FlagEffects) -> OperationRecord {
    record(
      operands, flags, raises: [.deviceNotAvailable, .floatingPointError], needs: [.fpu, .conditionalMoves])
  }

  /// Does not wait for pending exceptions.
  private static func control(_ operands: OperandUse) -> OperationRecord {
    record(operands, .untouched, raises: .deviceNotAvailable, needs: .fpu)
  }

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, raises: ExceptionSet, needs: CPUFeatures
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: flags, raises: raises, then: .next, needs: needs, cost: .x87)
  }
}
