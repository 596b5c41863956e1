import IA32

extension CPU {
  /// Moves, exchanges, the stack. False when the instruction is of another family.
  func dataMovement<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> Bool {
    switch op.pointee.operation {
    case .mov: try setDestination(op, try sourceValue(op, as: type))
    case .movzx, .movsx: try extend(op, as: type)
    case .lea: setRegister(op.pointee.destination, W(truncatingIfNeeded: offset(op)))
    case .xchg:
      let source = register(op.pointee.source, as: type)
      var old: W = 0
      try modifyDestination(op, as: type) {
        old = $0
        return source
      }
      setRegister(op.pointee.source, old)
    case .xlat:
      let mask: UInt32 = op.pointee.addressWidth == 2 ? 0xffff : .max
      let place = (self[.ebx] &+ UInt32(register(0, as: UInt8.self))) & mask
      setRegister(0, try load(op.pointee.segment, place, as: UInt8.self))
    case .nop: break
    case .wait:
      // There is no unit to wait for, but a task's first WAIT traps like its other x87 instructions. SDM vol. 3A, 2.5.
      if state.pointee.cr0.isSuperset(of: [.monitorCoprocessor, .taskSwitched]) {
        throw GuestFault(.deviceNotAvailable)
      }
    case .push: try push(try pushOperand(op, as: type))
    case .pop: try popOperand(op, as: type)
    case .pusha: try pushAll(as: type)
    case .popa: try popAll(as: type)
    case .pushf: try pushFlags(as: type)
    case .popf: try popFlags(as: type)
    case .enter: try enter(op, as: type)
    case .leave: try leaveFrame(as: type)
    case .pushSegment:
      let selector = state.pointee[segmentOperand(op)].selector
      try pushSelector(selector, as: type)
    case .popSegment:
      let top = self[.esp]
      let segment = segmentOperand(op)
      let selector = UInt16(truncatingIfNeeded: try pop(as: type))
      do throws(GuestFault) {
        try loadSegment(segment, selector)
      } catch {
        self[.esp] = top
        throw error
      }
      if segment == .ss { inhibitAfterStackLoad() }
    case .movFromSegment:
      let selector = state.pointee[SegmentRegister(rawValue: op.pointee.source) ?? .ds].selector
      // A register takes the selector zero-extended, memory always 16 bits. SDM vol. 2, MOV.
      if isMemory(op) {
        try setDestination(op, selector)
      } else {
        setRegister(op.pointee.destination, W(truncatingIfNeeded: selector))
      }
    case .movToSegment:
      let segment = segmentOperand(op)
      try loadSegment(segment, try sourceValue(op, as: UInt16.self))
      if segment == .ss { inhibitAfterStackLoad() }
    case .lds: try loadFarPointer(op, .ds, as: type)
    case .les: try loadFarPointer(op, .es, as: type)
    case .lfs: try loadFarPointer(op, .fs, as: type)
    case .lgs: try loadFarPointer(op, .gs, as: type)
    case .lss: try loadFarPointer(op, .ss, as: type)
    default: return false
    }
    return true
  }

  /// The next instruction may load ESP: nothing comes between. SDM vol. 3A, 6.8.3.
  private func inhibitAfterStackLoad() {
    state.pointee.inhibitsInterrupts = true
    state.pointee.inhibitsTraps = true
  }

  private func segmentOperand(_ op: UnsafeMutablePointer<Op>) -> SegmentRegister {
    SegmentRegister(rawValue: op.pointee.destination) ?? .ds
  }

  private func extend<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    let signed = op.pointee.operation == .movsx
    if op.pointee.detail == 1 {
      let value = try sourceValue(op, as: UInt8.self)
      setRegister(
        op.pointee.destination,
        signed ? W(truncatingIfNeeded: Int8(bitPattern: value)) : W(truncatingIfNeeded: value))
    } else {
      let value = try sourceValue(op, as: UInt16.self)
      setRegister(
        op.pointee.destination,
        signed ? W(truncatingIfNeeded: Int16(bitPattern: value)) : W(truncatingIfNeeded: value))
    }
  }

  private func loadFarPointer<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ segment: SegmentRegister, as type: W.Type
  ) throws(GuestFault) {
    let place = offset(op)
    let value = try load(op.pointee.segment, place, as: type)
    let selector = try load(op.pointee.segment, place &+ UInt32(W.bitWidth / 8), as: UInt16.self)
    try loadSegment(segment, selector)
    setRegister(op.pointee.destination, value)
  }

  // MARK: The stack

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

  /// A selector pushed with 32-bit operand size takes four bytes, of which P6 processors write two. SDM vol. 2, PUSH.
  private func pushSelector<W: OperandWord>(_ selector: UInt16, as type: W.Type) throws(GuestFault) {
    let top = (self[.esp] &- UInt32(W.bitWidth / 8)) & stackMask
    try store(.ss, top, selector)
    self[.esp] = replacingStackPointer(top)
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
    try push(W(truncatingIfNeeded: state.pointee.eflags & ~hidden))
  }

  /// POPF changes IOPL in ring 0 only and IF where CPL allows it. SDM vol. 2, POPF.
  private func popFlags<W: OperandWord>(as type: W.Type) throws(GuestFault) {
    let value = UInt32(truncatingIfNeeded: try pop(as: type))
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
    let level = UInt32(op.pointee.detail & 31)
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
