import IA32

/// The string instructions, with and without REP. SDM vol. 2, REP.
///
/// An iteration is an instruction to the clock and the counters. Between two iterations the instruction can be left
/// and taken up again: after each one the registers say how far it has come, so a fault or an interrupt finds a
/// consistent state.
extension CPU {
  /// Executes until done or until something is due; true when it must be taken up again.
  @inline(never)
  func string(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> Bool {
    clock.state.pointee.now &+= UInt64(op.pointee.cyclesBefore)
    control.pointee.current = op
    defer {
      clock.state.pointee.now &-= UInt64(op.pointee.cyclesBefore)
      control.pointee.current = nil
      settle(op)
    }
    guard case .string(let operation) = operation(of: op) else { return false }
    switch op.pointee.width {
    case 1: return try string(op, operation, as: UInt8.self)
    case 2: return try string(op, operation, as: UInt16.self)
    default: return try string(op, operation, as: UInt32.self)
    }
  }

  private func string<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: StringOperation, as type: W.Type
  ) throws(GuestFault) -> Bool {
    guard !op.pointee.prefixes.isDisjoint(with: [.rep, .repne]) else {
      try iterate(op, operation, as: type)
      chargeWaitStates()
      return false
    }
    let cost = costs.cost(of: op.pointee)
    let trapping = state.pointee.systemFlags & EFLAGS.trap.rawValue != 0
    while countRegister(op) != 0 {
      try iterate(op, operation, as: type)
      setCountRegister(op, countRegister(op) &- 1)
      chargeWaitStates()
      let isUnchanged = isUnchanged(op, operation)
      let ends = operation.compares && endsByComparison(op)
      let isAlone = ends || !isUnchanged || heldString.registered(op) == nil
      let iterations = 1 &+ UInt64(isAlone ? 0 : bulk(op, operation, cost, as: type))
      if countRegister(op) == 0 || ends {
        // The instruction's own cycle and count come with its block.
        chargeIterations(iterations &- 1, cost)
        counters.pointee.instructions &+= iterations &- 1
        return false
      }
      chargeIterations(iterations, cost)
      counters.pointee.instructions &+= iterations
      // An iteration that may have overwritten the instruction is its last: what stands there now goes on.
      if trapping || !isUnchanged || control.pointee.needsAttention
        || clock.state.pointee.now >= clock.state.pointee.deadline
      {
        return true
      }
    }
    return false
  }

  func chargeIterations(_ count: UInt64, _ cost: InstructionCosts.Cost) {
    clock.state.pointee.now &+= count &* cost.cycles
    caches.breakdown.pointee.l1 &+= count &* cost.l1
  }

  /// REPE and REPNE of CMPS and SCAS end when ZF says so.
  private func endsByComparison(_ op: UnsafeMutablePointer<Op>) -> Bool {
    state.pointee.flags.zero == op.pointee.prefixes.contains(.repne)
  }

  // MARK: One iteration

  func iterate<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: StringOperation, as type: W.Type
  ) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let step = state.pointee.systemFlags & EFLAGS.direction.rawValue != 0 ? 0 &- bytes : bytes
    let source = pointer(.esi, op)
    let destination = pointer(.edi, op)
    switch operation {
    case .movs:
      let value = try load(op.pointee.segment, source, as: type)
      try store(.es, destination, value)
      advance(.esi, step, op)
      advance(.edi, step, op)
    case .stos:
      try store(.es, destination, register(0, as: type))
      advance(.edi, step, op)
    case .lods:
      setRegister(0, try load(op.pointee.segment, source, as: type))
      advance(.esi, step, op)
    case .cmps:
      let left = try load(op.pointee.segment, source, as: type)
      let right = try load(.es, destination, as: type)
      _ = state.pointee.flags.subtract(left, right)
      advance(.esi, step, op)
      advance(.edi, step, op)
    case .scas:
      let right = try load(.es, destination, as: type)
      _ = state.pointee.flags.subtract(register(0, as: type), right)
      advance(.edi, step, op)
    case .ins: try input(op, step, as: type)
    case .outs: try output(op, step, as: type)
    }
  }

  /// INS checks that it can store before it reads the port, whose read may have effects.
  private func input<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ step: UInt32, as type: W.Type
  ) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let port = UInt16(truncatingIfNeeded: self[.edx])
    try checkIOPermission(port: port, bytes: bytes)
    let linear = try linearAddress(.es, pointer(.edi, op), bytes: bytes, .write)
    let target = try mmu.writeTarget(linear, bytes: bytes, user: mmu.isUserMode)
    let width = AccessWidth(rawValue: UInt8(bytes)) ?? .doubleword
    notePortAccess(port, bytes: bytes)
    mmu.commit(target, W(truncatingIfNeeded: bus.readPort(port, width: width)))
    attributePortCost()
    advance(.edi, step, op)
  }

  private func output<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ step: UInt32, as type: W.Type
  ) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let port = UInt16(truncatingIfNeeded: self[.edx])
    try checkIOPermission(port: port, bytes: bytes)
    let value = try load(op.pointee.segment, pointer(.esi, op), as: type)
    let width = AccessWidth(rawValue: UInt8(bytes)) ?? .doubleword
    notePortAccess(port, bytes: bytes)
    bus.writePort(port, width: width, value: UInt32(truncatingIfNeeded: value))
    attributePortCost()
    advance(.esi, step, op)
  }

  func pointer(_ register: GeneralRegister, _ op: UnsafeMutablePointer<Op>) -> UInt32 {
    op.pointee.addressWidth == 2 ? self[register] & 0xffff : self[register]
  }

  private func advance(_ register: GeneralRegister, _ step: UInt32, _ op: UnsafeMutablePointer<Op>) {
    if op.pointee.addressWidth == 2 {
      setRegister(register.rawValue, UInt16(truncatingIfNeeded: self[register] &+ step))
    } else {
      self[register] &+= step
    }
  }
}
