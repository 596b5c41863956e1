import Emulator
import IA32
import Reports

extension SessionVariables {
  /// Without `$`.
  static let names = ["va", "pa", "_", "cycle", "pc", "sp", "fp"]
}

extension DebuggerSession {
  /// A register by its name, in either case.
  func value(ofRegister name: String) -> UInt64? {
    let name = name.lowercased()
    let registers = machine.registers
    if let index = RegisterNames.general.firstIndex(of: name) { return UInt64(registers.general[index]) }
    if let index = RegisterNames.segments.firstIndex(of: name) {
      return UInt64(registers.segments[index].selector)
    }
    switch name {
    case "eip": return UInt64(registers.eip)
    case "eflags": return UInt64(registers.eflags)
    case "cpl": return UInt64(registers.privilegeLevel)
    case "cr0": return UInt64(registers.cr0)
    case "cr2": return UInt64(registers.cr2)
    case "cr3": return UInt64(registers.cr3)
    case "cr4": return UInt64(registers.cr4)
    case "efer": return registers.efer
    case "pdpte0": return registers.pdpte[0]
    case "pdpte1": return registers.pdpte[1]
    case "pdpte2": return registers.pdpte[2]
    case "pdpte3": return registers.pdpte[3]
    default: return nil
    }
  }

  /// A session variable by its name without `$`; nil if there is none of this name.
  /// - Throws: `ShellError` for one that stands for nothing yet.
  func value(ofVariable name: String) throws(ShellError) -> UInt64? {
    switch name {
    case "va":
      guard let linear = variables.linear else {
        throw ShellError("$va stands for nothing yet: 'walk' and stops set it")
      }
      return UInt64(linear)
    case "pa":
      guard let physical = variables.physical else {
        throw ShellError("$pa stands for nothing yet: 'walk' and stops set it")
      }
      return physical
    case "_":
      guard let last = variables.last else {
        throw ShellError("$_ stands for nothing yet: 'x' and 'print' set it")
      }
      return last
    case "cycle": return machine.cycle
    case "pc": return UInt64(nextInstruction)
    case "sp": return UInt64(machine.registers[GeneralRegister.esp])
    case "fp": return UInt64(machine.registers[GeneralRegister.ebp])
    default: return nil
    }
  }
}
