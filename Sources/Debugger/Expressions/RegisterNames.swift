import Emulator
import IA32
import Reports

extension SessionVariables {
  /// Without `$`.
  static let names = ["va", "pa", "_", "cycle", "pc", "sp", "fp"]
}

extension DebuggerSession {
  /// A register by its name, in either case. In a frame that `up` chose, the general registers and EIP are that frame's.
  /// - Throws: `ShellError` for one that the chosen frame's callees have not saved.
  func value(ofRegister name: String) throws(ShellError) -> UInt64? {
    let name = name.lowercased()
    let registers = machine.registers
    if selectedFrame > 0, let index = RegisterNames.general.firstIndex(of: name) {
      guard let value = try frame().general[index] else {
        throw ShellError("$\(name) of frame \(selectedFrame) is lost: its callee did not save it")
      }
      return UInt64(value)
    }
    if selectedFrame > 0, name == "eip" {
      return UInt64(try frame().linear &- registers[SegmentRegister.cs].base)
    }
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

  /// A variable of the chosen frame by its name; nil if there is none of this name in scope.
  /// - Throws: `ShellError` for one whose value is unknown or not a number.
  func value(ofLocal name: String) throws(ShellError) -> UInt64? {
    guard debugInformation != nil, let variables = try? variablesInScope(),
      let variable = variables.first(where: { $0.name == name })
    else { return nil }
    let value = VariableValue(variable, try frame(), self)
    guard let bits = value.bits else {
      throw ShellError("the variable '\(name)' has no value that can be computed with: \(value.text)")
    }
    return bits
  }

  /// A session variable by its name without `$`; nil if there is none of this name.
  /// - Throws: `ShellError` for one that has no value yet.
  func value(ofVariable name: String) throws(ShellError) -> UInt64? {
    switch name {
    case "va":
      guard let linear = variables.linear else {
        throw ShellError("$va has no value yet: 'walk' and stops set it")
      }
      return UInt64(linear)
    case "pa":
      guard let physical = variables.physical else {
        throw ShellError("$pa has no value yet: 'walk' and stops set it")
      }
      return physical
    case "_":
      guard let last = variables.last else {
        throw ShellError("$_ has no value yet: 'x' and 'print' set it")
      }
      return last
    case "cycle": return machine.cycle
    case "pc": return selectedFrame > 0 ? UInt64(try frame().linear) : UInt64(nextInstruction)
    case "sp": return try value(ofRegister: "esp")
    case "fp": return try value(ofRegister: "ebp")
    default: return nil
    }
  }
}
