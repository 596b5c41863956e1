import IA32

/// The stack, but for calls and returns.
extension CPU {
  func stack<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: StackOperation, as type: W.Type
  ) throws(GuestFault) {
    switch operation {
    case .push: try push(try pushOperand(op, as: type))
    case .pop: try popOperand(op, as: type)
    case .pusha: try pushAll(as: type)
    case .popa: try popAll(as: type)
    case .pushf: try pushFlags(as: type)
    case .popf: try popFlags(as: type)
    case .enter: try enter(op, as: type)
    case .leave: try leaveFrame(as: type)
    }
  }

  private func pushOperand<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> W {
    switch op.pointee.form {
    case .memoryRegister, .memoryImmediate: try loadMemory(op, as: type)
    case .registerRegister, .registerImmediate, .registerMemory: register(op.pointee.destination, as: type)
    case .none: W(truncatingIfNeeded: op.pointee.immediate)
    }
  }

  /// An ESP in the address of POP's memory operand is the one after the pop. SDM vol. 2, POP.
  private func popOperand<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault)
  {
    let top = self[.esp]
    let value = try pop(as: type)
    do throws(GuestFault) {
      try setDestination(op, value)
    } catch {
      self[.esp] = top
      throw error
    }
  }

  private func pushAll<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let top = self[.esp]
    do throws(GuestFault) {
      for number in UInt8(0)..<8 {
        try push(number == 4 ? W(truncatingIfNeeded: top) : register(number, as: type))
      }
    } catch {
      self[.esp] = top
      throw error
    }
  }

  private func popAll<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let top = self[.esp]
    var values: (W, W, W, W, W, W, W, W) = (0, 0, 0, 0, 0, 0, 0, 0)
    do throws(GuestFault) {
      values.7 = try pop(as: type)
      values.6 = try pop(as: type)
      values.5 = try pop(as: type)
      values.4 = try pop(as: type)
      values.3 = try pop(as: type)
      values.2 = try pop(as: type)
      values.1 = try pop(as: type)
      values.0 = try pop(as: type)
    } catch {
      self[.esp] = top
      throw error
    }
    setRegister(7, values.7)
    setRegister(6, values.6)
    setRegister(5, values.5)
    setRegister(3, values.3)
    setRegister(2, values.2)
    setRegister(1, values.1)
    setRegister(0, values.0)
  }

  /// PUSHF never shows VM and RF. SDM vol. 2, PUSHF.
  private func pushFlags<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let hidden = EFLAGS.virtual8086.union(.resume).rawValue
    let flags =
      state.pointee.isVirtual8086
      ? try flagsPushedInVirtual8086(isWide: W.bitWidth == 32) : state.pointee.eflags
    try push(W(truncatingIfNeeded: flags & ~hidden))
  }

  /// POPF changes IOPL in ring 0 only and IF where CPL allows it. SDM vol. 2, POPF.
  private func popFlags<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let top = self[.esp]
    let value = UInt32(truncatingIfNeeded: try pop(as: type))
    if state.pointee.isVirtual8086 && state.pointee.ioPrivilegeLevel < 3 {
      do throws(GuestFault) {
        return try popVirtualFlags(value, isWide: W.bitWidth == 32)
      } catch {
        self[.esp] = top
        throw error
      }
    }
    var changeable: EFLAGS = [
      .carry, .parity, .adjust, .zero, .sign, .trap, .direction, .overflow, .nestedTask,
    ]
    if W.bitWidth == 32 { changeable.formUnion([.alignmentCheck, .identification]) }
    let level = state.pointee.privilegeLevel
    if level == 0 { changeable.insert(.ioPrivilegeLevel) }
    if level <= state.pointee.ioPrivilegeLevel { changeable.insert(.interruptEnable) }
    var flags = state.pointee.eflags
    flags = flags & ~changeable.rawValue | value & changeable.rawValue
    if W.bitWidth == 32 { flags &= ~EFLAGS.resume.rawValue }
    state.pointee.eflags = flags
  }

  private func enter<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    let level = UInt32(op.pointee.nestingLevel & 31)
    let bytes = UInt32(W.bitWidth / 8)
    let oldTop = self[.esp]
    do throws(GuestFault) {
      try push(register(5, as: type))
      let frame = self[.esp]
      if level > 0 {
        for depth in 1..<max(level, 1) {
          let display = (self[.ebp] &- bytes &* depth) & stackMask
          try push(try load(.ss, display, as: type))
        }
        try push(W(truncatingIfNeeded: frame))
      }
      let top = self[.esp] &- (op.pointee.immediate & 0xffff)
      // The new top must be writable, though nothing is written there yet. SDM vol. 2, ENTER.
      let linear = try linearAddress(.ss, top & stackMask, bytes: bytes, .write)
      _ = try mmu.writeTarget(linear, bytes: bytes, user: mmu.isUserMode)
      setRegister(5, W(truncatingIfNeeded: frame))
      self[.esp] = replacingStackPointer(top)
    } catch {
      self[.esp] = oldTop
      throw error
    }
  }

  private func leaveFrame<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let frame = self[.ebp] & stackMask
    let value = try load(.ss, frame, as: type)
    self[.esp] = replacingStackPointer(frame &+ UInt32(W.bitWidth / 8))
    setRegister(5, value)
  }
}
