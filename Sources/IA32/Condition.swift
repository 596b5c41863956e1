/// The condition of Jcc, SETcc and CMOVcc: the opcode's low four bits, "tttn". SDM vol. 1, appendix B.
@frozen
public enum Condition: UInt8, CaseIterable, Hashable, Sendable {
  case overflow = 0
  case notOverflow, below, aboveOrEqual, equal, notEqual, belowOrEqual, above
  case sign, notSign, parity, notParity, less, greaterOrEqual, lessOrEqual, greater

  /// The flags that it looks at.
  public var flags: EFLAGS {
    switch self {
    case .overflow, .notOverflow: .overflow
    case .below, .aboveOrEqual: .carry
    case .equal, .notEqual: .zero
    case .belowOrEqual, .above: [.carry, .zero]
    case .sign, .notSign: .sign
    case .parity, .notParity: .parity
    case .less, .greaterOrEqual: [.sign, .overflow]
    case .lessOrEqual, .greater: [.sign, .overflow, .zero]
    }
  }

  /// All that any condition looks at.
  public static let allFlags: EFLAGS = [.overflow, .carry, .zero, .sign, .parity]
}
