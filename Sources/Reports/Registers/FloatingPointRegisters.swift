import Emulator
import FloatingPoint

/// `info float`, laid out as gdb lays it out.
public struct FloatingPointRegisters: Report {
  let registers: X87Registers

  /// The floating-point unit's registers.
  public init(registers: X87Registers) { self.registers = registers }

  private var top: Int { Int(registers.status >> 11 & 7) }

  /// What R0 to R7 hold, from the last to the first: gdb begins with R7.
  private var stack: [(register: Int, index: Int, tag: Int, value: ExtendedFloat)] {
    (0..<8).reversed().map { register in
      let index = (register + 8 - top) & 7
      return (
        register, index, Int(registers.tags >> UInt16(2 * register) & 3), registers.stack[index]
      )
    }
  }

  private static let tags = ["Valid", "Zero", "Special", "Empty"]
  private static let precisions = [
    "Single Precision (24-bits)", "Reserved", "Double Precision (53-bits)", "Extended Precision (64-bits)",
  ]
  private static let roundings = ["Round to nearest", "Round down", "Round up", "Round toward zero"]
  private static let exceptions = ["I", "D", "Z", "O", "U", "P"]

  private static func bits(_ value: ExtendedFloat) -> String {
    hexadecimal(UInt64(value.signExponent), digits: 4) + hexadecimal(value.significand, digits: 16)
  }

  /// A number, or what else the bits are.
  private static func text(_ value: ExtendedFloat) -> String {
    switch value.floatClass {
    case .infinity: value.isNegative ? "-Inf" : "+Inf"
    case .quietNaN: value == .indefinite ? "Real Indefinite (QNaN)" : "QNaN"
    case .signalingNaN: "SNaN"
    case .unsupported: "Unsupported"
    case .zero, .normal: value.decimalText
    case .denormal:
      value.decimalText.padded(to: 27) + (value.significand >> 63 != 0 ? " Pseudo-denormal" : " Denormal")
    }
  }

  /// Set bits by their names, blanks for the others.
  private static func names(_ word: UInt16, _ bits: [(name: String, bit: UInt16)]) -> String {
    bits.map { word >> $0.bit & 1 != 0 ? $0.name : "  " }.joined(separator: " ")
  }

  public var lines: [String] {
    let (control, status) = (registers.control, registers.status)
    let flags = Self.exceptions.enumerated().map { ($1 + "E", UInt16($0)) }
    let masks = Self.exceptions.enumerated().map { ($1 + "M", UInt16($0)) }
    let conditions = [("C0", 8 as UInt16), ("C1", 9), ("C2", 10), ("C3", 14)]
    let all =
      stack.map { entry in
        let tag = Self.tags[entry.tag].padded(to: 8)
        return "\(entry.index == 0 ? "=>" : "  ")R\(entry.register): \(tag)0x\(Self.bits(entry.value))"
          + (entry.tag == 3 ? "" : " " + Self.text(entry.value))
      } + [
        "",
        "Status Word:         0x\(hexadecimal(UInt64(status), digits: 4))   \(Self.names(status, flags))   "
          + Self.names(status, [("ES", 7)]) + "   " + Self.names(status, [("SF", 6)]) + "   "
          + Self.names(status, conditions),
        "                       TOP: \(top)",
        "Control Word:        0x\(hexadecimal(UInt64(control), digits: 4))   \(Self.names(control, masks))",
        "                       PC: \(Self.precisions[Int(control >> 8 & 3)])",
        "                       RC: \(Self.roundings[Int(control >> 10 & 3)])",
        "Tag Word:            0x\(hexadecimal(UInt64(registers.tags), digits: 4))",
        "Instruction Pointer: " + Self.pointer(registers.instructionSelector, registers.instructionOffset),
        "Operand Pointer:     " + Self.pointer(registers.operandSelector, registers.operandOffset),
        "Opcode:              0x"
          + hexadecimal(registers.opcode == 0 ? 0 : 0xd800 | UInt64(registers.opcode), digits: 4),
      ]
    return all.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
  }

  private static func pointer(_ selector: UInt16, _ offset: UInt32) -> String {
    "0x\(hexadecimal(UInt64(selector), digits: 2)):0x\(hexadecimal(UInt64(offset), digits: 8))"
  }

  public var json: JSONValue {
    .object([
      .init(
        "stack",
        .array(
          stack.sorted { $0.index < $1.index }.map { entry in
            .object([
              .init("name", .string("st\(entry.index)")), .init("register", .number(UInt64(entry.register))),
              .init("tag", .string(Self.tags[entry.tag].lowercased())),
              .init("bits", .string("0x" + Self.bits(entry.value))),
              .init("value", .string(Self.text(entry.value))),
            ])
          })),
      .init("control", .hex(UInt64(registers.control), digits: 4)),
      .init("status", .hex(UInt64(registers.status), digits: 4)),
      .init("tags", .hex(UInt64(registers.tags), digits: 4)), .init("top", .number(UInt64(top))),
      .init(
        "instruction",
        .object([
          .init("selector", .hex(UInt64(registers.instructionSelector), digits: 4)),
          .init("offset", .hex(UInt64(registers.instructionOffset), digits: 8)),
        ])),
      .init(
        "operand",
        .object([
          .init("selector", .hex(UInt64(registers.operandSelector), digits: 4)),
          .init("offset", .hex(UInt64(registers.operandOffset), digits: 8)),
        ])),
      .init("opcode", .hex(UInt64(registers.opcode), digits: 3)),
    ])
  }
}
