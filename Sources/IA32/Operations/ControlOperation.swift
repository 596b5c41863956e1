/// Branches, calls, returns and software interrupts. SDM vol. 2.
@frozen
public enum ControlOperation: UInt8, CaseIterable, Hashable, Sendable {
  case jcc, jcxz, loop, loope, loopne, jmp, call, ret
  case jmpFar, callFar, retFar, iret
  case int, int3, int1, into, bound
}

extension ControlOperation {
  public var record: OperationRecord {
    switch self {
    case .jcc: Self.near(.none, .reads(Condition.allFlags))
    case .jcxz, .loop: Self.near(.none, .untouched)
    case .loope, .loopne: Self.near(.none, .reads(.zero))
    case .jmp: Self.near(.none, .untouched)
    case .call: Self.near(.stores(1), .untouched)
    case .ret: Self.near(.loads(1), .untouched)

    case .jmpFar: Self.far(.read, .tables, .untouched, cost: .farJump)
    case .callFar: Self.far(.read, .stores(2, andMore: true), .untouched, cost: .farCall)
    case .retFar: Self.far(.read, .loads(2, andMore: true), .untouched, cost: .farReturn)
    case .iret: Self.far(.none, .loads(3, andMore: true), Self.interruptReturn, cost: .interruptReturn)
    case .int: Self.interrupt([], .reads(.ioPrivilegeLevel))
    case .int3: Self.interrupt(.breakpoint, .untouched)
    case .int1: Self.interrupt(.debug, .untouched)
    case .into: Self.interrupt(.overflow, .reads(.overflow))

    case .bound:
      OperationRecord(
        .read, memory: .none, flags: .untouched, raises: .boundRangeExceeded, then: .next, needs: [],
        cost: .simple)
    }
  }

  /// Every flag may come from the stack; NT asks for a task switch, IOPL says who may change IF.
  private static let interruptReturn = FlagEffects(
    reads: [.nestedTask, .ioPrivilegeLevel, .virtual8086],
    writes: [
      .arithmetic, .trap, .interruptEnable, .direction, .ioPrivilegeLevel, .nestedTask, .resume,
      .virtual8086, .alignmentCheck, .identification,
    ], undefined: [])

  /// Within the code segment: #GP for a target beyond its limit.
  private static func near(_ memory: ImplicitAccesses, _ flags: FlagEffects) -> OperationRecord {
    OperationRecord(
      .read, memory: memory, flags: flags, raises: .generalProtection, then: .transfers, needs: [],
      cost: .simple)
  }

  /// With a selector from the instruction or from the stack.
  private static func far(
    _ operands: OperandUse, _ memory: ImplicitAccesses, _ flags: FlagEffects, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: flags, raises: .selectorLoad, then: .transfersFar, needs: [],
      cost: cost)
  }

  /// Through a gate, which clears TF, NT, RF and VM, and IF unless it is a trap gate. The stores are the frame's; INTO makes
  /// them only when OF is set. SDM vol. 3A, 6.12.1.
  private static func interrupt(_ own: ExceptionSet, _ flags: FlagEffects) -> OperationRecord {
    OperationRecord(
      .read, memory: .tables,
      flags: FlagEffects(
        reads: flags.reads, writes: [.trap, .interruptEnable, .nestedTask, .resume, .virtual8086],
        undefined: []),
      raises: .selectorLoad.union(own), then: .transfersFar, needs: [], cost: .softwareInterrupt)
  }
}
