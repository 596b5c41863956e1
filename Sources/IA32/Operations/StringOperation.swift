/// The string instructions, which REP repeats. A record describes one iteration. SDM vol. 2, REP.
@frozen
public enum StringOperation: UInt8, CaseIterable, Hashable, Sendable {
  case movs, cmps, stos, lods, scas, ins, outs
}

extension StringOperation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .movs, .stos, .lods: Self.record(.write, Self.move, raises: [], cost: .stringElement)
    case .scas: Self.record(.read, Self.comparison, raises: [], cost: .stringElement)
    case .cmps: Self.record(.read, Self.comparison, raises: [], cost: .stringComparison)
    case .ins: Self.record(.write, Self.transfer, raises: .generalProtection, cost: .stringInput)
    case .outs: Self.record(.read, Self.transfer, raises: .generalProtection, cost: .port)
    }
  }

  /// Whether an iteration stores an element at ES:(E)DI.
  public var storesElement: Bool {
    switch self {
    case .movs, .stos, .ins: true
    case .cmps, .lods, .scas, .outs: false
    }
  }

  /// Whether an iteration compares, so that REPE and REPNE may end with it.
  public var compares: Bool {
    switch self {
    case .cmps, .scas: true
    case .movs, .stos, .lods, .ins, .outs: false
    }
  }

  private static let move = FlagEffects.reads(.direction)
  private static let comparison = FlagEffects(reads: .direction, writes: .arithmetic, undefined: [])
  /// IOPL says who may use ports.
  private static let transfer = FlagEffects.reads([.direction, .ioPrivilegeLevel])

  /// INS and OUTS permissions lie in the task state; the record of ports says the same.
  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, raises: ExceptionSet, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: raises.isEmpty ? .none : .tables, flags: flags, raises: raises, then: .next,
      needs: [], cost: cost)
  }
}
