/// Packed integers in MMX or XMM registers, a case for each mnemonic. SDM vol. 1, 9.4 and 11.4.2.
@frozen
public enum PackedIntegerOperation: UInt8, CaseIterable, Hashable, Sendable {
  case paddb, paddw, paddd, paddq, paddsb, paddsw, paddusb, paddusw
  case psubb, psubw, psubd, psubq, psubsb, psubsw, psubusb, psubusw
  case pmullw, pmulhw, pmulhuw, pmuludq, pmaddwd, psadbw
  case pavgb, pavgw, pmaxub, pmaxsw, pminub, pminsw
  case pcmpeqb, pcmpeqw, pcmpeqd, pcmpgtb, pcmpgtw, pcmpgtd
  case pand, pandn, por, pxor
  case psllw, pslld, psllq, psrlw, psrld, psrlq, psraw, psrad, pslldq, psrldq
  case packsswb, packssdw, packuswb
  case punpcklbw, punpcklwd, punpckldq, punpcklqdq, punpckhbw, punpckhwd, punpckhdq, punpckhqdq
  case pshufw, pshufd, pshuflw, pshufhw
  case pinsrw, pextrw, pmovmskb
}

extension PackedIntegerOperation {
  /// The first processors that have it for these registers; nil where there is no such instruction.
  private func needs(_ registers: SIMDRegisters) -> CPUFeatures? {
    switch self {
    case .pslldq, .psrldq, .punpcklqdq, .punpckhqdq, .pshufd, .pshuflw, .pshufhw:
      registers == .xmm ? .sse2 : nil
    case .pshufw: registers == .mmx ? .sse : nil
    case .pmulhuw, .psadbw, .pavgb, .pavgw, .pmaxub, .pmaxsw, .pminub, .pminsw, .pinsrw, .pextrw, .pmovmskb:
      registers == .mmx ? .sse : .sse2
    case .paddq, .psubq, .pmuludq: .sse2
    default: registers == .mmx ? .mmx : .sse2
    }
  }

  /// Whether there is an instruction of that name for these registers.
  public func exists(_ registers: SIMDRegisters) -> Bool { needs(registers) != nil }

  /// What is true of the operation in all its encodings.
  public func record(_ registers: SIMDRegisters) -> OperationRecord {
    let use: OperandUse =
      switch self {
      case .pshufw, .pshufd, .pshuflw, .pshufhw, .pextrw, .pmovmskb: .write
      default: .modify
      }
    let cost: CostClass =
      switch self {
      case .pmullw, .pmulhw, .pmulhuw, .pmuludq, .pmaddwd: .simdMultiplication
      case .psadbw: .simdDifferences
      default: .simd
      }
    return .simd(
      use, raises: registers == .mmx ? .mmx : .sse, needs: needs(registers) ?? .sse2, cost: cost)
  }
}
