import FloatingPoint

/// The floating-point unit's registers at an instruction boundary, as a value to look at. SDM vol. 1, 8.1.
public struct X87Registers: Hashable, Sendable {
  /// ST(0) to ST(7), empty ones as their bits are.
  public var stack: [ExtendedFloat]
  /// Whether ST(0) to ST(7) are empty.
  public var isEmpty: [Bool]
  /// The control word.
  public var control: UInt16
  /// The status word with TOP.
  public var status: UInt16
  /// Two bits for each of R0 to R7: valid, zero, special, empty.
  public var tags: UInt16
  /// Selector of the last instruction but those of control.
  public var instructionSelector: UInt16
  /// Its offset.
  public var instructionOffset: UInt32
  /// The last eleven bits of its opcode bytes.
  public var opcode: UInt16
  /// Selector of the last operand in memory.
  public var operandSelector: UInt16
  /// Its offset.
  public var operandOffset: UInt32

  init(_ unit: X87State) {
    stack = (0..<8).map { unit[$0] }
    isEmpty = (0..<8).map { unit.isEmpty($0) }
    control = unit.control.rawValue
    status = unit.status
    tags = unit.tags
    instructionSelector = unit.instruction.selector
    instructionOffset = unit.instruction.offset
    opcode = unit.opcode
    operandSelector = unit.operand.selector
    operandOffset = unit.operand.offset
  }
}
