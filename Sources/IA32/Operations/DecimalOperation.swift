/// Decimal adjustments of AL and AX. SDM vol. 2.
@frozen
public enum DecimalOperation: UInt8, CaseIterable, Hashable, Sendable {
  case daa, das, aaa, aas, aam, aad
}

extension DecimalOperation {
  public var record: OperationRecord {
    switch self {
    case .daa, .das:
      Self.record(.none, Self.packed, raises: [], cost: .packedDecimal)
    case .aaa, .aas:
      Self.record(.none, Self.unpacked, raises: [], cost: .packedDecimal)
    case .aam:
      Self.record(.read, Self.digits, raises: .divideError, cost: .decimalMultiplication)
    case .aad:
      Self.record(.read, Self.digits, raises: [], cost: .decimalDivision)
    }
  }

  private static let packed = FlagEffects(
    reads: [.carry, .adjust], writes: .arithmetic.subtracting(.overflow), undefined: .overflow)
  private static let unpacked = FlagEffects(
    reads: .adjust, writes: [.adjust, .carry], undefined: [.overflow, .sign, .zero, .parity])
  private static let digits = FlagEffects(
    reads: [], writes: [.sign, .zero, .parity], undefined: [.overflow, .adjust, .carry])

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, raises: ExceptionSet, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(operands, memory: .none, flags: flags, raises: raises, then: .next, needs: [], cost: cost)
  }
}
