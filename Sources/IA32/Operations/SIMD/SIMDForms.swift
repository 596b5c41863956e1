/// Which registers an instruction on packed integers works on. SDM vol. 1, 9.2.1 and 10.2.2.
@frozen
public enum SIMDRegisters: UInt8, CaseIterable, Hashable, Sendable {
  /// 64 bits in the floating-point unit's registers.
  case mmx
  /// 128 bits.
  case xmm
}

/// Which elements a floating-point instruction of SSE or SSE2 works on, as its prefix says: none, 66, F3, F2; for COMISS and
/// its kin none and 66. SDM vol. 1, 10.4.1 and 11.4.1.
@frozen
public enum FloatForm: UInt8, CaseIterable, Hashable, Sendable {
  case packedSingle, packedDouble, scalarSingle, scalarDouble

  /// PS or SS.
  public var isSingle: Bool { self == .packedSingle || self == .scalarSingle }
  /// PS or PD.
  public var isPacked: Bool { self == .packedSingle || self == .packedDouble }

  /// What a processor must have: single precision came with SSE, double with SSE2.
  var needs: CPUFeatures { isSingle ? .sse : .sse2 }
}

extension OperationRecord {
  /// An instruction of MMX, SSE or SSE2: it has no implicit accesses, and goes on in line.
  static func simd(
    _ operands: OperandUse, _ flags: FlagEffects = .untouched, raises: ExceptionSet, needs: CPUFeatures,
    cost: CostClass = .simd
  ) -> OperationRecord {
    OperationRecord(
      operands, memory: .none, flags: flags, raises: raises, then: .next, needs: needs, cost: cost)
  }
}

extension ExceptionSet {
  /// What MMX instructions raise: #UD under CR0.EM, #NM under CR0.TS, and what the floating-point unit has pending.
  /// SDM vol. 3A, 12.5.
  static let mmx: ExceptionSet = [.invalidOpcode, .deviceNotAvailable, .floatingPointError]
  /// What SSE instructions raise: #UD under CR0.EM or without CR4.OSFXSR, #NM under CR0.TS. SDM vol. 3A, 13.1.
  static let sse: ExceptionSet = [.invalidOpcode, .deviceNotAvailable]
  /// And those that compute with floating-point numbers. SDM vol. 1, 11.5.
  static let sseArithmetic: ExceptionSet = [.invalidOpcode, .deviceNotAvailable, .simdFloatingPoint]
}
