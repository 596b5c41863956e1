import FloatingPoint
import IA32

/// Packed integers in MMX and XMM registers; `PackedLanes` computes. SDM vol. 1, 9.4 and 11.4.2.
extension CPU {
  // MARK: MMX registers

  func packedIntegerMMX(
    _ op: UnsafeMutablePointer<Op>, _ operation: PackedIntegerOperation
  ) throws(GuestFault) {
    // Those that came with SSE don't need its state.
    try requireMMX()
    let destination = op.pointee.destination
    switch operation {
    case .pinsrw:
      let word = UInt64(try generalSource(op) & 0xffff)
      enterMMXState()
      let shift = UInt64(op.pointee.immediate & 3) * 16
      setMMX(destination, mmx(destination) & ~(0xffff << shift) | word << shift)
    case .pextrw:
      enterMMXState()
      let shift = UInt64(op.pointee.immediate & 3) * 16
      registers[Int(destination)] = UInt32(truncatingIfNeeded: mmx(op.pointee.source) >> shift & 0xffff)
    case .pmovmskb:
      enterMMXState()
      registers[Int(destination)] = PackedLanes.signs(mmx(op.pointee.source))
    case .psllw, .pslld, .psllq, .psrlw, .psrld, .psrlq, .psraw, .psrad:
      let count = op.pointee.isSourceImmediate ? UInt64(op.pointee.immediate) : try mmxSource(op)
      enterMMXState()
      setMMX(destination, PackedLanes.shift(operation, mmx(destination), by: count))
    default:
      let source = try mmxSource(op)
      enterMMXState()
      setMMX(destination, Self.combined(operation, mmx(destination), source, op.pointee.immediate))
    }
  }

  private static func combined(
    _ operation: PackedIntegerOperation, _ a: UInt64, _ b: UInt64, _ immediate: UInt32
  ) -> UInt64 {
    switch operation {
    case .packsswb, .packssdw, .packuswb:
      PackedLanes.pack(operation, a) | PackedLanes.pack(operation, b) << 32
    case .punpcklbw: PackedLanes.interleave(a, b, bits: 8)
    case .punpcklwd: PackedLanes.interleave(a, b, bits: 16)
    case .punpckldq: PackedLanes.interleave(a, b, bits: 32)
    case .punpckhbw: PackedLanes.interleave(a >> 32, b >> 32, bits: 8)
    case .punpckhwd: PackedLanes.interleave(a >> 32, b >> 32, bits: 16)
    case .punpckhdq: PackedLanes.interleave(a >> 32, b >> 32, bits: 32)
    case .pshufw: PackedLanes.shuffleWords(b, immediate)
    default: PackedLanes.combine(operation, a, b)
    }
  }

  // MARK: XMM registers

  func packedIntegerXMM(
    _ op: UnsafeMutablePointer<Op>, _ operation: PackedIntegerOperation
  ) throws(GuestFault) {
    try requireSSE()
    let destination = op.pointee.destination
    switch operation {
    case .pinsrw:
      let word = UInt64(try generalSource(op) & 0xffff)
      let half = Int(op.pointee.immediate >> 2 & 1)
      let shift = UInt64(op.pointee.immediate & 3) * 16
      let old = state.pointee.sse[destination][double: half]
      state.pointee.sse.registers[Int(destination)][double: half] = old & ~(0xffff << shift) | word << shift
    case .pextrw:
      let half = state.pointee.sse[op.pointee.source][double: Int(op.pointee.immediate >> 2 & 1)]
      registers[Int(destination)] =
        UInt32(truncatingIfNeeded: half >> (UInt64(op.pointee.immediate & 3) * 16) & 0xffff)
    case .pmovmskb:
      let value = state.pointee.sse[op.pointee.source]
      registers[Int(destination)] = PackedLanes.signs(value.low) | PackedLanes.signs(value.high) << 8
    case .psllw, .pslld, .psllq, .psrlw, .psrld, .psrlq, .psraw, .psrad:
      let count = op.pointee.isSourceImmediate ? UInt64(op.pointee.immediate) : try xmmSource(op).low
      let value = state.pointee.sse[destination]
      state.pointee.sse[destination] = XMMValue(
        low: PackedLanes.shift(operation, value.low, by: count),
        high: PackedLanes.shift(operation, value.high, by: count))
    case .pslldq, .psrldq:
      state.pointee.sse[destination] = Self.shiftedBytes(
        state.pointee.sse[destination], by: op.pointee.immediate, left: operation == .pslldq)
    default:
      let source = try xmmSource(op)
      state.pointee.sse[destination] = Self.combined(
        operation, state.pointee.sse[destination], source, op.pointee.immediate)
    }
  }

  private static func combined(
    _ operation: PackedIntegerOperation, _ a: XMMValue, _ b: XMMValue, _ immediate: UInt32
  ) -> XMMValue {
    switch operation {
    case .packsswb, .packssdw, .packuswb:
      return XMMValue(
        low: PackedLanes.pack(operation, a.low) | PackedLanes.pack(operation, a.high) << 32,
        high: PackedLanes.pack(operation, b.low) | PackedLanes.pack(operation, b.high) << 32)
    case .punpcklbw: return interleaved(a.low, b.low, bits: 8)
    case .punpcklwd: return interleaved(a.low, b.low, bits: 16)
    case .punpckldq: return interleaved(a.low, b.low, bits: 32)
    case .punpcklqdq: return XMMValue(low: a.low, high: b.low)
    case .punpckhbw: return interleaved(a.high, b.high, bits: 8)
    case .punpckhwd: return interleaved(a.high, b.high, bits: 16)
    case .punpckhdq: return interleaved(a.high, b.high, bits: 32)
    case .punpckhqdq: return XMMValue(low: a.high, high: b.high)
    case .pshufd: return shuffled(b, b, immediate)
    case .pshuflw: return XMMValue(low: PackedLanes.shuffleWords(b.low, immediate), high: b.high)
    case .pshufhw: return XMMValue(low: b.low, high: PackedLanes.shuffleWords(b.high, immediate))
    default:
      return XMMValue(
        low: PackedLanes.combine(operation, a.low, b.low),
        high: PackedLanes.combine(operation, a.high, b.high))
    }
  }

  private static func interleaved(_ a: UInt64, _ b: UInt64, bits: UInt64) -> XMMValue {
    XMMValue(
      low: PackedLanes.interleave(a, b, bits: bits),
      high: PackedLanes.interleave(a >> 32, b >> 32, bits: bits))
  }

  /// PSHUFD and SHUFPS: two doublewords of `a` and two of `b`, as four fields of two bits choose.
  static func shuffled(_ a: XMMValue, _ b: XMMValue, _ order: UInt32) -> XMMValue {
    var result = XMMValue.zero
    for lane in 0..<4 {
      result[single: lane] = (lane < 2 ? a : b)[single: Int(order >> UInt32(2 * lane) & 3)]
    }
    return result
  }

  private static func shiftedBytes(_ value: XMMValue, by count: UInt32, left: Bool) -> XMMValue {
    let bits = Int(min(count, 16)) * 8
    if left {
      return XMMValue(low: value.low << bits, high: value.high << bits | value.low >> (64 - bits))
    }
    return XMMValue(low: value.low >> bits | value.high << (64 - bits), high: value.high >> bits)
  }
}
