import Emulator
import IA32

/// Why an instruction raised #UD: its bytes, its name, the feature that it belongs to and the processors that have it.
enum UndefinedOpcode {
  /// Sentences without the place.
  static func lines(_ instruction: FaultingInstruction, _ machine: Machine) -> [String] {
    let model = machine.model
    let code = instruction.code
    guard let first = code.first else { return ["its bytes can't be read"] }
    let shown = instruction.prefixes + code.prefix(code.first == 0x0f ? 3 : 2)
    let bytes = FaultingInstruction.text(shown)
    if instruction.bytes.allSatisfy({ $0 == 0xff }) || instruction.bytes.allSatisfy({ $0 == 0 }) {
      return ["the bytes there are \(bytes) and so on: no code, a jump or a return has gone astray"]
    }
    if !instruction.prefixes.contains(0xf0), let denied = DeniedSIMD.lines(instruction, machine) {
      return denied
    }
    if first == 0x0f, code.count > 1 {
      if code[1] == 0x0b {
        return ["UD2 (0f 0b): the guest raised #UD itself, as compilers do for what must not be reached"]
      }
      if let known = twoByte(code, instruction.prefixes), !known.isPresent(model) {
        return known.lines(bytes)
      }
      if code[1] == 0x22 || code[1] == 0x20 {
        return [
          "CR\(instruction.registerField) does not exist: MOV knows CR0, CR2, CR3 and CR4  [SDM 3A 2.5]"
        ]
      }
      if code[1] == 0x21 || code[1] == 0x23 {
        return ["DR4 and DR5 do not exist while CR4.DE is set  [SDM 3B 17.2.2]"]
      }
    }
    if instruction.prefixes.contains(0xf0) {
      return [
        "a LOCK prefix before an instruction that takes none, or whose destination is not memory: \(bytes)  [SDM 2A LOCK]"
      ]
    }
    if let known = oneByte(first, code, hasFPU: model.cpuid(leaf: 1).edx & 1 != 0) {
      return known.lines(bytes)
    }
    return ["the bytes \(bytes) are not an instruction of this processor  [SDM 3A 6.15]"]
  }

  /// A group of instructions.
  private struct Known {
    var name: String
    /// Such as "SSE, CPUID.1:EDX bit 25".
    var feature: String
    /// The first that had it.
    var since: String
    /// The compiler's flag that avoids it.
    var flag: String?

    /// CPUID's bit for it among those of leaf 1, where a model may have it.
    var bits: CPUFeatures = []

    func isPresent(_ model: CPUModel) -> Bool { !bits.isEmpty && model.features.isSuperset(of: bits) }

    func lines(_ bytes: String) -> [String] {
      var lines = ["\(name) (\(bytes)) belongs to \(feature): this processor lacks it, \(since) has it"]
      if let flag { lines.append("where a compiler chose it: build with \(flag)") }
      return lines
    }
  }

  private static let sse = Known(
    name: "an SSE instruction", feature: "SSE, CPUID.1:EDX bit 25", since: "the Pentium III",
    flag: "-mno-sse (and -mgeneral-regs-only, or -msoft-float)", bits: .sse)
  private static let sse2 = Known(
    name: "an SSE2 instruction", feature: "SSE2, CPUID.1:EDX bit 26", since: "the Pentium 4",
    flag: "-mno-sse -mno-sse2 (and -mgeneral-regs-only, or -msoft-float)", bits: .sse2)
  private static let mmx = Known(
    name: "an MMX instruction", feature: "MMX, CPUID.1:EDX bit 23",
    since: "the Pentium MMX and the Pentium II",
    flag: "-mno-mmx", bits: .mmx)
  private static let x87 = Known(
    name: "an x87 instruction", feature: "the FPU, CPUID.1:EDX bit 0", since: "the 486DX",
    flag: "-mno-80387 -msoft-float")

