/// Descriptor tables, the task register, and checks of selectors. SDM vol. 2.
@frozen
public enum DescriptorOperation: UInt8, CaseIterable, Hashable, Sendable {
  case lgdt, lidt, lldt, ltr, sgdt, sidt, sldt, str
  case lar, lsl, verr, verw, arpl
}

extension DescriptorOperation {
  public var record: OperationRecord {
    switch self {
    case .lgdt, .lidt:
      Self.record(.read, .none, raises: .generalProtection, then: .synchronizes, cost: .descriptorTableLoad)
    case .lldt, .ltr:
      Self.record(.read, .tables, raises: Self.system, then: .synchronizes, cost: .descriptorTableLoad)
    case .sgdt, .sidt:
      Self.record(.write, .none, raises: [], then: .next, cost: .systemRegisterStore)
    // Real mode has no such register.
    case .sldt, .str:
      Self.record(.write, .none, raises: .invalidOpcode, then: .next, cost: .systemRegisterStore)
    // A selector that may not be used leaves the destination as it is.
    case .lar, .lsl: Self.check(.modify, .tables)
    case .verr, .verw: Self.check(.read, .tables)
    case .arpl: Self.check(.modify, .none)
    }
  }

  private static let system: ExceptionSet = [.generalProtection, .segmentNotPresent, .invalidOpcode]

  private static func record(
    _ operands: OperandUse, _ memory: ImplicitAccesses, raises: ExceptionSet, then sequence: SequenceEffect,
    cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: .untouched, raises: raises, then: sequence, needs: [], cost: cost)
  }

  /// ZF tells the outcome; real mode does not know the instruction.
  private static func check(_ operands: OperandUse, _ memory: ImplicitAccesses) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: .writes(.zero), raises: .invalidOpcode, then: .next, needs: [],
      cost: .simple)
  }
}
