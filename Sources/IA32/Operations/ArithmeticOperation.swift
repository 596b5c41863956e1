/// Integer arithmetic and logic. SDM vol. 2.
@frozen
public enum ArithmeticOperation: UInt8, CaseIterable, Hashable, Sendable {
  case add, adc, sub, sbb, and, or, xor, cmp, test, inc, dec, neg, not
  case xadd, cmpxchg, cmpxchg8b
  case mul
  /// IMUL with one operand: the double-width product goes to AX, DX:AX or EDX:EAX.
  case imul
  /// IMUL with two or three operands: `op0 = op1 * op2`; in the two-operand form `op1` is `op0`.
  case imul2
  case div, idiv
  /// CBW, and CWDE with a 32-bit operand size.
  case cbw
  /// CWD, and CDQ with a 32-bit operand size.
  case cwd
}

extension ArithmeticOperation {
  public var record: OperationRecord {
    switch self {
    case .add, .sub, .neg, .cmpxchg: Self.simple(.modify, .arithmetic)
    case .adc, .sbb: Self.simple(.modify, Self.withCarry)
    case .and, .or, .xor: Self.simple(.modify, Self.logic)
    case .cmp: Self.simple(.read, .arithmetic)
    case .test: Self.simple(.read, Self.logic)
    case .inc, .dec: Self.simple(.modify, .writes(.arithmetic.subtracting(.carry)))
    case .not: Self.simple(.modify, .untouched)
    case .xadd: Self.simple(.exchange, .arithmetic)
    case .cbw, .cwd: Self.simple(.none, .untouched)
    case .cmpxchg8b:
      Self.record(
        .modify, .writes(.zero), raises: [], needs: .compareExchange8Bytes, cost: .exchange8Bytes)
    case .mul, .imul: Self.record(.read, Self.product, raises: [], needs: [], cost: .multiplication)
    case .imul2: Self.record(.write, Self.product, raises: [], needs: [], cost: .multiplication)
    case .div, .idiv:
      Self.record(.read, Self.quotient, raises: .divideError, needs: [], cost: .division)
    }
  }

  private static let withCarry = FlagEffects(reads: .carry, writes: .arithmetic, undefined: [])
  private static let logic = FlagEffects(
    reads: [], writes: .arithmetic.subtracting(.adjust), undefined: .adjust)
  private static let product = FlagEffects(
    reads: [], writes: [.carry, .overflow], undefined: [.sign, .zero, .adjust, .parity])
  private static let quotient = FlagEffects(reads: [], writes: [], undefined: .arithmetic)

  /// As old as the 8086, a cycle long, and never a fault but for its operands' sake.
  private static func simple(_ operands: OperandUse, _ flags: FlagEffects) -> OperationRecord {
    record(operands, flags, raises: [], needs: [], cost: .simple)
  }

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, raises: ExceptionSet, needs: CPUFeatures, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: flags, raises: raises, then: .next, needs: needs, cost: cost)
  }
}
