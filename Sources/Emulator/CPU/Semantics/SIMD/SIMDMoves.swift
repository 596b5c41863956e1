import FloatingPoint
import IA32

/// Moves between MMX, XMM and general registers and memory. SDM vol. 1, 9.4.1, 10.4.1.1 and 11.4.1.1.
extension CPU {
  func simdMove(_ op: UnsafeMutablePointer<Op>, _ operation: SIMDMoveOperation) throws(GuestFault) {
    switch operation {
    case .movdToMMX, .movdFromMMX, .movqMMX, .movntq, .maskmovq: try moveMMX(op, operation)
    case .movq2dq:
      try requireSSE()
      try requireMMX()
      enterMMXState()
      state.pointee.sse[op.pointee.destination] = XMMValue(low: mmx(op.pointee.source), high: 0)
    case .movdq2q:
      try requireSSE()
      try requireMMX()
      enterMMXState()
      setMMX(op.pointee.destination, state.pointee.sse[op.pointee.source].low)
    // Non-temporal: a hint to the caches, which an ordinary store obeys as well.
    case .movnti: try store(op.pointee.segment, offset(op), registers[Int(op.pointee.source)])
    default:
      try requireSSE()
      try moveXMM(op, operation)
    }
  }

  private func moveMMX(_ op: UnsafeMutablePointer<Op>, _ operation: SIMDMoveOperation) throws(GuestFault) {
    try requireMMX()
    switch operation {
    case .movdToMMX:
      let value = try generalSource(op)
      enterMMXState()
      setMMX(op.pointee.destination, UInt64(value))
    case .movdFromMMX:
      try setDestination(op, UInt32(truncatingIfNeeded: mmx(op.pointee.source)))
      enterMMXState()
    case .maskmovq:
      try storeMasked(op, XMMValue(low: mmx(op.pointee.destination), high: 0), [mmx(op.pointee.source)])
      enterMMXState()
    default:
      if op.pointee.isDestinationInMemory {
        try store(op.pointee.segment, offset(op), mmx(op.pointee.source))
        enterMMXState()
      } else {
        let value = try mmxSource(op)
        enterMMXState()
        setMMX(op.pointee.destination, value)
      }
    }
  }

  private func moveXMM(_ op: UnsafeMutablePointer<Op>, _ operation: SIMDMoveOperation) throws(GuestFault) {
    let (destination, source) = (op.pointee.destination, op.pointee.source)
    switch operation {
    case .movaps, .movapd, .movdqa, .movntps, .movntpd, .movntdq:
      if op.pointee.isDestinationInMemory {
        try storeXMM(op, state.pointee.sse[source], isAligned: true)
      } else {
        state.pointee.sse[destination] = try xmmSource(op)
      }
    case .movups, .movupd, .movdqu:
      if op.pointee.isDestinationInMemory {
        try storeXMM(op, state.pointee.sse[source], isAligned: false)
      } else {
        state.pointee.sse[destination] =
          op.pointee.hasMemoryOperand
          ? try loadedXMM(op, isAligned: false) : state.pointee.sse[source]
      }
    case .movss, .movsd, .movqXMM: try moveScalar(op, operation)
    case .movlps, .movlpd:
      if op.pointee.isDestinationInMemory {
        try store(op.pointee.segment, offset(op), state.pointee.sse[source].low)
      } else {
        state.pointee.sse.registers[Int(destination)].low = try loadMemoryQuadword(op)
      }
    case .movhps, .movhpd:
      if op.pointee.isDestinationInMemory {
        try store(op.pointee.segment, offset(op), state.pointee.sse[source].high)
      } else {
        state.pointee.sse.registers[Int(destination)].high = try loadMemoryQuadword(op)
      }
    case .movhlps: state.pointee.sse.registers[Int(destination)].low = state.pointee.sse[source].high
    case .movlhps: state.pointee.sse.registers[Int(destination)].high = state.pointee.sse[source].low
    case .movdToXMM:
      state.pointee.sse[destination] = XMMValue(low: UInt64(try generalSource(op)), high: 0)
    case .movdFromXMM: try setDestination(op, state.pointee.sse[source][single: 0])
    case .movmskps:
      let value = state.pointee.sse[source]
      registers[Int(destination)] = (0..<4).reduce(0) { $0 | (value[single: $1] >> 31) << UInt32($1) }
    case .movmskpd:
      let value = state.pointee.sse[source]
      registers[Int(destination)] = UInt32(truncatingIfNeeded: value.low >> 63 | (value.high >> 63) << 1)
    default:
      let mask = state.pointee.sse[source]
      try storeMasked(op, state.pointee.sse[destination], [mask.low, mask.high])
    }
  }

  /// Of one element: from memory with zeros above, between registers alone, but for MOVQ, which clears the rest.
  private func moveScalar(_ op: UnsafeMutablePointer<Op>, _ operation: SIMDMoveOperation) throws(GuestFault) {
    let (destination, source) = (op.pointee.destination, op.pointee.source)
    if op.pointee.isDestinationInMemory {
      let value = state.pointee.sse[source].low
      if operation == .movss {
        try store(op.pointee.segment, offset(op), UInt32(truncatingIfNeeded: value))
      } else {
        try store(op.pointee.segment, offset(op), value)
      }
    } else if op.pointee.hasMemoryOperand {
      state.pointee.sse[destination] = try loadedXMM(op, isAligned: false)
    } else {
      switch operation {
      case .movss:
        let element = state.pointee.sse[source][single: 0]
        state.pointee.sse.registers[Int(destination)][single: 0] = element
      case .movsd: state.pointee.sse.registers[Int(destination)].low = state.pointee.sse[source].low
      default: state.pointee.sse[destination] = XMMValue(low: state.pointee.sse[source].low, high: 0)
      }
    }
  }

  private func loadMemoryQuadword(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt64 {
    try load(op.pointee.segment, offset(op), as: UInt64.self)
  }

  /// The bytes of `value` whose bytes in `mask` have the highest bit set, at (E)DI. What lies between the first and the last of them is
  /// checked before one is stored; a mask of zeros touches nothing. SDM vol. 2B, MASKMOVDQU.
  private func storeMasked(
    _ op: UnsafeMutablePointer<Op>, _ value: XMMValue, _ mask: [UInt64]
  ) throws(GuestFault) {
    let start = offset(op)
    var chosen: [UInt32] = []
    for byte in 0..<UInt32(8 * mask.count) {
      let half = mask[Int(byte / 8)]
      if half >> UInt64(byte % 8 * 8 + 7) & 1 != 0 { chosen.append(byte) }
    }
    guard let first = chosen.first, let last = chosen.last else { return }
    let linear = try linearAddress(op.pointee.segment, start &+ first, bytes: last - first + 1, .write)
    var targets: [WriteTarget] = []
    for byte in chosen {
      targets.append(try mmu.writeTarget(linear &+ (byte - first), bytes: 1, user: mmu.isUserMode))
    }
    for (byte, target) in zip(chosen, targets) {
      let half = byte < 8 ? value.low : value.high
      mmu.commit(target, UInt8(truncatingIfNeeded: half >> UInt64(byte % 8 * 8)))
    }
  }
}
