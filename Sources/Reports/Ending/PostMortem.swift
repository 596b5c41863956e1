import Emulator
import IA32

/// What is left of a processor after a triple fault: an exception, a second one while it was delivered, and a third
/// while the double fault was. SDM vol. 3A, 6.15, interrupt 8.
public struct PostMortem: Report {
  private let explanation: FaultExplanation
  private let registers: RegisterFile

  /// - Parameter describe: words for a linear address, such as "00100014 kernel_main+0x14 (main.c:12)".
  public init(_ machine: Machine, describe: (UInt32) -> String) {
    explanation = FaultExplanation(machine, describe: describe)
    registers = machine.registers
  }

  /// The faults in sentences, the entries that page faults ended at among them, and the control registers.
  public var lines: [String] {
    let controls = [
      ("CR0", registers.cr0), ("CR2", registers.cr2), ("CR3", registers.cr3), ("CR4", registers.cr4),
    ]
    let row = controls.map { "\($0) \(hexadecimal(UInt64($1), digits: 8))" }.joined(separator: "  ")
    return explanation.lines + [row]
  }

  /// The faults, and the control registers by name.
  public var json: JSONValue {
    .object([
      .init("explanation", explanation.json), .init("registers", ControlRegisters(registers: registers).json),
    ])
  }
}
