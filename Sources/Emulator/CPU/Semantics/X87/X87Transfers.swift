import FloatingPoint
import IA32

/// Loads, stores and moves. SDM vol. 1, 8.3.1 and 8.3.2.
extension CPU {
  // MARK: Loads

  func x87Load(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    guard op.pointee.hasMemoryOperand else { return loadRegister(op.pointee.destination) }
    let outcome = try loadedValue(op, operation)
    if !state.pointee.x87.isEmpty(7) {
      if state.pointee.x87.reportStackFault(overflow: true) { state.pointee.x87.push(.indefinite) }
      return
    }
    state.pointee.x87.report(outcome.flags)
    if outcome.isLoaded(under: state.pointee.x87.control) { state.pointee.x87.push(outcome.value) }
  }

  private func loadedValue(
    _ op: UnsafeMutablePointer<Op>, _ operation: X87Operation
  ) throws(GuestFault) -> X87Outcome<ExtendedFloat> {
    let (segment, offset) = (op.pointee.segment, offset(op))
    switch (operation, op.pointee.memoryWidth) {
    case (.fild, 2):
      return X87Outcome(
        X87Portable.load(integer: Int64(Int16(bitPattern: try load(segment, offset, as: UInt16.self)))))
    case (.fild, 4):
      return X87Outcome(
        X87Portable.load(integer: Int64(Int32(bitPattern: try load(segment, offset, as: UInt32.self)))))
    case (.fild, _):
      return X87Outcome(
        X87Portable.load(integer: Int64(bitPattern: try load(segment, offset, as: UInt64.self))))
    case (.fbld, _):
      let (low, high) = try loadTenBytes(segment, offset)
      return X87Outcome(X87Portable.load(decimal: PackedDecimal(low: low, high: high)))
    case (_, 4): return X87Portable.load(single: try load(segment, offset, as: UInt32.self))
    case (_, 8): return X87Portable.load(double: try load(segment, offset, as: UInt64.self))
    default:
      let (low, high) = try loadTenBytes(segment, offset)
      return X87Outcome(ExtendedFloat(significand: low, signExponent: high))
    }
  }

  private func loadRegister(_ index: UInt8) {
    // Where the source is empty and the stack is full, processors report the underflow.
    let sourceIsEmpty = state.pointee.x87.isEmpty(index)
    if sourceIsEmpty || !state.pointee.x87.isEmpty(7) {
      if state.pointee.x87.reportStackFault(overflow: !sourceIsEmpty) { state.pointee.x87.push(.indefinite) }
    } else {
      state.pointee.x87.report([])
      state.pointee.x87.push(state.pointee.x87[index])
    }
  }

  // MARK: Ten bytes

  func loadTenBytes(_ segment: SegmentRegister, _ offset: UInt32) throws(GuestFault) -> (UInt64, UInt16) {
    _ = try linearAddress(segment, offset, bytes: 10, .read)
    let low = try load(segment, offset, as: UInt64.self)
    return (low, try load(segment, offset &+ 8, as: UInt16.self))
  }

  /// All ten bytes are checked before the first is written.
  func storeTenBytes(
    _ segment: SegmentRegister, _ offset: UInt32, _ low: UInt64, _ high: UInt16
  ) throws(GuestFault) {
    let linear = try linearAddress(segment, offset, bytes: 10, .write)
    let first = try mmu.writeTarget(linear, bytes: 8, user: mmu.isUserMode)
    let second = try mmu.writeTarget(linear &+ 8, bytes: 2, user: mmu.isUserMode)
    mmu.commit(first, low)
    mmu.commit(second, high)
  }

  // MARK: Stores

  func x87Store(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    let pops = operation == .fstp || operation == .fistp || operation == .fbstp
    guard op.pointee.hasMemoryOperand else { return storeRegister(op.pointee.destination, pops: pops) }
    if state.pointee.x87.isEmpty(0) { return try storeEmpty(op, operation, pops: pops) }
    let control = state.pointee.x87.control
    let found = try storeValue(op, operation)
    state.pointee.x87.report(found)
    if pops && control.unmasked(found).isSubset(of: .precision) { state.pointee.x87.pop() }
  }

  /// Stores what the formats call indefinite, unless invalid operations are not masked.
  private func storeEmpty(
    _ op: UnsafeMutablePointer<Op>, _ operation: X87Operation, pops: Bool
  ) throws(GuestFault) {
    if !state.pointee.x87.control.masks.contains(.invalid) {
      let width = UInt32(op.pointee.memoryWidth)
      try checkStore(op.pointee.segment, offset(op), bytes: operation == .fbstp ? 10 : width)
    } else {
      let (old, wasUsed) = (state.pointee.x87[0], state.pointee.x87.used)
      state.pointee.x87[0] = .indefinite
      defer {
        state.pointee.x87[0] = old
        state.pointee.x87.used = wasUsed
      }
      _ = try storeValue(op, operation)
    }
    if state.pointee.x87.reportStackFault(overflow: false) && pops { state.pointee.x87.pop() }
  }

  /// What the store of an operand that an exception keeps back would raise: such faults come before the exceptions of numbers.
  /// SDM vol. 3A, table 6-2.
  private func checkStore(_ segment: SegmentRegister, _ offset: UInt32, bytes: UInt32) throws(GuestFault) {
    let linear = try linearAddress(segment, offset, bytes: bytes, .write)
    try mmu.checkWrite(linear, bytes: bytes, user: mmu.isUserMode)
  }

