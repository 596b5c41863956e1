import IA32

/// From a decoded instruction to what the interpreter executes: the choice of handler, made once per decoding.
struct Lowering {
  let mode: BlockMode
  /// What the processor has.
  let features: CPUFeatures

  /// `instruction`, whose first byte is at `eip`, as the interpreter executes it.
  func op(for instruction: Instruction, eip: UInt32) -> Op {
    var op = Op(
      handler: .general, row: instruction.row, width: instruction.operandSize,
      addressWidth: instruction.addressSize, length: instruction.length, prefixes: instruction.prefixes,
      nextEIP: eip &+ UInt32(instruction.length))
    op.immediate = instruction.immediate
    fillOperands(of: &op, from: instruction)
    fillDetail(of: &op, from: instruction)
    op.handler = handler(for: instruction, &op)
    if instruction.op0.kind == .relative {
      op.immediate = op.nextEIP &+ instruction.immediate
      if instruction.operandSize == 2 { op.immediate &= 0xffff }
    }
    return op
  }

  private func handler(for instruction: Instruction, _ op: inout Op) -> Handler {
    let record = OpcodeTable.rows[Int(instruction.row)].record
    guard features.isSuperset(of: record.needs) else {
      op.faultVector = .invalidOpcode
      return .undefined
    }
    if case .string = instruction.operation { return .string }
    return fastHandler(for: instruction, op) ?? (record.endsBlock ? .generalEnd : .general)
  }

  private func fillOperands(of op: inout Op, from instruction: Instruction) {
    let memory = instruction.memory
    op.base = memory.base
    op.index = memory.index
    op.scale = memory.scale
    op.segment = memory.segment
    op.displacement = memory.displacement
    switch instruction.op0.kind {
    case .memory:
      op.source = instruction.op1.index
      op.form = instruction.op1.kind == .immediate ? .memoryImmediate : .memoryRegister
    case .farPointer:
      op.displacement = UInt32(instruction.immediate2)
    case .none, .immediate, .relative:
      break
    default:
      op.destination = instruction.op0.index
      op.source = instruction.op1.index
      switch instruction.op1.kind {
      case .memory: op.form = .registerMemory
      case .immediate: op.form = .registerImmediate
      default: op.form = .registerRegister
      }
    }
  }

  /// What only some instructions have.
  private func fillDetail(of op: inout Op, from instruction: Instruction) {
    switch instruction.operation {
    case .control(.jcc), .data(.setcc), .data(.cmovcc): op.condition = instruction.condition
    case .data(.movzx), .data(.movsx): op.sourceWidth = instruction.op1.width
    case .stack(.enter): op.nestingLevel = UInt8(truncatingIfNeeded: instruction.immediate2)
    case .shift(.shld), .shift(.shrd): op.isThirdImmediate = instruction.op2.kind == .immediate
    case .arithmetic(.imul2):
      // The factor that is not the destination, and whether the other one is immediate.
      let factor = instruction.op2.kind == .immediate ? instruction.op1 : instruction.op2
      op.source = factor.index
      op.form = factor.kind == .memory ? .registerMemory : .registerRegister
      op.isThirdImmediate = instruction.op2.kind == .immediate
    case .x87: op.memoryWidth = instruction.op0.kind == .memory ? instruction.op0.width : 0
    case .simdMove, .packedInteger, .sse, .simdConversion, .simdControl:
      op.memoryWidth =
        [instruction.op0, instruction.op1].first { $0.kind == .memory }.map(\.width) ?? 0
    case .arithmetic, .decimal, .shift, .bit, .flag, .data, .stack, .segment, .string, .control, .port,
      .descriptor, .system:
      break
    }
  }

  /// The named handler for this form, where there is one.
  private func fastHandler(for instruction: Instruction, _ op: Op) -> Handler? {
    guard !instruction.prefixes.contains(.lock) else { return nil }
    if let branch = branchHandler(for: instruction) { return branch }
    if instruction.accessesMemory {
      guard instruction.addressSize == 4, isFlat(instruction.memory.segment) else { return nil }
    }
    switch instruction.operandSize {
    case 4: return handler32(for: instruction, op)
    case 1: return handler8(for: instruction, op)
    case 2: return handler16(for: instruction, op)
    default: return nil
    }
  }

  func isFlat(_ segment: SegmentRegister) -> Bool {
    switch segment {
    case .ds, .es: mode.contains(.flatData)
    case .ss: mode.contains(.flatStack32)
    case .cs, .fs, .gs: false
    }
  }
}
