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
    switch op.pointee.width {
    case 1: return try string(op, as: UInt8.self)
    case 2: return try string(op, as: UInt16.self)
    default: return try string(op, as: UInt32.self)
    }
  }

  private func string<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> Bool {
    guard !op.pointee.prefixes.isDisjoint(with: [.rep, .repne]) else {
      try iterate(op, as: type)
      chargeWaitStates()
      return false
    }
    let cost = costs.cost(of: op.pointee)
    let trapping = state.pointee.systemFlags & EFLAGS.trap.rawValue != 0
    while countRegister(op) != 0 {
      try iterate(op, as: type)
      setCountRegister(op, countRegister(op) &- 1)
      chargeWaitStates()
      let isUnchanged = isUnchanged(op)
      let isAlone = endsByComparison(op) || !isUnchanged || registeredOp(op) == nil
      let iterations = 1 &+ UInt64(isAlone ? 0 : bulk(op, cost, as: type))
      if countRegister(op) == 0 || endsByComparison(op) {
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

  // MARK: Between two iterations

  /// Leaves `block` at a repeated string instruction that something came up in, and keeps the instruction.
  @inline(never)
  func leaveString(_ block: UnsafeMutablePointer<Block>, _ op: UnsafeMutablePointer<Op>) {
    leave(block, before: op, fetched: true)
    let held = blocks.heldString
    held.initialize(to: op.pointee)
    held.pointee.handler = .string
    held.pointee.position = 0
    held.pointee.cyclesBefore = 0
    var end = Op(
      handler: .endOfBlock, operation: .nop, width: 4, addressWidth: 4, length: 0, prefixes: [],
      nextEIP: op.pointee.nextEIP)
    end.position = 1
    (held + 1).initialize(to: end)
    blocks.heldFrom = registeredOp(op)
    control.pointee.holdsString = isUnchanged(op)
  }

  /// The instruction in the block that a store to its bytes would kill; nil for one that lies in no page's blocks.
  private func registeredOp(_ op: UnsafeMutablePointer<Op>) -> UnsafeMutablePointer<Op>? {
    op == blocks.heldString ? blocks.heldFrom : blocks.isSingle(op) ? nil : op
  }

  /// Whether the iteration just made has left the instruction itself alone. One that lies in no page's blocks is compared
  /// by its linear addresses.
  private func isUnchanged(_ op: UnsafeMutablePointer<Op>) -> Bool {
    if let registered = registeredOp(op) { return registered.pointee.handler == .string }
    guard op.pointee.operation == .movs || op.pointee.operation == .stos || op.pointee.operation == .ins
    else {
      return true
    }
    let bytes = UInt32(op.pointee.width)
    let isBackwards = state.pointee.systemFlags & EFLAGS.direction.rawValue != 0
    let stored = state.pointee.es.base &+ pointer(.edi, op) &+ (isBackwards ? bytes : 0 &- bytes)
    let code = state.pointee.cs.base &+ op.pointee.eip
    return stored &- code >= UInt32(op.pointee.length) && code &- stored >= bytes
  }

  /// Goes on with the instruction that is held. False when EIP has been moved elsewhere meanwhile.
  func takeUpString() -> Bool {
    let op = blocks.heldString
    control.pointee.holdsString = false
    guard state.pointee.eip == op.pointee.eip, blocks.heldFrom.map({ $0.pointee.handler == .string }) ?? true
    else {
      return false
    }
    control.pointee.needsAttention = control.pointee.stepOne
    do throws(GuestFault) {
      if try string(op) {
        control.pointee.holdsString = isUnchanged(op)
      } else {
        let cost = costs.cost(of: op.pointee)
        state.pointee.eip = op.pointee.nextEIP
        chargeIterations(1, cost)
        counters.pointee.instructions &+= 1
      }
    } catch {
      raise(error)
    }
    control.pointee.needsAttention = true
    return true
  }

  private func chargeIterations(_ count: UInt64, _ cost: InstructionCosts.Cost) {
    clock.state.pointee.now &+= count &* cost.cycles
    caches.breakdown.pointee.l1 &+= count &* cost.l1
  }

  /// REPE and REPNE of CMPS and SCAS end when ZF says so.
  private func endsByComparison(_ op: UnsafeMutablePointer<Op>) -> Bool {
    guard op.pointee.operation == .cmps || op.pointee.operation == .scas else { return false }
    return state.pointee.flags.zero == op.pointee.prefixes.contains(.repne)
  }

  // MARK: One iteration

  private func iterate<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let step = state.pointee.systemFlags & EFLAGS.direction.rawValue != 0 ? 0 &- bytes : bytes
    let source = pointer(.esi, op)
    let destination = pointer(.edi, op)
    switch op.pointee.operation {
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
    default: try output(op, step, as: type)
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
    bus.writePort(port, width: width, value: UInt32(truncatingIfNeeded: value))
    attributePortCost()
    advance(.esi, step, op)
  }

  private func pointer(_ register: GeneralRegister, _ op: UnsafeMutablePointer<Op>) -> UInt32 {
    op.pointee.addressWidth == 2 ? self[register] & 0xffff : self[register]
  }

  private func advance(_ register: GeneralRegister, _ step: UInt32, _ op: UnsafeMutablePointer<Op>) {
    if op.pointee.addressWidth == 2 {
      setRegister(register.rawValue, UInt16(truncatingIfNeeded: self[register] &+ step))
    } else {
      self[register] &+= step
    }
  }

  // MARK: Many at once

  /// MOVS and STOS, forwards, in flat segments: as many iterations as fit in the pages and before the deadline, in one go.
  /// It follows a single iteration whose elements lay in the same pages: it has left both in the TLB and the most recent in
  /// their sets (of two pages that share a set, the destination first), and more of the same change nothing there. The
  /// result, the counts and the cycles are those of single iterations. 0 when none can be done so.
  private func bulk<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ cost: InstructionCosts.Cost, as type: W.Type
  ) -> UInt32 {
    guard op.pointee.operation == .movs || op.pointee.operation == .stos, op.pointee.addressWidth == 4,
      state.pointee.es.isFlatData,
      state.pointee.systemFlags & (EFLAGS.direction.rawValue | EFLAGS.trap.rawValue) == 0, usesFastPaths,
      !control.pointee.needsAttention
    else { return 0 }
    let bytes = UInt32(W.bitWidth / 8)
    let to = self[.edi]
    guard to & 0xfff >= bytes else { return 0 }
    var count = min(self[.ecx], (0x1000 &- to & 0xfff) / bytes)
    guard count > 0, let target = mmu.resident(to, .write) else { return 0 }
    var source: (host: UnsafeMutableRawPointer, source: AccessFilter.Source)?
    if op.pointee.operation == .movs {
      let from = self[.esi]
      guard from & 0xfff >= bytes else { return 0 }
      count = min(count, (0x1000 &- from & 0xfff) / bytes)
      guard count > 0, state.pointee[op.pointee.segment].isFlatData, let found = mmu.resident(from, .read)
      else {
        return 0
      }
      source = found
    }
    var done: UInt32 = 0
    while done < count {
      let started = clock.state.pointee.now &+ cost.cycles &* UInt64(done &+ 1)
      guard started < clock.state.pointee.deadline else { break }
      let place = target.host + Int(done &* bytes)
      let from = source.map { $0.host + Int(done &* bytes) }
      let run = min(
        count &- done, enterLines(from, place, bytes: bytes), iterationsBeforeDeadline(done, cost))
      if let from {
        move(from, to: place, count: run, as: type)
      } else {
        fill(place, with: register(0, as: type), count: run)
      }
      done &+= run
    }
    mmu.countHits(UInt64(done), target.source)
    if let source {
      mmu.countHits(UInt64(done), source.source)
      self[.esi] &+= done &* bytes
    }
    self[.edi] &+= done &* bytes
    self[.ecx] &-= done
    return done
  }

  /// Looks up the lines of the next iteration in L1D; how many iterations stay in them.
  private func enterLines(
    _ source: UnsafeMutableRawPointer?, _ target: UnsafeMutableRawPointer, bytes: UInt32
  ) -> UInt32 {
    guard caches.isOn else { return .max }
    var iterations = iterationsInLine(target, bytes: bytes)
    let targetAddress = bus.memory.physicalAddress(ofHost: target)
    if let source {
      let sourceAddress = bus.memory.physicalAddress(ofHost: source)
      caches.access(sourceAddress, bytes: bytes, .load)
      iterations = min(iterations, iterationsInLine(source, bytes: bytes))
      // Where each of the two may have evicted the other, every iteration looks them up again.
      if !caches.keepsBoth(sourceAddress, targetAddress) { iterations = 1 }
    }
    caches.access(targetAddress, bytes: bytes, .store)
    return iterations
  }

  /// At least one, which may cross into the next line.
  private func iterationsInLine(_ host: UnsafeMutableRawPointer, bytes: UInt32) -> UInt32 {
    let lineBytes: UInt32 = 1 << CacheHierarchy.lineShift
    let offset = UInt32(truncatingIfNeeded: Int(bitPattern: host)) & (lineBytes &- 1)
    return max(1, (lineBytes &- offset) / bytes)
  }

  /// How many iterations begin before the deadline, when `done` have been made and the next has entered its lines. It
  /// has begun, so it counts whatever they cost.
  private func iterationsBeforeDeadline(_ done: UInt32, _ cost: InstructionCosts.Cost) -> UInt32 {
    let now = clock.state.pointee.now &+ cost.cycles &* UInt64(done &+ 1)
    let deadline = clock.state.pointee.deadline
    guard now < deadline else { return 1 }
    return UInt32(clamping: (deadline &- now &- 1) / cost.cycles &+ 1)
  }

  private func fill<W: OperandWord>(_ target: UnsafeMutableRawPointer, with value: W, count: UInt32) {
    var place = target
    for _ in 0..<count {
      place.storeBytes(of: value, as: W.self)
      place += W.bitWidth / 8
    }
  }

  /// Ascending copies; where the destination overlaps the source ahead of it the bytes repeat, as single moves make them.
  private func move<W: OperandWord>(
    _ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, count: UInt32, as type: W.Type
  ) {
    let size = Int(count) &* W.bitWidth / 8
    if target <= source || target >= source + size {
      target.copyMemory(from: source, byteCount: size)
      return
    }
    var from = source
    var to = target
    for _ in 0..<count {
      to.storeBytes(of: from.loadUnaligned(as: type), as: type)
      from += W.bitWidth / 8
      to += W.bitWidth / 8
    }
  }
}
