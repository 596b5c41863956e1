import IA32
import TestSupport

/// A seeded program of 2 to 20 instructions of all kinds, and a state to begin with. Where an instruction's operands ask for
/// something, MOVs before it see to that; where it leaves flags undefined, a CMP after it defines them.
struct VectorSequence {
  let seed: UInt64
  let before: VectorState
  private(set) var code: [UInt8] = []
  /// Where each instruction begins, and the end.
  private(set) var boundaries: [Int] = [0]

  /// The rows that it is made of.
  private static let rows = OpcodeTable.rows.filter(isUsable)

  private static func isUsable(_ row: OpcodeRow) -> Bool {
    if VectorForms.leftOut(row) != nil || VectorComparison.transcendentals.contains(row.operation) {
      return false
    }
    switch row.operation {
    case .control, .segment, .descriptor, .port, .system: return row.operation == .system(.wait)
    case .string(.ins), .string(.outs), .stack(.popf), .stack(.pushf): return false
    // Values that processors differ in, and words of which parts are left out of comparisons.
    case .sse(.rcp, _), .sse(.rsqrt, _): return false
    case .x87(let operation):
      return ![
        .fxsave, .fxrstor, .fnsave, .frstor, .fnstenv, .fldenv, .fcomi, .fcomip, .fucomi, .fucomip,
        .fprem, .fprem1, .fldcw,
      ].contains(operation)
    case .simdControl(.ldmxcsr), .bit(.bswap): return false
    // From memory processors differ in its transition to MMX.
    case .simdConversion(.cvtpi2ps): return false
    default: return true
    }
  }

  init(seed: UInt64, pools: [[VectorState]]) {
    self.seed = seed
    var random = SeededGenerator(seed: seed ^ 0x7365_7175_656e_6365)
    func pick(_ pool: VectorForm.Pool, _ random: inout SeededGenerator) -> VectorState {
      pools[Int(pool.rawValue)][Int(random.below(UInt32(pools[Int(pool.rawValue)].count)))]
    }
    var state = pick(.integer, &random)
    let (x87, simd) = (pick(.x87, &random), pick(.simd, &random))
    for place in [64..<69, 80..<160].joined() { state.bytes[place] = x87.bytes[place] }
    for place in [72..<76, 160..<288].joined() { state.bytes[place] = simd.bytes[place] }
    // Mostly masked, so that programs come to their ends.
    if !random.oneIn(6) {
      state.put(state.value(VectorState.Place.control, as: UInt16.self) | 0x3f, VectorState.Place.control)
      state.put(state.status & 0x7f7f, VectorState.Place.status)
      state.put(state.value(VectorState.Place.mxcsr, as: UInt32.self) | 0x1f80, VectorState.Place.mxcsr)
    }
    // What is checked for alignment varies with the processor.
    state.put(state.eflags & ~(1 << 18), VectorState.Place.eflags)
    before = state
    let length = 2 + Int(random.below(19))
    for _ in 0..<length where code.count < 400 {
      if random.oneIn(12) { skip(&random) } else { piece(&random) }
      boundaries.append(code.count)
    }
  }

  /// A conditional branch over an addition.
  private mutating func skip(_ random: inout SeededGenerator) {
    code += [0x70 | random.byte() & 15, 3, 0x83, 0xc0, random.byte()]
  }

  private mutating func piece(_ random: inout SeededGenerator) {
    // A family first: the table has as many rows of SSE as of all the rest.
    let family = random.below(4)
    var row: OpcodeRow
    repeat { row = Self.rows[Int(random.below(UInt32(Self.rows.count)))] } while Self.family(row) != family
    let forms = VectorForms.choices(of: row)
    let choice = forms[Int(random.below(UInt32(forms.count)))]
    if case .shift(let operation) = row.operation, choice.has66, operation == .shld || operation == .shrd {
      return
    }
    var writer = VectorEncodingWriter(
      row, number: Int(random.below(16)), has66: choice.has66, inMemory: choice.inMemory,
      repetition: choice.repetition)
    let encoding = writer.encoding(&random)
    if case .stack = row.operation { move(4, VectorState.stackTop) }
    for fixup in encoding.fixups {
      let value = (random.word() & fixup.mask) &+ fixup.addend
      if fixup.place < 32 {
        move(UInt8(fixup.place / 4), value)
      } else {
        let address =
          fixup.place < VectorState.Place.stack
          ? VectorState.data + UInt32(fixup.place - VectorState.Place.data)
          : VectorState.stack + UInt32(fixup.place - VectorState.Place.stack)
        code += [0xc7, 0x05] + Self.little(address) + Self.little(value)
      }
    }
    code += encoding.bytes
    if !row.record.flags.undefined.isEmpty { code += [0x3c, random.byte()] }
  }

  private static func family(_ row: OpcodeRow) -> UInt32 {
    switch row.operation {
    case .x87, .system: 1
    case .packedInteger: 2
    case .simdMove, .sse, .simdConversion, .simdControl: 3
    default: 0
    }
  }

  private mutating func move(_ register: UInt8, _ value: UInt32) {
    code += [0xb8 | register] + Self.little(value)
  }

  private static func little(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  /// The instructions of a piece of the program, as text.
  static func text(_ code: [UInt8]) -> String {
    var lines: [String] = []
    var offset = 0
    while offset < code.count {
      let rest = Array(code[offset...]) + [UInt8](repeating: 0x90, count: 15)
      guard case .instruction(let instruction) = rest.withUnsafeBytes({ Decoder.decode($0, mode: .bits32) })
      else { return (lines + ["(bad)"]).joined(separator: "; ") }
      lines.append("\(OpcodeTable.row(of: instruction).mnemonic)")
      lines[lines.count - 1] +=
        " ("
        + rest.prefix(Int(instruction.length)).map { hexDigits($0) }.joined(separator: " ") + ")"
      offset += Int(instruction.length)
    }
    return lines.joined(separator: "; ")
  }
}
