import Emulator
import IA32

/// Why an instruction of MMX, SSE or SSE2 raised #UD on a processor that has it: what system software has not allowed.
enum DeniedSIMD {
  /// nil for other instructions, and where the processor lacks it.
  static func lines(_ instruction: FaultingInstruction, _ machine: Machine) -> [String]? {
    let mode: DecodeMode = machine.registers[SegmentRegister.cs].is32Bit ? .bits32 : .bits16
    guard
      case .instruction(let decoded) = instruction.bytes.withUnsafeBytes({ Decoder.decode($0, mode: mode) })
    else { return nil }
    let row = OpcodeTable.row(of: decoded)
    guard machine.model.features.isSuperset(of: row.record.needs) else { return nil }
    let name = "\(row.mnemonic)".uppercased()
    let (cr0, cr4) = (CR0(rawValue: machine.registers.cr0), CR4(rawValue: machine.registers.cr4))
    let usesMMXAlone: Bool
    switch decoded.operation {
    case .packedInteger(_, .mmx): usesMMXAlone = true
    case .simdMove, .packedInteger(_, .xmm), .sse, .simdConversion, .simdControl:
      usesMMXAlone = row.record.needs == .mmx
    default: return nil
    }
    if cr0.contains(.emulation) {
      return ["CR0.EM is set: \(name) raises #UD  [SDM 3A 2.5, table 2-2]"]
    }
    if !usesMMXAlone && !cr4.contains(.osSavesExtendedState) {
      return [
        "CR4.OSFXSR is clear: \(name) raises #UD until system software says that it saves SSE's registers  [SDM 3A 13.1]",
        "set bit 9 of CR4, and bit 10 for #XM, before the first instruction of SSE",
      ]
    }
    if row.record.raises.contains(.simdFloatingPoint) && !cr4.contains(.osHandlesSIMDExceptions) {
      return [
        "\(name) met an exception that MXCSR (\(hexadecimal(UInt64(machine.registers.sse.mxcsr), digits: 4))) does not mask; CR4.OSXMMEXCPT is clear, so it is #UD and not #XM  [SDM 1 11.5]"
      ]
    }
    return nil
  }
}
