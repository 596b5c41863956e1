/// The state of MMX and SSE, and what concerns caches and the order of accesses. SDM vol. 1, 9.4.8, 10.4.4 to 10.4.6 and
/// 11.4.4.
@frozen
public enum SIMDControlOperation: UInt8, CaseIterable, Hashable, Sendable {
  case emms, ldmxcsr, stmxcsr
  case sfence, lfence, mfence, clflush
  /// PREFETCHh: hints, which processors without SSE take for NOPs.
  case prefetch
}

extension SIMDControlOperation {
  /// What is true of the operation in all its encodings.
  public var record: OperationRecord {
    switch self {
    case .emms: .simd(.none, raises: .mmx, needs: .mmx, cost: .emptyMMXState)
    // #GP for reserved bits.
    case .ldmxcsr:
      .simd(.read, raises: ExceptionSet.sse.union(.generalProtection), needs: .sse, cost: .mxcsrLoad)
    case .stmxcsr: .simd(.write, raises: .sse, needs: .sse, cost: .mxcsrStore)
    case .sfence: .simd(.none, raises: [], needs: .sse, cost: .fence)
    case .lfence, .mfence: .simd(.none, raises: [], needs: .sse2, cost: .fence)
    // With all the faults of a load of the byte, which is not loaded. SDM vol. 2A, CLFLUSH.
    case .clflush:
      OperationRecord(
        .address, memory: .loads(0, andMore: true), flags: .untouched, raises: [], then: .next,
        needs: .cacheLineFlush, cost: .simd)
    case .prefetch: .simd(.none, raises: [], needs: [], cost: .simd)
    }
  }
}
