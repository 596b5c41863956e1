/// How an opcode's operand is encoded, in the notation of the manual's opcode maps. SDM vol. 2D, A.2.
///
/// The first letter is the addressing method, the second the type: b byte, w word, d doubleword, q quadword, v word or
/// doubleword by the operand size, z the same for immediates, p far pointer, s pseudo-descriptor, t ten bytes.
// swift-format-ignore: AlwaysUseLowerCamelCase
/// How an operand is encoded.
@frozen
public enum OperandCode: UInt8, CaseIterable, Sendable {
  case none
  /// A general register or memory, by ModRM's mod and r/m fields.
  case Eb, Ew, Ev
  /// Rv/Mw: a register of the operand size, or a word of memory (SLDT, STR, SMSW, MOV from a segment register).
  case RvMw
  /// A general register, by ModRM's reg field.
  case Gb, Gw, Gv
  /// A 32-bit general register by ModRM's r/m field, whatever mod says.
  case Rd
  /// A control, debug or segment register, by ModRM's reg field.
  case Cd, Dd, Sw
  /// Memory only, by ModRM. `M` is an address without data; `Ma` a pair of words or doublewords.
  case M, Ma, Mp, Ms, Mb, Mw, Md, Mq, Mt
  /// The floating-point environment (14 or 28 bytes) and state (94 or 108 bytes).
  case Menv, Mstate
  /// An immediate. `sIb` is a byte sign-extended to the operand size, `Ib2` the byte after an `Iw` (ENTER).
  case Ib, sIb, Iw, Iz, Ib2
  /// A displacement from the next instruction.
  case Jb, Jz
  /// A selector and an offset in the code.
  case Ap
  /// An offset in the code, without ModRM.
  case Ob, Ov
  /// Memory at DS:(E)SI, or another segment by prefix.
  case Xb, Xv
  /// Memory at ES:(E)DI.
  case Yb, Yv
  /// A general register, by the opcode's low three bits.
  case Zb, Zv
  /// Registers that the opcode implies.
  case AL, CL, AX, DX
  /// AX or EAX by the operand size.
  case rAX
  /// Memory at DS:[(E)BX + AL] (XLAT).
  case rBXAL
  /// The constant 1 of a shift.
  case one
  /// Segment registers that the opcode implies.
  case ES, CS, SS, DS, FS, GS
  /// A doubleword, whatever the operand size: a register or memory, and a register.
  case Ed, Gd
  /// A 32-bit general register, or a word of memory (PINSRW).
  case RdMw
  /// An MMX register by ModRM's reg field; by r/m, or a quadword or doubleword of memory; by r/m alone.
  case Pq, Qq, Qd, Nq
  /// Memory at DS:(E)DI, or another segment by prefix, that no assembler writes (MASKMOVQ).
  case rDI
  /// An XMM register by ModRM's reg field; by r/m, or 16, 8 or 4 bytes of memory; by r/m alone; 16 bytes of memory alone.
  case Vx, Wx, Wq, Wd, Ux, Mx
  /// The top of the floating-point stack, and the register that ModRM's r/m field counts from it.
  case ST0, STi
}

/// Where an operand code finds its operand.
private enum OperandPlace {
  /// Nowhere in ModRM: an immediate, or implied by the opcode.
  case opcode
  /// Memory that no ModRM byte names.
  case implicitMemory
  /// ModRM's reg field.
  case reg
  /// ModRM's mod and r/m fields: a register or memory, memory alone, a register alone, a register whatever mod says.
  case registerOrMemory, memory, register, registerAlways
}

extension OperandCode {
  private var place: OperandPlace {
    switch self {
    case .none, .Ib, .sIb, .Iw, .Iz, .Ib2, .Jb, .Jz, .Ap, .Zb, .Zv, .AL, .CL, .AX, .DX, .rAX, .one, .ES, .CS,
      .SS, .DS, .FS, .GS, .ST0:
      .opcode
    case .Ob, .Ov, .Xb, .Xv, .Yb, .Yv, .rBXAL: .implicitMemory
    case .rDI: .opcode
    case .Gb, .Gw, .Gv, .Gd, .Cd, .Dd, .Sw, .Pq, .Vx: .reg
    case .Eb, .Ew, .Ev, .Ed, .RvMw, .RdMw, .Qq, .Qd, .Wx, .Wq, .Wd: .registerOrMemory
    case .M, .Ma, .Mp, .Ms, .Mb, .Mw, .Md, .Mq, .Mt, .Mx, .Menv, .Mstate: .memory
    case .Nq, .Ux: .register
    case .Rd, .STi: .registerAlways
    }
  }

  /// Whether the operand is encoded in a ModRM byte.
  public var usesModRM: Bool { place != .opcode && place != .implicitMemory }

  /// Whether the operand lies in memory that no ModRM byte names.
  public var isImplicitMemory: Bool { place == .implicitMemory }

  /// Whether ModRM names a register or memory.
  public var isRegisterOrMemory: Bool { place == .registerOrMemory }

  /// Whether ModRM must name memory: a register there is an undefined opcode.
  public var isMemoryOnly: Bool { place == .memory }

  /// Whether ModRM must name a register: memory there is an undefined opcode.
  public var isRegisterOnly: Bool { place == .register }

  /// Whether an operation whose data operand is coded so works on bytes.
  var isByteData: Bool { [.Eb, .Gb, .Ob, .Xb, .Yb, .Zb, .AL, .rBXAL].contains(self) }
}
