/// Single bits, bit scans and byte order. SDM vol. 2.
@frozen
public enum BitOperation: UInt8, CaseIterable, Hashable, Sendable {
  case bt, bts, btr, btc, bsf, bsr, bswap
}

extension BitOperation {
  public var record: OperationRecord {
    switch self {
    case .bt: Self.record(.read, Self.test, cost: .simple)
    case .bts, .btr, .btc: Self.record(.modify, Self.test, cost: .simple)
    // A source of zero leaves the destination as it is.
    case .bsf, .bsr: Self.record(.modify, Self.scan, cost: .bitScan)
    case .bswap: Self.record(.modify, .untouched, cost: .simple)
    }
  }

  private static let test = FlagEffects(
    reads: [], writes: .carry, undefined: [.overflow, .sign, .adjust, .parity])
  private static let scan = FlagEffects(
    reads: [], writes: .zero, undefined: .arithmetic.subtracting(.zero))

  private static func record(
    _ operands: OperandUse, _ flags: FlagEffects, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(operands, memory: .none, flags: flags, raises: [], then: .next, needs: [], cost: cost)
  }
}
