/// Moves of MMX, SSE and SSE2, which change no bit of what they move. SDM vol. 1, 9.4.1, 10.4.1.1 and 11.4.1.1.
@frozen
public enum SIMDMoveOperation: UInt8, CaseIterable, Hashable, Sendable {
  /// MOVD, by direction and registers.
  case movdToMMX, movdFromMMX, movdToXMM, movdFromXMM
  /// MOVQ of MMX registers and of XMM registers, in both directions.
  case movqMMX, movqXMM
  case movaps, movapd, movdqa, movups, movupd, movdqu
  case movss, movsd
  /// Half a register and memory. MOVHLPS and MOVLHPS take MOVLPS's and MOVHPS's opcodes with registers.
  case movlps, movhps, movlpd, movhpd, movhlps, movlhps
  case movntq, movntps, movntpd, movntdq, movnti
  case movmskps, movmskpd
  case maskmovq, maskmovdqu
  case movq2dq, movdq2q
}

extension SIMDMoveOperation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .movdToMMX, .movdFromMMX, .movqMMX: .simd(.write, raises: .mmx, needs: .mmx)
    case .movntq: .simd(.write, raises: .mmx, needs: .sse)
    case .movdToXMM, .movdFromXMM, .movqXMM, .movapd, .movdqa, .movupd, .movdqu, .movsd, .movlpd, .movhpd,
      .movntpd, .movntdq, .movmskpd:
      .simd(.write, raises: .sse, needs: .sse2)
    case .movaps, .movups, .movss, .movlps, .movhps, .movntps, .movmskps:
      .simd(.write, raises: .sse, needs: .sse)
    // Half of the destination stays.
    case .movhlps, .movlhps: .simd(.modify, raises: .sse, needs: .sse)
    // Of general registers: no state of SSE is concerned.
    case .movnti: .simd(.write, raises: [], needs: .sse2)
    // How many bytes are stored the mask says.
    case .maskmovq: Self.masked(.mmx, needs: .sse)
    case .maskmovdqu: Self.masked(.sse, needs: .sse2)
    case .movq2dq, .movdq2q:
      .simd(.write, raises: .mmx, needs: .sse2)
    }
  }

  private static func masked(_ raises: ExceptionSet, needs: CPUFeatures) -> OperationRecord {
    OperationRecord(
      .read, memory: .stores(0, andMore: true), flags: .untouched, raises: raises, then: .next, needs: needs,
      cost: .simd)
  }
}
