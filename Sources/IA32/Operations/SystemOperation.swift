/// What touches the machine's system state: interrupts, control, debug and machine-specific registers, caches. SDM vol. 2.
@frozen
public enum SystemOperation: UInt8, CaseIterable, Hashable, Sendable {
  case cli, sti, hlt, wait
  case cpuid, rdtsc, rdpmc, rdmsr, wrmsr
  case movToCR, movFromCR, movToDR, movFromDR, clts, lmsw, smsw
  case invlpg, invd, wbinvd
  case sysenter, sysexit, rsm
  /// The opcodes that are undefined by definition.
  case ud1, ud2
}

extension SystemOperation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .cli: Self.privileged(.none, Self.interruptFlag, then: .synchronizes, cost: .clearInterrupts)
    case .sti: Self.privileged(.none, Self.interruptFlag, then: .synchronizes, cost: .setInterrupts)
    case .hlt: Self.privileged(.none, .untouched, then: .synchronizes, cost: .simple)
    case .wait:
      Self.open(.none, raises: [.deviceNotAvailable, .floatingPointError], then: .next, cost: .simple)

    case .cpuid: Self.open(.none, raises: [], then: .synchronizes, cost: .identification)
    case .rdtsc: Self.counter(needs: .timeStampCounter, cost: .machineRegisterRead)
    case .rdpmc: Self.counter(needs: [], cost: .machineRegisterRead)
    case .rdmsr: Self.counter(needs: .machineRegisters, cost: .machineRegisterRead)
    case .wrmsr: Self.counter(needs: .machineRegisters, cost: .machineRegisterWrite)

    // PDPTEs are read where PAE is on.
    case .movToCR: Self.controlRegister(.write, .tables, then: .changesMode, cost: .controlRegisterWrite)
    case .movFromCR: Self.controlRegister(.write, .none, then: .next, cost: .simple)
    case .lmsw: Self.controlRegister(.read, .tables, then: .changesMode, cost: .simple)
    case .movToDR: Self.open(.write, raises: Self.debugAccess, then: .synchronizes, cost: .simple)
    case .movFromDR: Self.open(.write, raises: Self.debugAccess, then: .next, cost: .simple)
    case .clts: Self.privileged(.none, .untouched, then: .synchronizes, cost: .simple)
    case .smsw: Self.open(.write, raises: [], then: .next, cost: .systemRegisterStore)

    case .invlpg: Self.privileged(.address, .untouched, then: .synchronizes, cost: .pageInvalidation)
    case .invd, .wbinvd: Self.privileged(.none, .untouched, then: .synchronizes, cost: .cacheInvalidation)

    case .sysenter, .sysexit:
      OperationRecord(
        .none, memory: .none, flags: Self.fastCall, raises: .generalProtection, then: .transfersFar,
        needs: .fastSystemCalls, cost: .simple)
    // Outside system-management mode, which is not there, RSM is undefined.
    case .rsm: Self.open(.none, raises: .invalidOpcode, then: .transfersFar, cost: .simple)
    case .ud1, .ud2: Self.open(.none, raises: .invalidOpcode, then: .synchronizes, cost: .simple)
    }
  }

  /// IOPL says who may change IF.
  private static let interruptFlag = FlagEffects(
    reads: [.ioPrivilegeLevel, .interruptEnable], writes: .interruptEnable, undefined: [])
  private static let fastCall = FlagEffects.writes([.interruptEnable, .resume, .virtual8086])
  private static let debugAccess: ExceptionSet = [.debug, .generalProtection, .invalidOpcode]

  /// #GP where the privilege level does not allow it.
  private static func privileged(
    _ operands: OperandUse, _ flags: FlagEffects, then sequence: SequenceEffect, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: flags, raises: .generalProtection, then: sequence, needs: [],
      cost: cost)
  }

  /// Counters and machine-specific registers: who may read them is for CR4 and ring 0 to say.
  private static func counter(needs: CPUFeatures, cost: CostClass) -> OperationRecord {
    OperationRecord(
      .none, memory: .none, flags: .untouched, raises: .generalProtection, then: .synchronizes, needs: needs,
      cost: cost)
  }

  private static func controlRegister(
    _ operands: OperandUse, _ memory: ImplicitAccesses, then sequence: SequenceEffect, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: memory, flags: .untouched, raises: [.generalProtection, .invalidOpcode],
      then: sequence, needs: [], cost: cost)
  }

  /// What says by itself who may execute it.
  private static func open(
    _ operands: OperandUse, raises: ExceptionSet, then sequence: SequenceEffect, cost: CostClass
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: .untouched, raises: raises, then: sequence, needs: [], cost: cost)
  }
}
