import IA32
import TestSupport

/// Seeded machine code: half of it uniformly random bytes, half drawn evenly from the rows of the opcode table.
struct RandomCode {
  private var generator: SeededGenerator
  private static let prefixes: [UInt8] = [
    0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x66, 0x66, 0x67, 0x67, 0x67, 0xF0, 0xF2, 0xF3,
  ]

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func bytes(count: Int) -> [UInt8] {
    var code: [UInt8] = []
    while code.count < count / 2 { code.append(generator.byte()) }
    while code.count < count { appendFromTable(to: &code) }
    return code
  }

  /// Up to two prefixes, the opcode, a ModRM byte that the row matches, and bytes for whatever follows.
  private mutating func appendFromTable(to code: inout [UInt8]) {
    for _ in 0..<max(0, Int.random(in: -2...2, using: &generator)) {
      code.append(Self.prefixes.randomElement(using: &generator) ?? 0x66)
    }
    guard let row = OpcodeTable.rows.randomElement(using: &generator) else { return }
    let opcode = UInt32.random(in: row.opcode...row.lastOpcode, using: &generator)
    if let prefix = row.prefix.byte { code.append(prefix) }
    code += row.map.escape
    code.append(UInt8(truncatingIfNeeded: opcode))
    if row.flags.contains(.modRM) {
      var modRM = generator.byte()
      while !row.pattern.matches(modRM) { modRM = generator.byte() }
      code.append(modRM)
    }
    for _ in 0..<Int.random(in: 0...6, using: &generator) { code.append(generator.byte()) }
  }
}
