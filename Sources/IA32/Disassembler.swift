/// Instructions as text, in Intel's syntax.
public enum Disassembler {
  /// One line, as `objdump -M intel` prints it.
  ///
  /// Prefixes without effect, and displacements of zero that the encoding carries, are left out.
  ///
  /// - Parameters:
  ///   - instruction: what to print.
  ///   - address: the instruction's offset in the code segment; branches are printed with their targets.
  ///   - symbol: names an address, for branch targets: `call   0x1234 <name>`.
  public static func text(
    _ instruction: Instruction, at address: UInt32, symbol: ((UInt32) -> String?)? = nil
  ) -> String {
    InstructionText(instruction: instruction, row: OpcodeTable.row(of: instruction), address: address)
      .line(symbol)
  }
}
