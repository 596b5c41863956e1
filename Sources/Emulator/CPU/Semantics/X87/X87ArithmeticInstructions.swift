import FloatingPoint
import IA32

/// Arithmetic of two operands. SDM vol. 1, 8.3.3.
extension CPU {
  func x87Arithmetic(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    let (kind, isInteger, pops) = Self.arithmetic(operation)
    if op.pointee.hasMemoryOperand {
      let source = try x87MemorySource(op, isInteger: isInteger)
      if state.pointee.x87.isEmpty(0) {
        if state.pointee.x87.reportStackFault(overflow: false) { state.pointee.x87[0] = .indefinite }
      } else {
        let place = state.pointee.x87.place(0)
        let found = X87.arithmetic(
          kind, &state.pointee.x87.registers[place], source, state.pointee.x87.control,
          flags: state.pointee.x87.exceptions)
        state.pointee.x87.report(found)
      }
      return
    }
    let (destination, source) = (op.pointee.destination, op.pointee.source)
    if state.pointee.x87.isEmpty(destination) || state.pointee.x87.isEmpty(source) {
      if state.pointee.x87.reportStackFault(overflow: false) {
        state.pointee.x87[destination] = .indefinite
        if pops { state.pointee.x87.pop() }
      }
      return
    }
    let place = state.pointee.x87.place(destination)
    let value = state.pointee.x87[source]
    let found = X87.arithmetic(
      kind, &state.pointee.x87.registers[place], .register(value), state.pointee.x87.control,
      flags: state.pointee.x87.exceptions)
    state.pointee.x87.report(found)
    if pops && state.pointee.x87.control.unmasked(found).isDisjoint(with: .beforeResult) {
      state.pointee.x87.pop()
    }
  }

  /// The operand in memory, by its width.
  private func x87MemorySource(
    _ op: UnsafeMutablePointer<Op>, isInteger: Bool
  ) throws(GuestFault) -> X87Source {
    let (segment, offset) = (op.pointee.segment, offset(op))
    switch op.pointee.memoryWidth {
    case 2: return .int16(Int16(bitPattern: try load(segment, offset, as: UInt16.self)))
    case 4:
      let bits = try load(segment, offset, as: UInt32.self)
      return isInteger ? .int32(Int32(bitPattern: bits)) : .single(bits)
    default: return .double(try load(segment, offset, as: UInt64.self))
    }
  }

  private static func arithmetic(_ operation: X87Operation) -> (X87Arithmetic, isInteger: Bool, pops: Bool) {
    switch operation {
    case .fadd: (.add, false, false)
    case .fmul: (.multiply, false, false)
    case .fsub: (.subtract, false, false)
    case .fsubr: (.subtractReversed, false, false)
    case .fdiv: (.divide, false, false)
    case .fdivr: (.divideReversed, false, false)
    case .faddp: (.add, false, true)
    case .fmulp: (.multiply, false, true)
    case .fsubp: (.subtract, false, true)
    case .fsubrp: (.subtractReversed, false, true)
    case .fdivp: (.divide, false, true)
    case .fdivrp: (.divideReversed, false, true)
    case .fiadd: (.add, true, false)
    case .fimul: (.multiply, true, false)
    case .fisub: (.subtract, true, false)
    case .fisubr: (.subtractReversed, true, false)
    case .fidiv: (.divide, true, false)
    default: (.divideReversed, true, false)
    }
  }

  // MARK: Comparisons

  func x87Comparison(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    switch operation {
    case .fxam:
      let value = state.pointee.x87[0]
      var conditions = X87Portable.examine(value)
      if state.pointee.x87.isEmpty(0) { conditions = conditions.intersection(.c1).union([.c3, .c0]) }
      state.pointee.x87.setConditions(conditions)
    case .ftst: compare(with: X87Operand(.zero), isQuiet: false, pops: 0)
    case .fcom, .fcomp:
      let pops = operation == .fcomp ? 1 : 0
      if op.pointee.hasMemoryOperand {
        compare(with: try x87MemorySource(op, isInteger: false).operand, isQuiet: false, pops: pops)
      } else {
        compare(withRegister: op.pointee.destination, isQuiet: false, pops: pops)
      }
    case .ficom, .ficomp:
      let source = try x87MemorySource(op, isInteger: true).operand
      compare(with: source, isQuiet: false, pops: operation == .ficomp ? 1 : 0)
    case .fcompp: compare(withRegister: 1, isQuiet: false, pops: 2)
    case .fucom: compare(withRegister: op.pointee.destination, isQuiet: true, pops: 0)
    case .fucomp: compare(withRegister: op.pointee.destination, isQuiet: true, pops: 1)
    case .fucompp: compare(withRegister: 1, isQuiet: true, pops: 2)
    default:
      compareToFlags(
        withRegister: op.pointee.source, isQuiet: operation == .fucomi || operation == .fucomip,
        pops: operation == .fcomip || operation == .fucomip)
    }
  }

  private static let unordered: X87Flags = [.c3, .c2, .c0]

  private func compare(withRegister index: UInt8, isQuiet: Bool, pops: Int) {
    if state.pointee.x87.isEmpty(index) {
      compareEmpty(pops)
    } else {
      compare(with: X87Operand(state.pointee.x87[index]), isQuiet: isQuiet, pops: pops)
    }
  }

  private func compareEmpty(_ pops: Int) {
    let goesOn = state.pointee.x87.reportStackFault(overflow: false)
    state.pointee.x87.setConditions(Self.unordered, of: Self.unordered)
    if goesOn { for _ in 0..<pops { state.pointee.x87.pop() } }
  }

  private func compare(with operand: X87Operand, isQuiet: Bool, pops: Int) {
    if state.pointee.x87.isEmpty(0) { return compareEmpty(pops) }
    let control = state.pointee.x87.control
    let found = X87Portable.compare(X87Operand(state.pointee.x87[0]), operand, isQuiet: isQuiet, control)
    state.pointee.x87.report(found)
    state.pointee.x87.setConditions(found, of: Self.unordered)
    guard control.unmasked(found).isEmpty else { return }
    for _ in 0..<pops { state.pointee.x87.pop() }
  }

  /// FCOMI and its kin: ZF, PF and CF take the place of C3, C2 and C0; OF, SF and AF are cleared. SDM vol. 2A, FCOMI.
  private func compareToFlags(withRegister index: UInt8, isQuiet: Bool, pops: Bool) {
    if state.pointee.x87.isEmpty(0) || state.pointee.x87.isEmpty(index) {
      let goesOn = state.pointee.x87.reportStackFault(overflow: false)
      setFlags(fromConditions: Self.unordered)
      if goesOn && pops { state.pointee.x87.pop() }
      return
    }
    let control = state.pointee.x87.control
    let found = X87Portable.compare(
      X87Operand(state.pointee.x87[0]), X87Operand(state.pointee.x87[index]), isQuiet: isQuiet, control)
    state.pointee.x87.report(found)
    // The flags are set even where the exception is not masked, as FCOM's condition codes are: processors do so, though the
    // manual keeps the old ones.
    setFlags(fromConditions: found)
    guard control.unmasked(found).isEmpty else { return }
    if pops { state.pointee.x87.pop() }
  }

  private func setFlags(fromConditions conditions: X87Flags) {
    var flags: EFLAGS = []
    if conditions.contains(.c0) { flags.insert(.carry) }
    if conditions.contains(.c2) { flags.insert(.parity) }
    if conditions.contains(.c3) { flags.insert(.zero) }
    state.pointee.flags = LazyFlags(arithmeticFlags: flags.rawValue)
  }
}
