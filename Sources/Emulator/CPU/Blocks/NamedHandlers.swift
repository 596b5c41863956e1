import IA32

/// The named handlers of an operation, by the form of its operands; nil where there is none.
private struct HandlerForms {
  var rr: Handler?
  var ri: Handler?
  var rm: Handler?
  var mr: Handler?
  var mi: Handler?

  /// That of `op`.
  func handler(for op: Op) -> Handler? {
    switch op.form {
    case .registerRegister: rr
    case .registerImmediate: ri
    case .registerMemory: rm
    case .memoryRegister: mr
    case .memoryImmediate: mi
    case .none: nil
    }
  }
}

/// Which operations have a handler of their own in the interpreter, and for which forms: everything else is general. An
/// operation with one operand has the forms RR and MR.
extension Lowering {
  // MARK: 32 bits

  func handler32(for instruction: Instruction, _ op: Op) -> Handler? {
    switch instruction.operation {
    case .arithmetic(let operation): arithmetic32(operation, op)
    case .shift(let operation): shift32(operation, instruction)
    case .bit(let operation): bit32(operation, op)
    case .data(let operation): data32(operation, op)
    case .stack(let operation): mode.contains(.flatStack32) ? stack32(operation, instruction) : nil
    case .decimal, .flag, .segment, .string, .control, .port, .descriptor, .system, .x87, .simdMove,
      .packedInteger, .sse, .simdConversion, .simdControl:
      nil
    }
  }

  private func arithmetic32(_ operation: ArithmeticOperation, _ op: Op) -> Handler? {
    let forms: HandlerForms
    switch operation {
    case .add: forms = HandlerForms(rr: .addRR, ri: .addRI, rm: .addRM, mr: .addMR, mi: .addMI)
    case .or: forms = HandlerForms(rr: .orRR, ri: .orRI, rm: .orRM, mr: .orMR, mi: .orMI)
    case .adc: forms = HandlerForms(rr: .adcRR, ri: .adcRI, rm: .adcRM, mr: .adcMR, mi: .adcMI)
    case .sbb: forms = HandlerForms(rr: .sbbRR, ri: .sbbRI, rm: .sbbRM, mr: .sbbMR, mi: .sbbMI)
    case .and: forms = HandlerForms(rr: .andRR, ri: .andRI, rm: .andRM, mr: .andMR, mi: .andMI)
    case .sub: forms = HandlerForms(rr: .subRR, ri: .subRI, rm: .subRM, mr: .subMR, mi: .subMI)
    case .xor: forms = HandlerForms(rr: .xorRR, ri: .xorRI, rm: .xorRM, mr: .xorMR, mi: .xorMI)
    case .cmp: forms = HandlerForms(rr: .cmpRR, ri: .cmpRI, rm: .cmpRM, mr: .cmpMR, mi: .cmpMI)
    case .test: forms = HandlerForms(rr: .testRR, ri: .testRI, mr: .testMR, mi: .testMI)
    case .inc: forms = HandlerForms(rr: .incR, mr: .incM)
    case .dec: forms = HandlerForms(rr: .decR, mr: .decM)
    case .neg: forms = HandlerForms(rr: .negR)
    case .not: forms = HandlerForms(rr: .notR)
    case .mul: forms = HandlerForms(rr: .mulR)
    case .div: forms = HandlerForms(rr: .divR)
    case .imul2:
      forms = op.isThirdImmediate ? HandlerForms(rr: .imulRRI) : HandlerForms(rr: .imulRR, rm: .imulRM)
    case .cwd: return .cdq
    case .xadd, .cmpxchg, .cmpxchg8b, .imul, .idiv, .cbw: return nil
    }
    return forms.handler(for: op)
  }

  private func shift32(_ operation: ShiftOperation, _ instruction: Instruction) -> Handler? {
    guard instruction.op0.kind == .register else { return nil }
    let isDouble = instruction.op2.kind != .none
    let isImmediate = (isDouble ? instruction.op2 : instruction.op1).kind == .immediate
    switch operation {
    case .shl: return isImmediate ? .shlRI : .shlRC
    case .shr: return isImmediate ? .shrRI : .shrRC
    case .sar: return isImmediate ? .sarRI : .sarRC
    case .rol: return isImmediate ? .rolRI : nil
    case .ror: return isImmediate ? .rorRI : nil
    case .shld: return isImmediate ? .shldRRI : .shldRRC
    case .shrd: return isImmediate ? .shrdRRI : .shrdRRC
    case .rcl, .rcr: return nil
    }
  }

  private func bit32(_ operation: BitOperation, _ op: Op) -> Handler? {
    switch operation {
    case .bsf: HandlerForms(rr: .bsfRR).handler(for: op)
    case .bsr: HandlerForms(rr: .bsrRR).handler(for: op)
    case .bt, .bts, .btr, .btc, .bswap: nil
    }
  }

  private func data32(_ operation: DataOperation, _ op: Op) -> Handler? {
    let forms: HandlerForms
    switch operation {
    case .mov: forms = HandlerForms(rr: .movRR, ri: .movRI, rm: .movRM, mr: .movMR, mi: .movMI)
    case .movzx:
      forms =
        op.sourceWidth == 1
        ? HandlerForms(rr: .movzxByteRR, rm: .movzxByteRM) : HandlerForms(rr: .movzxWordRR, rm: .movzxWordRM)
    case .movsx:
      forms =
        op.sourceWidth == 1
        ? HandlerForms(rr: .movsxByteRR, rm: .movsxByteRM) : HandlerForms(rr: .movsxWordRR, rm: .movsxWordRM)
    case .xchg: forms = HandlerForms(rr: .xchgRR)
    case .cmovcc: forms = HandlerForms(rr: .cmovRR, rm: .cmovRM)
    case .lea: return .lea
    case .nop: return .nop
    case .xlat, .setcc: return nil
    }
    return forms.handler(for: op)
  }

