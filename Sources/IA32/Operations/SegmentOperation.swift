/// Moves to and from segment registers. SDM vol. 2, MOV, PUSH, POP, LDS.
@frozen
public enum SegmentOperation: UInt8, CaseIterable, Hashable, Sendable {
  case movToSegment, movFromSegment, pushSegment, popSegment, lds, les, lfs, lgs, lss
}

extension SegmentOperation {
  public var record: OperationRecord {
    switch self {
    case .movToSegment: Self.load(.write, .tables, cost: .segmentLoad)
    case .popSegment: Self.load(.write, .loads(1, andMore: true), cost: .segmentLoad)
    case .lds, .les, .lfs, .lgs, .lss: Self.load(.write, .tables, cost: .farPointerLoad)
    case .movFromSegment: Self.store(.write, .none)
    case .pushSegment: Self.store(.read, .stores(1))
    }
  }

  /// A load reads the descriptor in protected mode, and may set its accessed bit.
  private static func load(
    _ operands: OperandUse, _ memory: ImplicitAccesses, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: .untouched, raises: .selectorLoad, then: .changesMode, needs: [],
      cost: cost)
  }

  private static func store(_ operands: OperandUse, _ memory: ImplicitAccesses) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: .untouched, raises: [], then: .next, needs: [], cost: .simple)
  }
}
