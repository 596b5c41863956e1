/// Instructions on flags of EFLAGS that every program may change. SDM vol. 2.
@frozen
public enum FlagOperation: UInt8, CaseIterable, Hashable, Sendable {
  case clc, stc, cmc, cld, std, lahf, sahf, salc
}

extension FlagOperation {
  public var record: OperationRecord {
    switch self {
    case .clc, .stc: Self.record(.writes(.carry))
    case .cmc: Self.record(FlagEffects(reads: .carry, writes: .carry, undefined: []))
    case .cld, .std: Self.record(.writes(.direction))
    case .lahf: Self.record(.reads(Self.inAH))
    case .sahf: Self.record(.writes(Self.inAH))
    case .salc: Self.record(.reads(.carry))
    }
  }

  private static let inAH = EFLAGS.arithmetic.subtracting(.overflow)

  private static func record(_ flags: FlagEffects) -> OperationRecord {
    OperationRecord(.none, memory: .none, flags: flags, raises: [], then: .next, needs: [], cost: .simple)
  }
}
