import Emulator
import FloatingPoint
import IA32

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

  /// R7 to R0, with an arrow at ST(0).
  private var stackLines: [String] {
    stack.map { entry in
      let arrow = entry.index == 0 ? "=>" : "  "
      let bits = Self.tags[entry.tag].padded(to: 8) + "0x" + Self.bits(entry.value)
      return "\(arrow)R\(entry.register): \(bits)" + (entry.tag == 3 ? "" : " " + Self.text(entry.value))
    }
  }

  private var statusLine: String {
    let word = registers.status
    let exceptions = Self.exceptions.enumerated().map { (name: $1 + "E", bit: UInt16($0)) }
    let groups: [[(name: String, bit: UInt16)]] = [
      exceptions, [("ES", 7)], [("SF", 6)], [("C0", 8), ("C1", 9), ("C2", 10), ("C3", 14)],
    ]
    return Self.word(word) + groups.map { "   " + Self.names(word, $0) }.joined()
  }

  private var controlLine: String {
    let masks = Self.exceptions.enumerated().map { (name: $1 + "M", bit: UInt16($0)) }
    return Self.word(registers.control) + "   " + Self.names(registers.control, masks)
  }

  private static func word(_ value: UInt16) -> String { "0x" + hexadecimal(UInt64(value), digits: 4) }

  public var lines: [String] {
    let control = registers.control
    let opcode = registers.opcode == 0 ? 0 : 0xd800 | registers.opcode
    let words = [
      "", "Status Word:         " + statusLine, "                       TOP: \(top)",
      "Control Word:        " + controlLine,
      "                       PC: " + Self.precisions[Int(control >> 8 & 3)],
      "                       RC: " + Self.roundings[Int(control >> 10 & 3)],
      "Tag Word:            " + Self.word(registers.tags),
      "Instruction Pointer: " + Self.pointer(registers.instructionSelector, registers.instructionOffset),
      "Operand Pointer:     " + Self.pointer(registers.operandSelector, registers.operandOffset),
      "Opcode:              " + Self.word(opcode),
    ]
    return (stackLines + words).map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
  }

  private static func pointer(_ selector: UInt16, _ offset: UInt32) -> String {
    "0x\(hexadecimal(UInt64(selector), digits: 2)):0x\(hexadecimal(UInt64(offset), digits: 8))"
  }

  private func pointerJSON(_ selector: UInt16, _ offset: UInt32) -> JSONValue {
    .object([
      .init("selector", .hex(UInt64(selector), digits: 4)), .init("offset", .hex(UInt64(offset), digits: 8)),
    ])
  }

  private var stackJSON: JSONValue {
    .array(
      stack.sorted { $0.index < $1.index }.map { entry in
        .object([
          .init("name", .string("st\(entry.index)")), .init("register", .number(UInt64(entry.register))),
          .init("tag", .string(Self.tags[entry.tag].lowercased())),
          .init("bits", .string("0x" + Self.bits(entry.value))),
          .init("value", .string(Self.text(entry.value))),
        ])
      })
  }

  public var json: JSONValue {
    .object([
      .init("stack", stackJSON), .init("control", .hex(UInt64(registers.control), digits: 4)),
      .init("status", .hex(UInt64(registers.status), digits: 4)),
      .init("tags", .hex(UInt64(registers.tags), digits: 4)), .init("top", .number(UInt64(top))),
      .init("instruction", pointerJSON(registers.instructionSelector, registers.instructionOffset)),
      .init("operand", pointerJSON(registers.operandSelector, registers.operandOffset)),
      .init("opcode", .hex(UInt64(registers.opcode), digits: 3)),
    ])
  }
}