  /// Names of single instructions; the group's where there is none. SDM vol. 2, appendix A.
  private static let sseNames: [UInt8: String] = [
    0x10: "MOVUPS", 0x11: "MOVUPS", 0x12: "MOVLPS", 0x13: "MOVLPS", 0x14: "UNPCKLPS", 0x15: "UNPCKHPS",
    0x16: "MOVHPS", 0x17: "MOVHPS", 0x28: "MOVAPS", 0x29: "MOVAPS", 0x2a: "CVTPI2PS", 0x2b: "MOVNTPS",
    0x2c: "CVTTPS2PI", 0x2d: "CVTPS2PI", 0x2e: "UCOMISS", 0x2f: "COMISS", 0x50: "MOVMSKPS", 0x51: "SQRTPS",
    0x54: "ANDPS", 0x55: "ANDNPS", 0x56: "ORPS", 0x57: "XORPS", 0x58: "ADDPS", 0x59: "MULPS", 0x5c: "SUBPS",
    0x5d: "MINPS", 0x5e: "DIVPS", 0x5f: "MAXPS", 0xc6: "SHUFPS",
  ]

  private static func twoByte(_ code: [UInt8], _ prefixes: [UInt8]) -> Known? {
    let opcode = code[1]
    let modRM = code.count > 2 ? code[2] : 0
    let field = modRM >> 3 & 7
    // A mandatory prefix makes the instruction another one.
    let isDouble = prefixes.contains(0x66) || prefixes.contains(0xf2)
    func sse(_ name: String?) -> Known {
      var known = isDouble ? sse2 : Self.sse
      if let name, !isDouble, !prefixes.contains(0xf3) { known.name = name }
      return known
    }
    switch opcode {
    case 0x05, 0x07:
      return Known(
        name: opcode == 0x05 ? "SYSCALL" : "SYSRET", feature: "SYSCALL, CPUID.80000001h:EDX bit 11",
        since: "AMD's K6", flag: nil)
    case 0x34, 0x35:
      return Known(
        name: opcode == 0x34 ? "SYSENTER" : "SYSEXIT", feature: "SYSENTER, CPUID.1:EDX bit 11",
        since: "the Pentium II", flag: nil)
    case 0x38, 0x3a:
      return Known(
        name: "an instruction of the 0F \(hexadecimal(UInt64(opcode), digits: 2)) map",
        feature: "SSSE3, SSE4 or later extensions", since: "the Core 2", flag: "-mno-ssse3 -mno-sse")
    case 0x10...0x17, 0x28...0x2f, 0x50...0x59, 0x5c...0x5f, 0xc6: return sse(sseNames[opcode])
    case 0x5a, 0x5b, 0xc2: return sse(nil)
    case 0x60...0x6b, 0x6e, 0x74...0x77, 0x71...0x73, 0xd1...0xd3, 0xd5, 0xd8, 0xd9, 0xdb...0xdd, 0xdf, 0xe1,
      0xe2,
      0xe5, 0xe8, 0xe9, 0xeb...0xed, 0xef, 0xf1...0xf3, 0xf5, 0xf8...0xfa, 0xfc...0xfe:
      var known = prefixes.contains(0x66) ? sse2 : mmx
      if opcode == 0x77 { known.name = "EMMS" }
      return known
    case 0x6f, 0x7e, 0x7f:
      return prefixes.contains(0x66) || prefixes.contains(0xf3) ? sse2 : mmx
    case 0x6c, 0x6d, 0x7c, 0x7d, 0xd0, 0xd4, 0xd6, 0xe6, 0xf4, 0xfb: return sse2
    case 0x70, 0xc4, 0xc5, 0xd7, 0xda, 0xde, 0xe0, 0xe3, 0xe4, 0xe7, 0xea, 0xee, 0xf6, 0xf7:
      return prefixes.contains(0x66) || prefixes.contains(0xf2) ? sse2 : sse(nil)
    case 0xae where modRM < 0xc0:
      switch field {
      case 0, 1:
        return Known(
          name: field == 0 ? "FXSAVE" : "FXRSTOR", feature: "FXSAVE, CPUID.1:EDX bit 24",
          since: "the Pentium II", flag: nil, bits: .fxsave)
      case 2, 3:
        var known = Self.sse
        known.name = field == 2 ? "LDMXCSR" : "STMXCSR"
        return known
      case 4, 5, 6:
        return Known(
          name: ["XSAVE", "XRSTOR", "XSAVEOPT"][Int(field) - 4], feature: "XSAVE, CPUID.1:ECX bit 26",
          since: "the Core 2 (45 nm)", flag: nil)
      default:
        return Known(
          name: "CLFLUSH", feature: "CLFLUSH, CPUID.1:EDX bit 19", since: "the Pentium 4", flag: nil,
          bits: .cacheLineFlush)
      }
    case 0xae:
      return Known(
        name: ["", "", "", "", "", "LFENCE", "MFENCE", "SFENCE"][Int(field)].isEmpty
          ? "an instruction of the 0F AE group" : ["LFENCE", "MFENCE", "SFENCE"][Int(field) - 5],
        feature: field == 7 ? "SSE, CPUID.1:EDX bit 25" : "SSE2, CPUID.1:EDX bit 26",
        since: field == 7 ? "the Pentium III" : "the Pentium 4", flag: nil, bits: field == 7 ? .sse : .sse2)
    case 0xb8 where prefixes.contains(0xf3):
      return Known(
        name: "POPCNT", feature: "POPCNT, CPUID.1:ECX bit 23", since: "the Core i7", flag: "-mno-popcnt")
    case 0xc3:
      return Known(
        name: "MOVNTI", feature: sse2.feature, since: sse2.since, flag: sse2.flag, bits: .sse2)
    case 0xc7 where field == 6 && modRM >= 0xc0:
      return Known(
        name: "RDRAND", feature: "RDRAND, CPUID.1:ECX bit 30", since: "the Ivy Bridge Core", flag: nil)
    case 0xc7 where field == 7 && modRM >= 0xc0:
      return Known(
        name: "RDSEED", feature: "RDSEED, CPUID.7:EBX bit 18", since: "the Broadwell Core", flag: nil)
    case 0x01 where modRM == 0xd0 || modRM == 0xd1:
      return Known(
        name: modRM == 0xd0 ? "XGETBV" : "XSETBV", feature: "XSAVE, CPUID.1:ECX bit 26",
        since: "the Core 2 (45 nm)", flag: nil)
    case 0x01 where modRM == 0xf9:
      return Known(
        name: "RDTSCP", feature: "RDTSCP, CPUID.80000001h:EDX bit 27", since: "the Core i7", flag: nil)
    case 0x01 where modRM == 0xc8 || modRM == 0xc9:
      return Known(
        name: modRM == 0xc8 ? "MONITOR" : "MWAIT", feature: "MONITOR, CPUID.1:ECX bit 3",
        since: "the Pentium 4 (90 nm)", flag: nil)
    default: return nil
    }
  }

  private static func oneByte(_ opcode: UInt8, _ code: [UInt8], hasFPU: Bool) -> Known? {
    switch opcode {
    case 0xd8...0xdf, 0x9b: return hasFPU ? nil : x87
    case 0xc4, 0xc5, 0x62:
      // With a register operand these are VEX and EVEX; LES, LDS and BOUND want memory.
      guard code.count > 1, code[1] >= 0xc0 else { return nil }
      return Known(
        name: opcode == 0x62 ? "an AVX-512 instruction" : "an AVX instruction",
        feature: opcode == 0x62 ? "AVX-512, CPUID.7:EBX bit 16" : "AVX, CPUID.1:ECX bit 28",
        since: opcode == 0x62 ? "the Skylake Xeon" : "the Sandy Bridge Core", flag: "-mno-avx -mno-sse")
    default: return nil
    }
  }
}
