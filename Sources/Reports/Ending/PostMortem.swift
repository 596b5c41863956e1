import Emulator
import IA32

/// What is left of a processor after a triple fault: the faults that led to it, the registers, the stack, the accesses that led
/// nowhere.
/// SDM vol. 3A, 6.15, interrupt 8.
public struct PostMortem: Report {
  private let explanation: FaultExplanation
  private let registers: RegisterFile
  private let stack: String
  private let calls: CallStack
  private let places: [String]
  private let lost: LostAccessReport

  private static let maxFrames = 16

  /// - Parameters:
  ///   - lastStore: finds stores of the past; nil where no past is kept.
  ///   - describe: words for a linear address, such as "00100014 kernel_main+0x14 (main.c:12)".
  public init(_ machine: Machine, lastStore: LastStore? = nil, describe: @escaping (UInt32) -> String) {
    explanation = FaultExplanation(machine, lastStore: lastStore, describe: describe)
    registers = machine.registers
    stack = StackPlace(machine, describe: describe).sentence
    let linear = registers[SegmentRegister.cs].base &+ registers.eip
    calls = CallStack(machine, at: linear, atMost: Self.maxFrames)
    places = calls.frames.map { describe($0.inside) }
    lost = LostAccessReport(machine.lostAccesses, describe: describe)
  }

  /// The faults in sentences, the entries that page faults ended at among them; the registers; what ESP points at; the
  /// calls, where there are any.
  public var lines: [String] {
    func row(_ pairs: [(String, UInt32)]) -> String {
      pairs.map { "\($0) \(hexadecimal(UInt64($1), digits: 8))" }.joined(separator: "  ")
    }
    let general = Array(zip(RegisterNames.general.map { $0.uppercased() }, registers.general))
    var lines = explanation.lines
    lines.append(row(Array(general[..<4])))
    lines.append(row(Array(general[4...])))
    lines.append(
      row([("EIP", registers.eip), ("EFLAGS", registers.eflags)]) + "  CPL \(registers.privilegeLevel)")
    lines.append(
      row([("CR0", registers.cr0), ("CR2", registers.cr2), ("CR3", registers.cr3), ("CR4", registers.cr4)]))
    lines.append(stack)
    if places.count > 1 {
      lines.append("called from")
      lines += places.dropFirst().map { "  " + $0 }
      if let end = calls.end { lines.append("  ! \(end)") }
    }
    return lines + lost.lines
  }

  /// The faults, the registers by name, what ESP points at and the calls.
  public var json: JSONValue {
    .object([
      .init("explanation", explanation.json),
      .init(
        "registers",
        .object(zip(RegisterNames.general, registers.general).map { .init($0, .linear($1)) })),
      .init("control", ControlRegisters(registers: registers).json), .init("stack", .string(stack)),
      .init("calls", .array(places.map { .string($0) })), .init("lost", lost.json),
    ])
  }
}
