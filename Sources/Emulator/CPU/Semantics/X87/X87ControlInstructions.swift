import FloatingPoint
import IA32

/// Control of the unit, and its state in memory. SDM vol. 1, 8.3.11 and 8.1.10.
extension CPU {
  func x87Control(_ op: UnsafeMutablePointer<Op>, _ operation: X87Operation) throws(GuestFault) {
    let (segment, offset) = (op.pointee.segment, offset(op))
    switch operation {
    case .fninit: state.pointee.x87.initialize()
    case .fnclex: state.pointee.x87.flags &= 0x7f00
    case .fldcw: state.pointee.x87.loadControl(try load(segment, offset, as: UInt16.self))
    case .fnstcw: try store(segment, offset, state.pointee.x87.control.rawValue)
    case .fnstsw:
      if op.pointee.hasMemoryOperand {
        try store(segment, offset, state.pointee.x87.status)
      } else {
        setRegister(0, state.pointee.x87.status)
      }
    case .fnstenv:
      try storeEnvironment(op)
      // The handler that stores it runs with everything masked.
      state.pointee.x87.loadControl(state.pointee.x87.control.rawValue | 0x3f)
    case .fldenv: state.pointee.x87 = try loadedEnvironment(op)
    case .fnsave:
      try storeEnvironment(op)
      try storeRegisters(op)
      state.pointee.x87.initialize()
    case .frstor:
      var loaded = try loadedEnvironment(op)
      try loadRegisters(op, into: &loaded)
      state.pointee.x87 = loaded
    default: break
    }
    settleFloatingPointError()
  }

  // MARK: The environment, in four layouts. SDM vol. 1, figures 8-9 to 8-12.

  private func storeEnvironment(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let (segment, start) = (op.pointee.segment, offset(op))
    let unit = state.pointee.x87
    let (code, data) = (unit.instruction, unit.operand)
    let (codeLinear, dataLinear) = (code.linear, data.linear)
    let opcode = UInt32(unit.opcode & 0x7ff)
    let words = [UInt32(unit.control.rawValue), UInt32(unit.status), UInt32(unit.tags)]
    // What is reserved in the wide layouts is stored as ones.
    let reserved: UInt32 = 0xffff_0000
    let pointers: [UInt32] =
      switch (state.pointee.usesRealModeSegments, op.pointee.width == 4) {
      case (false, true):
        [code.offset, UInt32(code.selector) | opcode << 16, data.offset, UInt32(data.selector) | reserved]
      // There is no room for the opcode.
      case (false, false): [code.offset, UInt32(code.selector), data.offset, UInt32(data.selector)]
      case (true, true):
        [
          codeLinear & 0xffff | reserved, (codeLinear >> 16) << 12 | opcode, dataLinear & 0xffff | reserved,
          (dataLinear >> 16) << 12,
        ]
      case (true, false):
        [
          codeLinear & 0xffff, codeLinear >> 4 & 0xf000 | opcode, dataLinear & 0xffff,
          dataLinear >> 4 & 0xf000,
        ]
      }
    _ = try linearAddress(segment, start, bytes: UInt32(op.pointee.width) * 7, .write)
    if op.pointee.width == 4 {
      for (index, word) in (words.map { $0 | reserved } + pointers).enumerated() {
        try store(segment, start &+ UInt32(4 * index), word)
      }
    } else {
      for (index, word) in (words + pointers).enumerated() {
        try store(segment, start &+ UInt32(2 * index), UInt16(truncatingIfNeeded: word))
      }
    }
  }

  /// The unit as the image in memory makes it; registers keep their contents. Nothing has changed when a load faults.
  private func loadedEnvironment(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> X87State {
    let (segment, start) = (op.pointee.segment, offset(op))
    let isWide = op.pointee.width == 4
    _ = try linearAddress(segment, start, bytes: UInt32(op.pointee.width) * 7, .read)
    var fields: InlineArray<7, UInt32> = InlineArray(repeating: 0)
    for index in 0..<7 {
      if isWide {
        fields[index] = try load(segment, start &+ UInt32(4 * index), as: UInt32.self)
      } else {
        fields[index] = UInt32(try load(segment, start &+ UInt32(2 * index), as: UInt16.self))
      }
    }
    var unit = state.pointee.x87
    unit.control = X87Control(rawValue: 0x7f)
    unit.status = UInt16(truncatingIfNeeded: fields[1])
    unit.tags = UInt16(truncatingIfNeeded: fields[2])
    unit.loadControl(UInt16(truncatingIfNeeded: fields[0]))
    if state.pointee.usesRealModeSegments {
      let (codeHigh, dataHigh) =
        isWide
        ? (fields[4] >> 12 & 0xffff, fields[6] >> 12 & 0xffff) : (fields[4] >> 12 & 15, fields[6] >> 12 & 15)
      unit.instruction = X87Pointer(selector: 0, offset: fields[3] & 0xffff | codeHigh << 16)
      unit.operand = X87Pointer(selector: 0, offset: fields[5] & 0xffff | dataHigh << 16)
      unit.opcode = UInt16(truncatingIfNeeded: fields[4] & 0x7ff)
    } else {
      unit.instruction = X87Pointer(selector: UInt16(truncatingIfNeeded: fields[4]), offset: fields[3])
      unit.operand = X87Pointer(selector: UInt16(truncatingIfNeeded: fields[6]), offset: fields[5])
      unit.opcode = isWide ? UInt16(truncatingIfNeeded: fields[4] >> 16 & 0x7ff) : 0
    }
    return unit
  }

  // MARK: The registers, ST(0) first, behind the environment

  private func storeRegisters(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let (segment, start) = (op.pointee.segment, offset(op) &+ UInt32(op.pointee.width) * 7)
    for index in 0..<8 as Range<UInt8> {
      let value = state.pointee.x87[index]
      try storeTenBytes(segment, start &+ UInt32(10 * index), value.significand, value.signExponent)
    }
  }

  private func loadRegisters(_ op: UnsafeMutablePointer<Op>, into unit: inout X87State) throws(GuestFault) {
    let (segment, start) = (op.pointee.segment, offset(op) &+ UInt32(op.pointee.width) * 7)
    for index in 0..<8 as Range<UInt8> {
      let (low, high) = try loadTenBytes(segment, start &+ UInt32(10 * index))
      unit.registers[unit.place(index)] = ExtendedFloat(significand: low, signExponent: high)
    }
  }
}
