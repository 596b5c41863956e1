/// Conversions of SSE and SSE2, a case for each mnemonic. SDM vol. 1, 10.4.3 and 11.4.1.6.
@frozen
public enum SIMDConversionOperation: UInt8, CaseIterable, Hashable, Sendable {
  case cvtpi2ps, cvtps2pi, cvttps2pi, cvtsi2ss, cvtss2si, cvttss2si
  case cvtpi2pd, cvtpd2pi, cvttpd2pi, cvtsi2sd, cvtsd2si, cvttsd2si
  case cvtps2pd, cvtpd2ps, cvtss2sd, cvtsd2ss
  case cvtdq2ps, cvtps2dq, cvttps2dq, cvtdq2pd, cvtpd2dq, cvttpd2dq
}

extension SIMDConversionOperation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    // The destination's upper half stays.
    case .cvtpi2ps: Self.record(.modify, [.sseArithmetic, .mmx], needs: .sse)
    case .cvtps2pi, .cvttps2pi: Self.record(.write, [.sseArithmetic, .mmx], needs: .sse)
    case .cvtsi2ss: Self.record(.modify, .sseArithmetic, needs: .sse)
    case .cvtss2si, .cvttss2si: Self.record(.write, .sseArithmetic, needs: .sse)
    // Exact, as is CVTDQ2PD.
    case .cvtpi2pd: Self.record(.write, [.sse, .mmx], needs: .sse2)
    case .cvtpd2pi, .cvttpd2pi: Self.record(.write, [.sseArithmetic, .mmx], needs: .sse2)
    case .cvtsi2sd: Self.record(.modify, .sse, needs: .sse2)
    case .cvtdq2pd: Self.record(.write, .sse, needs: .sse2)
    case .cvtss2sd, .cvtsd2ss: Self.record(.modify, .sseArithmetic, needs: .sse2)
    case .cvtsd2si, .cvttsd2si, .cvtps2pd, .cvtpd2ps, .cvtdq2ps, .cvtps2dq, .cvttps2dq, .cvtpd2dq, .cvttpd2dq:
      Self.record(.write, .sseArithmetic, needs: .sse2)
    }
  }

  private static func record(
    _ use: OperandUse, _ raises: ExceptionSet, needs: CPUFeatures
  ) -> OperationRecord {
    .simd(use, raises: raises, needs: needs, cost: .floatConversion)
  }
}
