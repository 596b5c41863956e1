import TestSupport

/// The states that forms begin with: edges and seeded numbers.
enum VectorPools {
  /// Odd, so that every odd stride goes round.
  static let count = 1024

  /// What differs from state to state, by pool; the rest is as in `VectorState()`.
  static func ranges(_ pool: VectorForm.Pool) -> [Range<Int>] {
    let common = [
      VectorState.Place.data..<VectorState.Place.data + 0xc0,
      VectorState.Place.stack + 0x80..<VectorState.Place.stack + 0xc0,
    ]
    return switch pool {
    case .integer: [0..<16, 20..<36] + common
    case .x87: [0..<4, 32..<36, 64..<69, 80..<160] + common
    case .simd: [0..<16, 32..<36, 66..<69, 72..<76, 80..<288] + common
    }
  }

  static func states(_ pool: VectorForm.Pool, seed: UInt64) -> [VectorState] {
    var random = SeededGenerator(seed: seed &+ UInt64(pool.rawValue))
    return (0..<count).map { _ in
      switch pool {
      case .integer: integer(&random)
      case .x87: x87(&random)
      case .simd: simd(&random)
      }
    }
  }

  private static func pick<T>(_ values: [T], _ random: inout SeededGenerator) -> T {
    values[Int(random.next() % UInt64(values.count))]
  }

  /// The arithmetic flags and DF; seldom AC.
  private static func eflags(_ random: inout SeededGenerator) -> UInt32 {
    let alignment: UInt32 = random.oneIn(16) ? 1 << 18 : 0
    return random.word() & (random.oneIn(4) ? 0xcd5 : 0x8d5) | alignment | 0x202
  }

  // MARK: Integers

  private static let edges: [UInt32] = [
    0, 1, 2, 9, 0xf, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000,
    0x7fff_ffff,
    0x8000_0000, 0x8000_0001, 0xffff_8000, 0xffff_ff80, 0xffff_fffe, 0xffff_ffff, 0x99, 0x9a, 0x0f0f_0f0f,
  ]

  private static func word(_ random: inout SeededGenerator) -> UInt32 {
    switch random.next() % 5 {
    case 0, 1: random.word()
    case 2: random.word() >> (random.word() & 31)
    case 3: 0 &- (random.word() >> (random.word() & 31))
    default: pick(edges, &random)
    }
  }

  private static func integer(_ random: inout SeededGenerator) -> VectorState {
    var state = VectorState()
    for register in 0..<8 as Range<UInt8> where register != 4 {
      state.put(word(&random), VectorState.Place.general(register))
    }
    state.put(eflags(&random), VectorState.Place.eflags)
    let alphabet = random.oneIn(3) ? [0, 1] + [random.byte()] : nil
    for place in ranges(.integer).dropFirst(2).joined() {
      state.bytes[place] = alphabet.map { pick($0, &random) } ?? random.byte()
    }
    let operand = VectorState.Place.operand
    for place in [operand, operand + 4, VectorState.Place.stackTop] where random.flag() {
      state.put(word(&random), place)
    }
    // What CMPXCHG, SCAS and comparisons find equal.
    if random.oneIn(4) {
      let value = state.general(0)
      for register in 1..<4 as Range<UInt8> where random.flag() {
        state.put(value, VectorState.Place.general(register))
      }
      state.put(value, operand)
      state.put(state.general(2), operand + 4)
      for place in stride(from: 0, to: 0x40, by: 4) where random.flag() {
        state.put(value, VectorState.Place.data + 0x80 + place)
      }
    }
    return state
  }

  // MARK: x87

  /// Significand, sign and exponent of 80 bits.
  private static func extended(_ random: inout SeededGenerator) -> (UInt64, UInt16) {
    var significand = random.next() | 1 << 63
    var exponent = UInt16(0x3fff - 40 + random.next() % 80)
    switch random.next() % 10 {
    case 0:
      exponent = pick([0, 0x7fff], &random)
      if random.flag() { significand = pick([0, 1 << 63, 3 << 62, 5 << 61], &random) }
    case 1: exponent = UInt16(truncatingIfNeeded: random.next() & 0x7fff)
    case 2, 3: significand &= ~0 << (random.next() & 63)
    case 4:
      // A small integer, or half of one.
      let value = random.next() % 64 + 1
      let zeros = value.leadingZeroBitCount
      significand = value << UInt64(zeros)
      exponent = UInt16(0x3fff + 63 - zeros) - (random.flag() ? 1 : 0)
    case 5: if random.oneIn(8) { significand &= ~(1 << 63) }
    case 6: if random.oneIn(2) { (significand, exponent) = (0, 0) }
    default: break
    }
    return (significand, exponent | (random.flag() ? 0x8000 : 0))
  }

  private static func putRegisters(_ state: inout VectorState, _ random: inout SeededGenerator) {
    for register in 0..<8 {
      let (significand, exponent) = extended(&random)
      state.put(significand, VectorState.Place.registers + 10 * register)
      state.put(exponent, VectorState.Place.registers + 10 * register + 8)
    }
  }

