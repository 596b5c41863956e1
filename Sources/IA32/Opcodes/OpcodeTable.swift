/// The opcode table of the i686: every instruction of the Pentium Pro and those that MMX, SSE and SSE2 added, one row
/// an opcode. SDM vol. 2D, appendix A.
///
/// The decoder, the interpreter's choice of handler, the disassembler and the tests that enumerate encodings all read this
/// table. An opcode without a row is undefined; so are the ModRM bytes that no row's pattern matches.
public enum OpcodeTable {
  /// All rows. ``Instruction/row`` is an index into them.
  public static let rows: ContiguousArray<OpcodeRow> = ContiguousArray(
    oneByteRows + twoByteRows + groupRows + x87Rows + packedIntegerRows + simdMoveRows + sseRows
      + simdConversionRows + simdControlRows)

  /// The row that an instruction was decoded with.
  public static func row(of instruction: Instruction) -> OpcodeRow { rows[Int(instruction.row)] }

  /// The row of UD2, which stands for whatever no row matches.
  public static let undefinedRow = UInt16(rows.firstIndex { $0.operation == .system(.ud2) } ?? 0)

  /// The operation of each row, by its index: what an interpreter looks up while it executes. Never written again and never
  /// freed, so it may be shared unchecked.
  public nonisolated(unsafe) static let operationsByRow: UnsafePointer<Operation> =
    DecodeTables.copy(rows.map(\.operation))
}