  private func stack32(_ operation: StackOperation, _ instruction: Instruction) -> Handler? {
    switch operation {
    case .push:
      pick(instruction.op0.kind, register: .pushR, memory: .pushM, immediate: .pushI, relative: nil)
    case .pop: pick(instruction.op0.kind, register: .popR, memory: nil, immediate: nil, relative: nil)
    case .leave: .leaveFrame
    case .pusha, .popa, .pushf, .popf, .enter: nil
    }
  }

  // MARK: 8 and 16 bits

  func handler8(for instruction: Instruction, _ op: Op) -> Handler? {
    switch instruction.operation {
    case .arithmetic(let operation): arithmetic8(operation, op)
    case .data(let operation): data8(operation, op)
    case .decimal, .shift, .bit, .flag, .stack, .segment, .string, .control, .port, .descriptor, .system,
      .x87, .simdMove, .packedInteger, .sse, .simdConversion, .simdControl:
      nil
    }
  }

  private func arithmetic8(_ operation: ArithmeticOperation, _ op: Op) -> Handler? {
    let forms: HandlerForms
    switch operation {
    case .cmp:
      forms = HandlerForms(
        rr: .cmpByteRR, ri: .cmpByteRI, rm: .cmpByteRM, mr: .cmpByteMR, mi: .cmpByteMI)
    case .test: forms = HandlerForms(rr: .testByteRR, ri: .testByteRI, mi: .testByteMI)
    case .and: forms = HandlerForms(rr: .andByteRR, ri: .andByteRI, rm: .andByteRM)
    case .or: forms = HandlerForms(rr: .orByteRR, ri: .orByteRI, rm: .orByteRM)
    case .xor: forms = HandlerForms(rr: .xorByteRR, ri: .xorByteRI, rm: .xorByteRM)
    case .add: forms = HandlerForms(rr: .addByteRR, ri: .addByteRI, rm: .addByteRM)
    case .sub: forms = HandlerForms(rr: .subByteRR, ri: .subByteRI, rm: .subByteRM)
    case .adc, .sbb, .inc, .dec, .neg, .not, .xadd, .cmpxchg, .cmpxchg8b, .mul, .imul, .imul2, .div, .idiv,
      .cbw, .cwd:
      return nil
    }
    return forms.handler(for: op)
  }

  private func data8(_ operation: DataOperation, _ op: Op) -> Handler? {
    switch operation {
    case .mov:
      HandlerForms(rr: .movByteRR, ri: .movByteRI, rm: .movByteRM, mr: .movByteMR, mi: .movByteMI)
        .handler(for: op)
    case .setcc: HandlerForms(rr: .setccR).handler(for: op)
    case .movzx, .movsx, .lea, .xchg, .xlat, .nop, .cmovcc: nil
    }
  }

  func handler16(for instruction: Instruction, _ op: Op) -> Handler? {
    guard case .data(let operation) = instruction.operation else { return nil }
    switch operation {
    case .mov: return HandlerForms(rm: .movWordRM, mr: .movWordMR).handler(for: op)
    case .nop: return .nop
    case .movzx, .movsx, .lea, .xchg, .xlat, .setcc, .cmovcc: return nil
    }
  }

  // MARK: Near transfers

  func branchHandler(for instruction: Instruction) -> Handler? {
    guard mode.contains(.flatCode), instruction.operandSize == 4 else { return nil }
    let indirectIsFlat =
      instruction.op0.kind != .memory
      || instruction.addressSize == 4 && isFlat(instruction.memory.segment)
    guard case .control(let operation) = instruction.operation else { return nil }
    let kind = instruction.op0.kind
    switch operation {
    case .jcc: return Condition(rawValue: instruction.condition & 15).map(conditionalJump)
    case .jmp:
      guard indirectIsFlat else { return nil }
      return pick(kind, register: .jmpR, memory: .jmpM, immediate: nil, relative: .jmp)
    case .call:
      guard mode.contains(.flatStack32), indirectIsFlat else { return nil }
      return pick(kind, register: .callR, memory: .callM, immediate: nil, relative: .call)
    case .ret:
      guard mode.contains(.flatStack32) else { return nil }
      return kind == .immediate ? .retI : .ret
    case .jcxz, .loop, .loope, .loopne, .jmpFar, .callFar, .retFar, .iret, .int, .int3, .int1, .into, .bound:
      return nil
    }
  }

  private func conditionalJump(_ condition: Condition) -> Handler {
    switch condition {
    case .overflow: .jo
    case .notOverflow: .jno
    case .below: .jb
    case .aboveOrEqual: .jae
    case .equal: .je
    case .notEqual: .jne
    case .belowOrEqual: .jbe
    case .above: .ja
    case .sign: .js
    case .notSign: .jns
    case .parity: .jp
    case .notParity: .jnp
    case .less: .jl
    case .greaterOrEqual: .jge
    case .lessOrEqual: .jle
    case .greater: .jg
    }
  }

  /// The handler for an only operand of this kind.
  private func pick(
    _ kind: OperandKind, register: Handler?, memory: Handler?, immediate: Handler?, relative: Handler?
  ) -> Handler? {
    switch kind {
    case .register: register
    case .memory: memory
    case .immediate: immediate
    case .relative: relative
    case .none, .segment, .control, .debug, .farPointer, .x87, .mmx, .xmm: nil
    }
  }
}
