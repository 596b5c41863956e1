import FloatingPoint
import IA32

/// Conversions between integers, singles and doubles. SDM vol. 1, 10.4.3 and 11.4.1.6.
extension CPU {
  func simdConversion(
    _ op: UnsafeMutablePointer<Op>, _ operation: SIMDConversionOperation
  ) throws(GuestFault) {
    try requireSSE()
    switch operation {
    case .cvtpi2ps, .cvtpi2pd: try convertFromMMX(op, operation)
    case .cvtps2pi, .cvttps2pi, .cvtpd2pi, .cvttpd2pi: try convertToMMX(op, operation)
    case .cvtsi2ss, .cvtsi2sd, .cvtss2si, .cvttss2si, .cvtsd2si, .cvttsd2si:
      try convertGeneral(op, operation)
    default: try convertXMM(op, operation)
    }
  }

  // MARK: MMX registers

  private func convertFromMMX(
    _ op: UnsafeMutablePointer<Op>, _ operation: SIMDConversionOperation
  ) throws(GuestFault) {
    // CVTPI2PD from memory leaves the floating-point unit alone. SDM vol. 2A, CVTPI2PD.
    let entersMMX = operation == .cvtpi2ps || !op.pointee.hasMemoryOperand
    if entersMMX { try requireMMX() }
    let source = try mmxSource(op)
    let (low, high) = (Self.integer(source), Self.integer(source >> 32))
    let destination = op.pointee.destination
    guard operation == .cvtpi2ps else {
      if entersMMX { enterMMXState() }
      state.pointee.sse[destination] = XMMValue(
        low: SSEPortable.double(from: low), high: SSEPortable.double(from: high))
      return
    }
    let control = state.pointee.sse.control
    let (first, second) = (SSEPortable.single(from: low, control), SSEPortable.single(from: high, control))
    // A processor has gone over to MMX when it raises #XM.
    enterMMXState()
    try reportSIMD(first.flags.union(second.flags))
    state.pointee.sse.registers[Int(destination)].low = UInt64(first.value) | UInt64(second.value) << 32
  }

  private func convertToMMX(
    _ op: UnsafeMutablePointer<Op>, _ operation: SIMDConversionOperation
  ) throws(GuestFault) {
    try requireMMX()
    let source = try xmmSource(op)
    let result =
      switch operation {
      case .cvtps2pi: integers(ofSingles: source, count: 2, truncates: false)
      case .cvttps2pi: integers(ofSingles: source, count: 2, truncates: true)
      default: integers(ofDoubles: source, truncates: operation == .cvttpd2pi)
      }
    enterMMXState()
    try reportSIMD(result.flags)
    setMMX(op.pointee.destination, result.value.low)
  }

  // MARK: General registers

  private func convertGeneral(
    _ op: UnsafeMutablePointer<Op>, _ operation: SIMDConversionOperation
  ) throws(GuestFault) {
    let destination = Int(op.pointee.destination)
    let control = state.pointee.sse.control
    switch operation {
    case .cvtsi2ss:
      let result = SSEPortable.single(from: Int32(bitPattern: try generalSource(op)), control)
      try reportSIMD(result.flags)
      state.pointee.sse.registers[destination][single: 0] = result.value
    case .cvtsi2sd:
      state.pointee.sse.registers[destination].low = SSEPortable.double(
        from: Int32(bitPattern: try generalSource(op)))
    default:
      let source = try xmmSource(op)
      let truncates = operation == .cvttss2si || operation == .cvttsd2si
      let result =
        operation == .cvtss2si || operation == .cvttss2si
        ? SSEPortable.integer(fromSingle: source[single: 0], truncates: truncates, control)
        : SSEPortable.integer(fromDouble: source.low, truncates: truncates, control)
      try reportSIMD(result.flags)
      registers[destination] = UInt32(bitPattern: result.value)
    }
  }

  // MARK: XMM registers

  private func convertXMM(
    _ op: UnsafeMutablePointer<Op>, _ operation: SIMDConversionOperation
  ) throws(GuestFault) {
    let source = try xmmSource(op)
    let old = state.pointee.sse[op.pointee.destination]
    let control = state.pointee.sse.control
    var result = SSEResult(.zero, [])
    switch operation {
    case .cvtps2pd:
      for index in 0..<2 {
        let element = SSEPortable.double(fromSingle: source[single: index], control)
        result.value[double: index] = element.value
        result.flags.formUnion(element.flags)
      }
    case .cvtpd2ps:
      for index in 0..<2 {
        let element = SSEPortable.single(fromDouble: source[double: index], control)
        result.value[single: index] = element.value
        result.flags.formUnion(element.flags)
      }
      result.flags = SSEPortable.settled(result.flags, control)
    case .cvtss2sd:
      let element = SSEPortable.double(fromSingle: source[single: 0], control)
      result = SSEResult(XMMValue(low: element.value, high: old.high), element.flags)
    case .cvtsd2ss:
      let element = SSEPortable.single(fromDouble: source.low, control)
      result = SSEResult(old, SSEPortable.settled(element.flags, control))
      result.value[single: 0] = element.value
    case .cvtdq2ps:
      for index in 0..<4 {
        let element = SSEPortable.single(from: Int32(bitPattern: source[single: index]), control)
        result.value[single: index] = element.value
        result.flags.formUnion(element.flags)
      }
    case .cvtdq2pd:
      result.value.low = SSEPortable.double(from: Self.integer(source.low))
      result.value.high = SSEPortable.double(from: Self.integer(source.low >> 32))
    case .cvtps2dq: result = integers(ofSingles: source, count: 4, truncates: false)
    case .cvttps2dq: result = integers(ofSingles: source, count: 4, truncates: true)
    default: result = integers(ofDoubles: source, truncates: operation == .cvttpd2dq)
    }
    try reportSIMD(result.flags)
    state.pointee.sse[op.pointee.destination] = result.value
  }

  private func integers(ofSingles source: XMMValue, count: Int, truncates: Bool) -> SSEResult {
    let control = state.pointee.sse.control
    var result = SSEResult(.zero, [])
    for index in 0..<count {
      let element = SSEPortable.integer(fromSingle: source[single: index], truncates: truncates, control)
      result.value[single: index] = UInt32(bitPattern: element.value)
      result.flags.formUnion(element.flags)
    }
    result.flags = SSEPortable.settled(result.flags, control)
    return result
  }

  private func integers(ofDoubles source: XMMValue, truncates: Bool) -> SSEResult {
    let control = state.pointee.sse.control
    var result = SSEResult(.zero, [])
    for index in 0..<2 {
      let element = SSEPortable.integer(fromDouble: source[double: index], truncates: truncates, control)
      result.value[single: index] = UInt32(bitPattern: element.value)
      result.flags.formUnion(element.flags)
    }
    result.flags = SSEPortable.settled(result.flags, control)
    return result
  }

  private static func integer(_ bits: UInt64) -> Int32 { Int32(truncatingIfNeeded: bits) }
}
