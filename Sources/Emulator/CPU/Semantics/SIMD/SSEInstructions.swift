import FloatingPoint
import IA32

/// Arithmetic, comparisons, logic and shuffles of floating-point elements. SDM vol. 1, 10.4.1 and 11.4.1.
extension CPU {
  func sse(
    _ op: UnsafeMutablePointer<Op>, _ operation: SSEOperation, _ form: FloatForm
  ) throws(GuestFault) {
    try requireSSE()
    let destination = op.pointee.destination
    let source = try xmmSource(op)
    let old = state.pointee.sse[destination]
    let control = state.pointee.sse.control
    let elements = SSEForm(form)
    let result: SSEResult
    switch operation {
    case .add: result = SSE.arithmetic(.add, elements, old, source, control)
    case .mul: result = SSE.arithmetic(.multiply, elements, old, source, control)
    case .sub: result = SSE.arithmetic(.subtract, elements, old, source, control)
    case .div: result = SSE.arithmetic(.divide, elements, old, source, control)
    case .min: result = SSE.arithmetic(.minimum, elements, old, source, control)
    case .max: result = SSE.arithmetic(.maximum, elements, old, source, control)
    case .sqrt: result = SSE.arithmetic(.squareRoot, elements, old, source, control)
    case .cmp:
      // Of the immediate the low three bits count. SDM vol. 2A, CMPPS.
      result = SSEPortable.compare(
        predicate: UInt8(op.pointee.immediate & 7), elements, old, source, control)
    case .rcp: result = approximated(elements, old, source, SSEPortable.reciprocal)
    case .rsqrt: result = approximated(elements, old, source, SSEPortable.reciprocalRoot)
    case .comis, .ucomis:
      let (flags, found) = SSEPortable.compareToFlags(
        elements, old, source, isQuiet: operation == .ucomis, control)
      try reportSIMD(found)
      state.pointee.flags = LazyFlags(arithmeticFlags: flags)
      return
    case .and, .andn, .or, .xor, .shuf, .unpckl, .unpckh:
      state.pointee.sse[destination] = Self.rearranged(operation, form, old, source, op.pointee.immediate)
      return
    }
    try reportSIMD(result.flags)
    state.pointee.sse[destination] = result.value
  }

  private func approximated(
    _ form: SSEForm, _ old: XMMValue, _ source: XMMValue, _ function: (UInt32) -> UInt32
  ) -> SSEResult {
    var value = old
    for element in 0..<(form == .packedSingle ? 4 : 1) {
      value[single: element] = function(source[single: element])
    }
    return SSEResult(value, [])
  }

  /// What looks at no element's value.
  private static func rearranged(
    _ operation: SSEOperation, _ form: FloatForm, _ a: XMMValue, _ b: XMMValue, _ immediate: UInt32
  ) -> XMMValue {
    switch operation {
    case .and: return XMMValue(low: a.low & b.low, high: a.high & b.high)
    case .andn: return XMMValue(low: ~a.low & b.low, high: ~a.high & b.high)
    case .or: return XMMValue(low: a.low | b.low, high: a.high | b.high)
    case .xor: return XMMValue(low: a.low ^ b.low, high: a.high ^ b.high)
    case .unpckl:
      guard form.isSingle else { return XMMValue(low: a.low, high: b.low) }
      return XMMValue(
        low: PackedLanes.interleave(a.low, b.low, bits: 32),
        high: PackedLanes.interleave(a.low >> 32, b.low >> 32, bits: 32))
    case .unpckh:
      guard form.isSingle else { return XMMValue(low: a.high, high: b.high) }
      return XMMValue(
        low: PackedLanes.interleave(a.high, b.high, bits: 32),
        high: PackedLanes.interleave(a.high >> 32, b.high >> 32, bits: 32))
    default:
      guard form.isSingle else {
        return XMMValue(low: a[double: Int(immediate & 1)], high: b[double: Int(immediate >> 1 & 1)])
      }
      return shuffled(a, b, immediate)
    }
  }
}

extension SSEForm {
  /// The form by the opcode table's word for it.
  @inline(__always)
  init(_ form: FloatForm) {
    self =
      switch form {
      case .packedSingle: .packedSingle
      case .packedDouble: .packedDouble
      case .scalarSingle: .scalarSingle
      case .scalarDouble: .scalarDouble
      }
  }
}
