import IA32

/// From a decoded instruction to what the interpreter executes: the choice of handler, made once per decoding.
struct Lowering {
  let mode: BlockMode

  /// `instruction`, whose first byte is at `eip`, as the interpreter executes it.
  func op(for instruction: Instruction, eip: UInt32) -> Op {
    var op = Op(
      handler: .general, operation: instruction.operation, width: instruction.operandSize,
      addressWidth: instruction.addressSize, length: instruction.length, prefixes: instruction.prefixes,
      nextEIP: eip &+ UInt32(instruction.length))
    op.detail = instruction.condition
    op.immediate = instruction.immediate
    fillOperands(of: &op, from: instruction)
    if instruction.operation.endsBlock || loadsSegment(instruction) { op.handler = .generalEnd }
    if instruction.operation.isString { op.handler = .string }
    if let fast = fastHandler(for: instruction, op) { op.handler = fast }
    if instruction.op0.kind == .relative {
      op.immediate = op.nextEIP &+ instruction.immediate
      if instruction.operandSize == 2 { op.immediate &= 0xffff }
    }
    return op
  }

  private func loadsSegment(_ instruction: Instruction) -> Bool {
    switch instruction.operation {
    case .movToSegment, .popSegment, .lds, .les, .lfs, .lgs, .lss: true
    default: false
    }
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
    switch instruction.operation {
    case .movzx, .movsx: op.detail = instruction.op1.width
    case .enter: op.detail = UInt8(truncatingIfNeeded: instruction.immediate2)
    case .shld, .shrd: op.detail = instruction.op2.kind == .immediate ? 1 : 0
    case .imul2:
      // The factor that is not the destination, and whether the other one is immediate.
      let factor = instruction.op2.kind == .immediate ? instruction.op1 : instruction.op2
      op.source = factor.index
      op.form = factor.kind == .memory ? .registerMemory : .registerRegister
      op.detail = instruction.op2.kind == .immediate ? 1 : 0
    default: break
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

  private func isFlat(_ segment: SegmentRegister) -> Bool {
    switch segment {
    case .ds, .es: mode.contains(.flatData)
    case .ss: mode.contains(.flatStack32)
    case .cs, .fs, .gs: false
    }
  }

  private func branchHandler(for instruction: Instruction) -> Handler? {
    guard mode.contains(.flatCode), instruction.operandSize == 4 else { return nil }
    let indirectIsFlat =
      instruction.op0.kind != .memory
      || instruction.addressSize == 4 && isFlat(instruction.memory.segment)
    switch instruction.operation {
    case .jcc:
      return Handler(rawValue: Handler.jo.rawValue + UInt16(instruction.condition & 15))
    case .jmp:
      guard indirectIsFlat else { return nil }
      return pick(instruction.op0.kind, relative: .jmp, register: .jmpR, memory: .jmpM)
    case .call:
      guard mode.contains(.flatStack32), indirectIsFlat else { return nil }
      return pick(instruction.op0.kind, relative: .call, register: .callR, memory: .callM)
    case .ret:
      guard mode.contains(.flatStack32) else { return nil }
      return instruction.op0.kind == .immediate ? .retI : .ret
    default:
      return nil
    }
  }

  private func pick(_ kind: OperandKind, relative: Handler, register: Handler, memory: Handler) -> Handler? {
    switch kind {
    case .relative: relative
    case .register: register
    case .memory: memory
    default: nil
    }
  }

  /// The handler of a family whose five forms stand in the order RR, RI, RM, MR, MI.
  private func form(_ first: Handler, _ op: Op) -> Handler? {
    let offset: UInt16
    switch op.form {
    case .registerRegister: offset = 0
    case .registerImmediate: offset = 1
    case .registerMemory: offset = 2
    case .memoryRegister: offset = 3
    case .memoryImmediate: offset = 4
    case .none: return nil
    }
    return Handler(rawValue: first.rawValue + offset)
  }

  private func handler32(for instruction: Instruction, _ op: Op) -> Handler? {
    switch instruction.operation {
    case .mov: moves(instruction, op)
    case .add: form(.addRR, op)
    case .or: form(.orRR, op)
    case .adc: form(.adcRR, op)
    case .sbb: form(.sbbRR, op)
    case .and: form(.andRR, op)
    case .sub: form(.subRR, op)
    case .xor: form(.xorRR, op)
    case .cmp: form(.cmpRR, op)
    case .test: test(op, .testRR, .testRI, .testMR, .testMI)
    case .movzx: extend(op, .movzxByteRR, .movzxByteRM, .movzxWordRR, .movzxWordRM)
    case .movsx: extend(op, .movsxByteRR, .movsxByteRM, .movsxWordRR, .movsxWordRM)
    case .lea: .lea
    case .xchg: op.form == .registerRegister ? .xchgRR : nil
    case .push where mode.contains(.flatStack32): push(instruction)
    case .pop where mode.contains(.flatStack32): instruction.op0.kind == .register ? .popR : nil
    case .leave: mode.contains(.flatStack32) ? .leaveFrame : nil
    case .nop: .nop
    case .cwd: .cdq
    case .inc: single(op, register: .incR, memory: .incM)
    case .dec: single(op, register: .decR, memory: .decM)
    case .neg: single(op, register: .negR, memory: nil)
    case .not: single(op, register: .notR, memory: nil)
    case .shl: shift(instruction, .shlRI, .shlRC)
    case .shr: shift(instruction, .shrRI, .shrRC)
    case .sar: shift(instruction, .sarRI, .sarRC)
    case .rol: shift(instruction, .rolRI, nil)
    case .ror: shift(instruction, .rorRI, nil)
    case .shld where instruction.op0.kind == .register:
      instruction.op2.kind == .immediate ? .shldRRI : .shldRRC
    case .shrd where instruction.op0.kind == .register:
      instruction.op2.kind == .immediate ? .shrdRRI : .shrdRRC
    case .imul2:
      op.form == .registerRegister ? (op.detail == 1 ? .imulRRI : .imulRR) : (op.detail == 1 ? nil : .imulRM)
    case .mul: single(op, register: .mulR, memory: nil)
    case .div: single(op, register: .divR, memory: nil)
    case .bsf: op.form == .registerRegister ? .bsfRR : nil
    case .bsr: op.form == .registerRegister ? .bsrRR : nil
    case .cmovcc: single(op, register: op.form == .registerRegister ? .cmovRR : .cmovRM, memory: nil)
    default: nil
    }
  }

  private func handler8(for instruction: Instruction, _ op: Op) -> Handler? {
    switch instruction.operation {
    case .mov: form(.movByteRR, op)
    case .cmp: form(.cmpByteRR, op)
    case .test: test(op, .testByteRR, .testByteRI, nil, .testByteMI)
    case .and: toRegister(.andByteRR, op)
    case .or: toRegister(.orByteRR, op)
    case .xor: toRegister(.xorByteRR, op)
    case .add: toRegister(.addByteRR, op)
    case .sub: toRegister(.subByteRR, op)
    case .setcc: instruction.op0.kind == .register ? .setccR : nil
    default: nil
    }
  }

  private func handler16(for instruction: Instruction, _ op: Op) -> Handler? {
    switch instruction.operation {
    case .mov where op.form == .memoryRegister: .movWordMR
    case .mov where op.form == .registerMemory: .movWordRM
    case .nop: .nop
    default: nil
    }
  }

  private func moves(_ instruction: Instruction, _ op: Op) -> Handler? {
    switch op.form {
    case .registerRegister: .movRR
    case .registerImmediate: .movRI
    case .registerMemory: .movRM
    case .memoryRegister: .movMR
    case .memoryImmediate: .movMI
    case .none: nil
    }
  }

  private func test(_ op: Op, _ rr: Handler, _ ri: Handler, _ mr: Handler?, _ mi: Handler) -> Handler? {
    switch op.form {
    case .registerRegister: rr
    case .registerImmediate: ri
    case .memoryRegister: mr
    case .memoryImmediate: mi
    case .registerMemory, .none: nil
    }
  }

  /// The handler of a family that has the forms RR, RI and RM alone.
  private func toRegister(_ first: Handler, _ op: Op) -> Handler? {
    op.form == .memoryRegister || op.form == .memoryImmediate ? nil : form(first, op)
  }

  private func single(_ op: Op, register: Handler, memory: Handler?) -> Handler? {
    op.form == .memoryRegister || op.form == .memoryImmediate ? memory : register
  }

  private func extend(
    _ op: Op, _ byteR: Handler, _ byteM: Handler, _ wordR: Handler, _ wordM: Handler
  ) -> Handler {
    let fromMemory = op.form == .registerMemory
    return op.detail == 1 ? (fromMemory ? byteM : byteR) : (fromMemory ? wordM : wordR)
  }

  private func push(_ instruction: Instruction) -> Handler? {
    switch instruction.op0.kind {
    case .register: .pushR
    case .immediate: .pushI
    case .memory: .pushM
    default: nil
    }
  }

  private func shift(_ instruction: Instruction, _ immediate: Handler, _ byCL: Handler?) -> Handler? {
    guard instruction.op0.kind == .register else { return nil }
    return instruction.op1.kind == .immediate ? immediate : byCL
  }
}

extension Operation {
  /// Whether the block ends here: the instruction transfers control, may change how the next one is fetched or decoded,
  /// lets interrupts in, or looks at the clock.
  var endsBlock: Bool {
    switch self {
    case .jcc, .jcxz, .loop, .loope, .loopne, .jmp, .jmpFar, .call, .callFar, .ret, .retFar, .int, .int3,
      .into, .int1,
      .iret, .hlt, .sti, .popf, .in, .out, .cpuid, .rdtsc, .rdpmc, .rdmsr, .wrmsr, .movToCR, .movToDR, .clts,
      .lmsw, .invlpg, .wbinvd, .invd, .sysenter, .sysexit, .rsm, .ud1, .ud2, .lgdt, .lidt, .lldt, .ltr, .cli:
      true
    default:
      false
    }
  }

  /// The string instructions, which REP repeats.
  var isString: Bool {
    switch self {
    case .movs, .cmps, .stos, .lods, .scas, .ins, .outs: true
    default: false
    }
  }
}
