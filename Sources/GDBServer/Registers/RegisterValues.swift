import Debugger
import Emulator
import IA32

/// The registers where the machine stands, taken once for many of them.
struct RegisterValues {
  let file: RegisterFile
  let tables: SystemTables
  let cycle: UInt64
  /// Whether the processor has XMM registers.
  let hasSSE: Bool

  init(_ machine: Machine) {
    file = machine.registers
    tables = machine.systemTables
    cycle = machine.cycle
    hasSSE = machine.model.features.contains(.sse)
  }

  /// GDB's order: EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, as instructions number them.
  func general(_ index: Int) -> UInt64 { UInt64(file.general[index]) }

  func segment(_ register: SegmentRegister) -> RegisterFile.Segment { file[register] }
}
