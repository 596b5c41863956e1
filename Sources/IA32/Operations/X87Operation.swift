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
  case fxsave, fxrstor
}

extension X87Operation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .fadd, .fsub, .fsubr, .faddp, .fsubp, .fsubrp, .fiadd, .fisub, .fisubr:
      Self.waiting(.accumulate, .x87Addition)
    case .fmul, .fmulp, .fimul: Self.waiting(.accumulate, .x87Multiplication)
    case .fdiv, .fdivr, .fdivp, .fdivrp, .fidiv, .fidivr: Self.waiting(.accumulate, .x87Division)
    case .fcom, .fcomp, .fcompp, .ficom, .ficomp, .fucom, .fucomp, .fucompp, .ftst, .fxam:
      Self.waiting(.read)
    case .fcomi, .fcomip, .fucomi, .fucomip: Self.withFlags(.read, .arithmetic, .x87)
    case .fcmovb, .fcmovnb: Self.withFlags(.modify, .reads(.carry), .x87ConditionalMove)
    case .fcmove, .fcmovne: Self.withFlags(.modify, .reads(.zero), .x87ConditionalMove)
    case .fcmovbe, .fcmovnbe: Self.withFlags(.modify, .reads([.carry, .zero]), .x87ConditionalMove)
    case .fcmovu, .fcmovnu: Self.withFlags(.modify, .reads(.parity), .x87ConditionalMove)
    case .fld: Self.waiting(.read)
    case .fild: Self.waiting(.read, .x87Integer)
    case .fbld: Self.waiting(.read, .x87DecimalLoad)
    case .fst, .fstp: Self.waiting(.write)
    case .fist, .fistp: Self.waiting(.write, .x87Integer)
    case .fbstp: Self.waiting(.write, .x87DecimalStore)
    case .fxch: Self.waiting(.exchange)
    case .fld1, .fldl2t, .fldl2e, .fldpi, .fldlg2, .fldln2, .fldz: Self.waiting(.none)
    case .fchs, .fabs: Self.waiting(.none)
    case .fsqrt: Self.waiting(.none, .x87SquareRoot)
    case .frndint, .fscale, .fxtract: Self.waiting(.none, .x87Rounding)
    case .fprem, .fprem1: Self.waiting(.none, .x87Remainder)
    case .f2xm1, .fyl2x, .fyl2xp1, .fptan, .fpatan, .fsin, .fcos, .fsincos:
      Self.waiting(.none, .x87Transcendental)
    case .fincstp, .fdecstp, .fnop: Self.waiting(.none)
    case .ffree: Self.waiting(.write)
    case .fldcw: Self.waiting(.read, .x87ControlLoad)
    case .fldenv: Self.waiting(.read, .x87Environment)
    case .frstor: Self.waiting(.read, .x87StateLoad)
    case .fneni, .fndisi, .fnsetpm, .fnclex: Self.control(.none)
    case .fninit: Self.control(.none, .x87Initialization)
    case .fnstcw: Self.control(.write)
    case .fnstsw: Self.control(.write, .x87StatusWord)
    case .fnstenv: Self.control(.write, .x87Environment)
    case .fnsave: Self.control(.write, .x87StateStore)
    case .fxsave: Self.extendedState(.x87StateStore)
    case .fxrstor: Self.extendedState(.x87StateLoad)
    }
  }

  /// Raises first what an earlier instruction has left pending.
  private static func waiting(_ operands: OperandUse, _ cost: CostClass = .x87) -> OperationRecord {
    record(operands, .untouched, raises: [.deviceNotAvailable, .floatingPointError], needs: .fpu, cost)
  }

  /// Reads or writes EFLAGS, since the Pentium Pro.
  private static func withFlags(
    _ operands: OperandUse, _ flags: FlagEffects, _ cost: CostClass
  ) -> OperationRecord {
    record(
      operands, flags, raises: [.deviceNotAvailable, .floatingPointError], needs: [.fpu, .conditionalMoves],
      cost)
  }

  /// Does not wait for pending exceptions.
  private static func control(_ operands: OperandUse, _ cost: CostClass = .x87) -> OperationRecord {
    record(operands, .untouched, raises: .deviceNotAvailable, needs: .fpu, cost)
  }

  /// Moves 512 bytes, which must be aligned by 16, and does not wait for pending exceptions.
  private static func extendedState(_ cost: CostClass) -> OperationRecord {
    OperationRecord(
      .address, memory: .tables, flags: .untouched, raises: [.deviceNotAvailable, .generalProtection],
      then: .next, needs: .fxsave, cost: cost)
  }

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, raises: ExceptionSet, needs: CPUFeatures,
    _ cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: flags, raises: raises, then: .next, needs: needs, cost: cost)
  }
}
