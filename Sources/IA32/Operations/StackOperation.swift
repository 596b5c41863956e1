/// The stack, but for calls and returns. SDM vol. 2.
@frozen
public enum StackOperation: UInt8, CaseIterable, Hashable, Sendable {
  case push, pop, pusha, popa, pushf, popf, enter, leave
}

extension StackOperation {
  public var record: OperationRecord {
    switch self {
    case .push: Self.record(.read, .stores(1), .untouched, then: .next, cost: .simple)
    case .pop: Self.record(.write, .loads(1), .untouched, then: .next, cost: .simple)
    case .pusha: Self.record(.none, .stores(8), .untouched, then: .next, cost: .allRegisters)
    case .popa: Self.record(.none, .loads(8), .untouched, then: .next, cost: .allRegisters)
    case .pushf:
      Self.record(.none, .stores(1), .reads(Self.popped), then: .next, cost: .simple)
    // IOPL says who may change IF.
    case .popf:
      Self.record(
        .none, .loads(1), FlagEffects(reads: .ioPrivilegeLevel, writes: Self.popped, undefined: []),
        then: .synchronizes, cost: .simple)
    // The nesting level says how many frame pointers are copied.
    case .enter: Self.record(.read, .stores(1, andMore: true), .untouched, then: .next, cost: .frame)
    case .leave: Self.record(.none, .loads(1), .untouched, then: .next, cost: .simple)
    }
  }

  /// What PUSHF and POPF move. SDM vol. 2, POPF.
  private static let popped: EFLAGS = [
    .arithmetic, .trap, .interruptEnable, .direction, .ioPrivilegeLevel, .nestedTask, .resume,
    .alignmentCheck, .identification,
  ]

  private static func record(
    _ operands: OperandUse, _ memory: ImplicitAccesses, _ flags: FlagEffects, then sequence: SequenceEffect,
    cost: CostClass
  ) -> OperationRecord {
    OperationRecord(operands, memory: memory, flags: flags, raises: [], then: sequence, needs: [], cost: cost)
  }
}
