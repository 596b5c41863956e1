/// Shifts and rotates. SDM vol. 2. A masked count of 0 changes nothing, flags included.
@frozen
public enum ShiftOperation: UInt8, CaseIterable, Hashable, Sendable {
  case shl, shr, sar, rol, ror, rcl, rcr, shld, shrd
}

extension ShiftOperation {
  public var record: OperationRecord {
    switch self {
    case .shl, .shr, .sar: Self.record(Self.shift, cost: .simple)
    case .rol, .ror: Self.record(Self.rotate, cost: .simple)
    case .rcl, .rcr: Self.record(Self.rotateThroughCarry, cost: .rotateThroughCarry)
    case .shld, .shrd: Self.record(Self.shift, cost: .doubleShift)
    }
  }

  /// OF is defined for a count of 1, CF for counts up to the operand's width.
  private static let shift = FlagEffects(
    reads: [], writes: .arithmetic.subtracting(.adjust), undefined: [.overflow, .adjust, .carry])
  private static let rotate = FlagEffects(reads: [], writes: [.carry, .overflow], undefined: .overflow)
  private static let rotateThroughCarry = FlagEffects(
    reads: .carry, writes: [.carry, .overflow], undefined: .overflow)

  private static func record(_ flags: FlagEffects, cost: CostClass) -> OperationRecord {
    OperationRecord(.modify, memory: .none, flags: flags, raises: [], then: .next, needs: [], cost: cost)
  }
}