  /// Stores ST(0) unless an unmasked exception forbids it.
  /// - Returns: the exceptions, which are to be told when the store has succeeded.
  private func storeValue(
    _ op: UnsafeMutablePointer<Op>, _ operation: X87Operation
  ) throws(GuestFault) -> X87Flags {
    let (segment, offset) = (op.pointee.segment, offset(op))
    let (value, control, flags) = (
      state.pointee.x87[0], state.pointee.x87.control, state.pointee.x87.exceptions
    )
    let width = op.pointee.memoryWidth
    switch operation {
    case .fist, .fistp:
      let outcome = X87.storeInteger(value, bits: Int(width) * 8, control, flags: flags)
      guard outcome.isStored(under: control) else {
        try checkStore(segment, offset, bytes: UInt32(width))
        return outcome.flags
      }
      switch width {
      case 2: try store(segment, offset, UInt16(truncatingIfNeeded: outcome.value))
      case 4: try store(segment, offset, UInt32(truncatingIfNeeded: outcome.value))
      default: try store(segment, offset, UInt64(bitPattern: outcome.value))
      }
      return outcome.flags
    case .fbstp:
      let outcome = X87Portable.storeDecimal(value, control)
      if outcome.isStored(under: control) {
        try storeTenBytes(segment, offset, outcome.value.low, outcome.value.high)
      } else {
        try checkStore(segment, offset, bytes: 10)
      }
      return outcome.flags
    default:
      switch width {
      case 4:
        let outcome = X87.storeSingle(value, control, flags: flags)
        if outcome.isStored(under: control) {
          try store(segment, offset, outcome.value)
        } else {
          try checkStore(segment, offset, bytes: 4)
        }
        return outcome.flags
      case 8:
        let outcome = X87.storeDouble(value, control, flags: flags)
        if outcome.isStored(under: control) {
          try store(segment, offset, outcome.value)
        } else {
          try checkStore(segment, offset, bytes: 8)
        }
        return outcome.flags
      default:
        try storeTenBytes(segment, offset, value.significand, value.signExponent)
        return []
      }
    }
  }

  private func storeRegister(_ index: UInt8, pops: Bool) {
    if state.pointee.x87.isEmpty(0) {
      guard state.pointee.x87.reportStackFault(overflow: false) else { return }
      state.pointee.x87[index] = .indefinite
    } else {
      state.pointee.x87.report([])
      state.pointee.x87[index] = state.pointee.x87[0]
    }
    if pops { state.pointee.x87.pop() }
  }

  // MARK: Moves between registers, constants, the stack itself

  func x87Move(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) {
    let index = op.pointee.destination
    switch operation {
    case .fxch:
      if state.pointee.x87.isEmpty(0) || state.pointee.x87.isEmpty(index) {
        guard state.pointee.x87.reportStackFault(overflow: false) else { return }
        if state.pointee.x87.isEmpty(0) { state.pointee.x87[0] = .indefinite }
        if state.pointee.x87.isEmpty(index) { state.pointee.x87[index] = .indefinite }
      } else {
        state.pointee.x87.report([])
      }
      let value = state.pointee.x87[0]
      state.pointee.x87[0] = state.pointee.x87[index]
      state.pointee.x87[index] = value
    case .fincstp:
      state.pointee.x87.report([])
      state.pointee.x87.top = (state.pointee.x87.top &+ 1) & 7
    case .fdecstp:
      state.pointee.x87.report([])
      state.pointee.x87.top = (state.pointee.x87.top &- 1) & 7
    case .ffree:
      state.pointee.x87.report([])
      state.pointee.x87.free(index)
    case .fnop: break
    case .fld1: push(.one)
    case .fldl2t: push(.log2Of10)
    case .fldl2e: push(.log2OfE)
    case .fldpi: push(.pi)
    case .fldlg2: push(.log10Of2)
    case .fldln2: push(.lnOf2)
    case .fldz: push(.zero)
    default: moveConditionally(op, operation)
    }
  }

  private func push(_ constant: X87Constant) {
    if !state.pointee.x87.isEmpty(7) {
      if state.pointee.x87.reportStackFault(overflow: true) { state.pointee.x87.push(.indefinite) }
      return
    }
    state.pointee.x87.report([])
    state.pointee.x87.push(constant.value(state.pointee.x87.control))
  }

  private func moveConditionally(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) {
    let index = op.pointee.source
    if state.pointee.x87.isEmpty(0) || state.pointee.x87.isEmpty(index) {
      if state.pointee.x87.reportStackFault(overflow: false) { state.pointee.x87[0] = .indefinite }
      return
    }
    // The move leaves C1 alone.
    let flags = EFLAGS(rawValue: state.pointee.flags.arithmeticFlags)
    let wanted: EFLAGS =
      switch operation {
      case .fcmovb, .fcmovnb: .carry
      case .fcmove, .fcmovne: .zero
      case .fcmovbe, .fcmovnbe: [.carry, .zero]
      default: .parity
      }
    let negates: Bool =
      switch operation {
      case .fcmovnb, .fcmovne, .fcmovnbe, .fcmovnu: true
      default: false
      }
    if flags.isDisjoint(with: wanted) == negates { state.pointee.x87[0] = state.pointee.x87[index] }
  }
}
