/// Moves of data between registers and memory. SDM vol. 2.
@frozen
public enum DataOperation: UInt8, CaseIterable, Hashable, Sendable {
  case mov, movzx, movsx, lea, xchg, xlat, nop, setcc, cmovcc
}

extension DataOperation {
  public var record: OperationRecord {
    switch self {
    case .mov, .movzx, .movsx: Self.record(.write, .untouched, needs: [], cost: .simple)
    case .lea: Self.record(.address, .untouched, needs: [], cost: .simple)
    case .xchg: Self.record(.exchange, .untouched, needs: [], cost: .exchange)
    case .xlat: Self.record(.read, .untouched, needs: [], cost: .simple)
    case .nop: Self.record(.none, .untouched, needs: [], cost: .simple)
    case .setcc: Self.record(.write, .reads(Condition.allFlags), needs: [], cost: .simple)
    // The source is read whatever the condition, and without it the destination stays.
    case .cmovcc:
      Self.record(.modify, .reads(Condition.allFlags), needs: .conditionalMoves, cost: .simple)
    }
  }

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, needs: CPUFeatures, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(operands, memory: .none, flags: flags, raises: [], then: .next, needs: needs, cost: cost)
  }
}