  private static func x87(_ random: inout SeededGenerator) -> VectorState {
    var state = VectorState()
    state.put(word(&random), VectorState.Place.general(0))
    state.put(eflags(&random), VectorState.Place.eflags)
    for place in ranges(.x87).dropFirst(4).joined() { state.bytes[place] = random.byte() }
    putRegisters(&state, &random)
    let masks = random.flag() ? 0x3f : UInt16(random.next() & 0x3f)
    let control = UInt16(random.next() & 0x1f00) & (random.oneIn(4) ? 0x1f00 : 0x0f00) | 0x40 | masks
    state.put(random.flag() ? control | 0x300 : control, VectorState.Place.control)
    var status = UInt16(truncatingIfNeeded: random.next() & 0x7f7f)
    if random.flag() { status &= 0x7f00 }
    // An exception that is pending makes the instruction raise #MF: seldom wanted.
    if !random.oneIn(16) { status &= 0x7f40 | masks }
    if status & ~masks & 0x3f != 0 { status |= 0x8080 }
    state.put(status, VectorState.Place.status)
    let empty = random.byte() & random.byte() & (random.oneIn(4) ? 0xff : random.byte() & random.byte())
    state[VectorState.Place.used] = ~empty
    // An operand in memory: 32, 64 and 80 bits that are ordinary numbers, integers, decimals.
    let operand = VectorState.Place.operand
    switch random.next() % 6 {
    case 0:
      let (significand, exponent) = extended(&random)
      state.put(significand, operand)
      state.put(exponent, operand + 8)
    case 1: state.put(random.word() & 0x83ff_ffff | 0x3c00_0000, operand)
    case 2:
      state.put(random.next() & 0x803f_ffff_ffff_ffff | 0x3f80_0000_0000_0000, operand)
    case 3:
      for place in 0..<10 { state.bytes[operand + place] = random.byte() % 10 | (random.byte() % 10) << 4 }
      state.bytes[operand + 9] = random.flag() ? 0x80 : 0
    case 4: state.put(UInt64(bitPattern: Int64(Int32(bitPattern: word(&random)))), operand)
    default: state.put(pick(singles, &random), operand)
    }
    return state
  }

  // MARK: MMX, SSE

  private static let singles: [UInt32] = [
    0, 0x8000_0000, 1, 0x8000_0001, 0x7f_ffff, 0x80_0000, 0x3f80_0000, 0xbf80_0000, 0x3f80_0001,
    0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffa5_5555, 0x4f00_0000,
    0xcf00_0000, 0x4eff_ffff, 0x3f00_0000, 0x3fc0_0000, 0x4020_0000, 0x40e0_0000, 0x1000_0000, 0x7000_0000,
  ]
  private static let doubles: [UInt64] = [
    0, 1 << 63, 1, 1 << 63 | 1, 0xf_ffff_ffff_ffff, 1 << 52, 0x3ff << 52, 0xbff << 52, 0x3ff << 52 | 1,
    0x7fef_ffff_ffff_ffff, 0x7ff << 52, 0xfff << 52, 0x7ff8 << 48, 0x7ff << 52 | 1, 0xfff5_5555_5555_5555,
    0x41e0_0000_0000_0000, 0xc1e0_0000_0000_0000, 0xc1e0_0000_0020_0000, 0x41df_ffff_ffc0_0000,
    0x3fe0_0000_0000_0000, 0x4004_0000_0000_0000, 0x47ef_ffff_e000_0000, 0x47ef_ffff_f000_0000,
    0x3800_0000_0000_0000, 0x36a0_0000_0000_0000, 0x3690_0000_0000_0000,
  ]
  private static let smallBytes: [UInt8] = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff]

  private static func quadword(_ kind: UInt64, _ random: inout SeededGenerator) -> UInt64 {
    func two(_ make: (inout SeededGenerator) -> UInt32) -> UInt64 {
      let high = UInt64(make(&random))
      return high << 32 | UInt64(make(&random))
    }
    switch kind {
    case 0: return random.next()
    case 1:
      var value: UInt64 = 0
      for _ in 0..<8 { value = value << 8 | UInt64(pick(smallBytes, &random)) }
      return value
    case 2: return two { pick(singles, &$0) }
    case 3: return pick(doubles, &random)
    case 4: return two { 0x3f00_0000 + ($0.word() & 0x01ff_0000) | ($0.flag() ? 1 << 31 : 0) }
    // The count of a shift.
    case 5: return random.next() & 0x3f
    default:
      let exponent = 0x3ff - 40 + random.next() % 80
      return exponent << 52 | (random.next() & 0xf_ffff_ffff_ffff) | (random.flag() ? 1 << 63 : 0)
    }
  }

  private static func simd(_ random: inout SeededGenerator) -> VectorState {
    var state = VectorState()
    for register in 0..<4 as Range<UInt8> { state.put(word(&random), VectorState.Place.general(register)) }
    state.put(eflags(&random), VectorState.Place.eflags)
    for place in ranges(.simd).suffix(2).joined() { state.bytes[place] = random.byte() }
    let kind = random.next() % 7
    for register in 0..<8 {
      state.put(quadword(kind, &random), VectorState.Place.registers + 10 * register)
      state.put(UInt16(truncatingIfNeeded: random.next()), VectorState.Place.registers + 10 * register + 8)
    }
    for half in 0..<16 { state.put(quadword(kind, &random), VectorState.Place.xmm + 8 * half) }
    for half in 0..<8 { state.put(quadword(kind, &random), VectorState.Place.operand + 8 * half) }
    state.put(UInt16(random.byte() & 7) << 11, VectorState.Place.status)
    state[VectorState.Place.used] = random.byte()
    var mxcsr = UInt32(random.next() & 0xe040) | 0x1f80
    if random.oneIn(3) { mxcsr = UInt32(random.next() & 0xffff) }
    if random.oneIn(4) { mxcsr |= UInt32(random.next() & 0x3f) }
    state.put(mxcsr, VectorState.Place.mxcsr)
    return state
  }
}
