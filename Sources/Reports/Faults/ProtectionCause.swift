import Emulator
import IA32

/// Why an instruction raised #GP(0): the register, the bit, the feature that it wants, as far as the instruction tells.
enum ProtectionCause {
  /// Sentences; empty for an instruction that is not known here.
  static func lines(_ instruction: FaultingInstruction, _ machine: Machine) -> [String] {
    guard let second = instruction.secondByte else {
      return instruction.code.first.map { privileged($0, machine) } ?? []
    }
    if let name = privilegedNames[second], machine.privilegeLevel != 0 {
      return ["\(name) needs CPL 0, the guest was at CPL \(machine.privilegeLevel)  [SDM 3A 5.9]"]
    }
    switch second {
    case 0x30, 0x32: return modelSpecific(instruction, machine, isWrite: second == 0x30)
    case 0x22: return controlRegister(instruction, machine)
    default: return []
    }
  }

  private static let privilegedNames: [UInt8: String] = [
    0x06: "CLTS", 0x08: "INVD", 0x09: "WBINVD", 0x20: "MOV from a control register",
    0x21: "MOV from a debug register", 0x22: "MOV to a control register", 0x23: "MOV to a debug register",
    0x30: "WRMSR", 0x32: "RDMSR",
  ]

  /// One-byte opcodes that need CPL 0, or IOPL. SDM vol. 3A, 5.9; vol. 1, 18.5.
  private static func privileged(_ opcode: UInt8, _ machine: Machine) -> [String] {
    let level = machine.privilegeLevel
    let ioLevel = UInt8(machine.registers.eflags >> 12 & 3)
    switch opcode {
    case 0xf4 where level != 0:
      return ["HLT needs CPL 0, the guest was at CPL \(level)  [SDM 3A 5.9]"]
    case 0xfa, 0xfb:
      guard level > ioLevel else { return [] }
      let name = opcode == 0xfa ? "CLI" : "STI"
      return ["\(name) needs a CPL up to IOPL \(ioLevel), the guest was at CPL \(level)  [SDM 1 18.5.1]"]
    case 0x6c...0x6f, 0xe4...0xe7, 0xec...0xef:
      guard level > ioLevel else { return [] }
      return [
        "IN and OUT at CPL \(level), above IOPL \(ioLevel), need the port's bit clear in the TSS's I/O permission map  [SDM 1 18.5.2]"
      ]
    default: return []
    }
  }

  // MARK: Model-specific registers

  private static func modelSpecific(
    _ instruction: FaultingInstruction, _ machine: Machine, isWrite: Bool
  ) -> [String] {
    let index = instruction.registers[1]
    let value = UInt64(instruction.registers[2]) << 32 | UInt64(instruction.registers[0])
    let name = isWrite ? "WRMSR" : "RDMSR"
    let section = "SDM 4, table 2-2"
    let number = hexadecimal(UInt64(index), digits: index > 0xffff ? 8 : 3) + "h"
    if index == EFER.msr, isWrite, machine.model.hasNoExecute {
      let bad = value & ~EFER.noExecuteEnable
      guard bad != 0 else { return [] }
      return extendedFeatureBits(bad).map { "WRMSR EFER: \($0)  [\(section)]" }
    }
    if (0x186...0x187).contains(index), isWrite {
      return [
        "WRMSR PerfEvtSel\(index - 0x186): \(EntryText.bitNumbers(value)) set, some of them reserved  [SDM 3B 18.2]"
      ]
    }
    guard let known = MSRName.all.first(where: { $0.range.contains(index) }) else {
      return ["\(name): there is no MSR \(number) in this processor  [\(section)]"]
    }
    return [
      "\(name): this processor lacks MSR \(number), \(known.name): it belongs to \(known.feature)  [\(section)]"
    ]
  }

  /// What each bit of EFER that is not there would need.
  private static func extendedFeatureBits(_ bits: UInt64) -> [String] {
    let names: [UInt64: (String, String)] = [
      0: ("SCE", "SYSCALL, CPUID.80000001h:EDX bit 11"),
      8: ("LME", "long mode, CPUID.80000001h:EDX bit 29"),
      10: ("LMA", "long mode, CPUID.80000001h:EDX bit 29"),
      12: ("SVME", "AMD's virtualization"), 14: ("FFXSR", "AMD's fast FXSAVE"),
    ]
    return (0..<64 as Range<UInt64>).filter { bits >> $0 & 1 != 0 }.map { bit in
      guard let (name, feature) = names[bit] else { return "bit \(bit) is reserved" }
      let words = feature.hasPrefix("long mode") ? "long mode (\(feature.dropFirst(11)))" : feature
      return "bit \(bit) (\(name)) is reserved, this processor has no \(words)"
    }
  }

  // MARK: Control registers

  private static func controlRegister(_ instruction: FaultingInstruction, _ machine: Machine) -> [String] {
    let value = instruction.registers[Int(instruction.modRM & 7)]
    let registers = machine.registers
    switch instruction.registerField {
    case 0:
      let new = CR0(rawValue: value)
      if new.contains(.paging) && !new.contains(.protectionEnable) {
        return ["MOV CR0: PG (bit 31) is set without PE (bit 0)  [SDM 3A 2.5]"]
      }
      if new.contains(.notWriteThrough) && !new.contains(.cacheDisable) {
        return ["MOV CR0: NW (bit 29) is set without CD (bit 30)  [SDM 3A 2.5]"]
      }
      return pointerTable(machine, cr3: registers.cr3, "MOV CR0 with PG")
    case 3: return pointerTable(machine, cr3: value, "MOV CR3")
    case 4:
      let bad = value & ~machine.model.supportedCR4.rawValue
      guard bad != 0 else { return pointerTable(machine, cr3: registers.cr3, "MOV CR4") }
      return (0..<32 as Range<UInt32>).filter { bad >> $0 & 1 != 0 }.map { bit in
        guard let (name, feature) = cr4Bits[bit] else {
          return "MOV CR4: bit \(bit) is reserved  [SDM 3A 2.5]"
        }
        return "MOV CR4: bit \(bit) (\(name)) is reserved, this processor has no \(feature)  [SDM 3A 2.5]"
      }
    default: return []
    }
  }

  /// The bits of CR4 with the features that they belong to. SDM vol. 3A, 2.5.
  private static let cr4Bits: [UInt32: (String, String)] = [
    0: ("VME", "virtual-8086 extensions, CPUID.1:EDX bit 1"),
    1: ("PVI", "virtual-8086 extensions, CPUID.1:EDX bit 1"),
    2: ("TSD", "time-stamp counter, CPUID.1:EDX bit 4"), 3: ("DE", "debugging extensions, CPUID.1:EDX bit 2"),
    4: ("PSE", "page-size extensions, CPUID.1:EDX bit 3"), 5: ("PAE", "PAE, CPUID.1:EDX bit 6"),
    6: ("MCE", "machine-check exception, CPUID.1:EDX bit 7"), 7: ("PGE", "global pages, CPUID.1:EDX bit 13"),
    8: ("PCE", "performance counters"), 9: ("OSFXSR", "FXSAVE and SSE, CPUID.1:EDX bits 24 and 25"),
    10: ("OSXMMEXCPT", "SSE, CPUID.1:EDX bit 25"), 11: ("UMIP", "UMIP, CPUID.7:ECX bit 2"),
    12: ("LA57", "57-bit addresses, CPUID.7:ECX bit 16"), 13: ("VMXE", "VMX, CPUID.1:ECX bit 5"),
    14: ("SMXE", "SMX, CPUID.1:ECX bit 6"), 16: ("FSGSBASE", "FSGSBASE, CPUID.7:EBX bit 0"),
    17: ("PCIDE", "PCIDs, CPUID.1:ECX bit 17"), 18: ("OSXSAVE", "XSAVE, CPUID.1:ECX bit 26"),
    20: ("SMEP", "SMEP, CPUID.7:EBX bit 7"), 21: ("SMAP", "SMAP, CPUID.7:EBX bit 20"),
    22: ("PKE", "protection keys, CPUID.7:ECX bit 3"),
  ]

  /// The entry of the page-directory-pointer table that a load of the four registers refuses.
  private static func pointerTable(_ machine: Machine, cr3: UInt32, _ cause: String) -> [String] {
    let reserved = ReservedBits.pdpte(
      addressWidth: UInt8(truncatingIfNeeded: machine.bus.physicalAddressBits))
    for index in 0..<4 as Range<UInt64> {
      let address = UInt64(cr3 & ~31) + index * 8
      guard let bytes = machine.peek(PhysicalAddress(address), count: 8) else {
        return [
          "\(cause) loads the PDPTEs from \(PhysicalAddress(address)), where no memory is: they read as ones  [SDM 3A 4.4.1]"
        ]
      }
      let value = MemoryView.value(bytes[...])
      guard value & EntryBit.present != 0, value & reserved != 0 else { continue }
      return [
        "\(cause) loads PDPTE[\(index)], which is \(hexadecimal(value, digits: 16)) at \(PhysicalAddress(address)): present, with the reserved \(EntryText.bitNumbers(value & reserved)) set  [SDM 3A 4.4.1]"
      ]
    }
    return []
  }
}

/// The MSRs that guests try, and what they belong to. SDM vol. 4, table 2-2.
private struct MSRName {
  var range: ClosedRange<UInt32>
  var name: String
  var feature: String

  init(_ range: ClosedRange<UInt32>, _ name: String, _ feature: String) {
    self.range = range
    self.name = name
    self.feature = feature
  }

  init(_ index: UInt32, _ name: String, _ feature: String) { self.init(index...index, name, feature) }

  static let all: [MSRName] = [
    MSRName(0x00...0x01, "P5_MC_ADDR, P5_MC_TYPE", "the machine-check exception, CPUID.1:EDX bit 7"),
    MSRName(0x1b, "IA32_APIC_BASE", "the local APIC, CPUID.1:EDX bit 9"),
    MSRName(0x3a, "IA32_FEATURE_CONTROL", "VMX, CPUID.1:ECX bit 5"),
    MSRName(0x79, "IA32_BIOS_UPDT_TRIG", "microcode updates"),
    MSRName(0x8b, "IA32_BIOS_SIGN_ID", "microcode updates"),
    MSRName(0xce, "MSR_PLATFORM_INFO", "later processors"),
    MSRName(0xfe, "IA32_MTRRCAP", "MTRRs, CPUID.1:EDX bit 12"),
    MSRName(0x174...0x176, "IA32_SYSENTER_CS, _ESP, _EIP", "SYSENTER, CPUID.1:EDX bit 11"),
    MSRName(
      0x179...0x17b, "IA32_MCG_CAP, _STATUS, _CTL", "the machine-check architecture, CPUID.1:EDX bit 14"),
    MSRName(0x1a0, "IA32_MISC_ENABLE", "processors from the Pentium 4 on"),
    MSRName(0x1d9, "IA32_DEBUGCTL", "branch tracing"),
    MSRName(0x200...0x20f, "IA32_MTRR_PHYSBASE, _PHYSMASK", "MTRRs, CPUID.1:EDX bit 12"),
    MSRName(0x250...0x26f, "IA32_MTRR_FIX", "MTRRs, CPUID.1:EDX bit 12"),
    MSRName(0x277, "IA32_PAT", "the page attribute table, CPUID.1:EDX bit 16"),
    MSRName(0x2ff, "IA32_MTRR_DEF_TYPE", "MTRRs, CPUID.1:EDX bit 12"),
    MSRName(
      0x400...0x47f, "IA32_MCi_CTL, _STATUS, _ADDR, _MISC",
      "the machine-check architecture, CPUID.1:EDX bit 14"),
    MSRName(0x6e0, "IA32_TSC_DEADLINE", "the APIC timer's TSC deadline, CPUID.1:ECX bit 24"),
    MSRName(0x800...0x8ff, "an x2APIC register", "the x2APIC, CPUID.1:ECX bit 21"),
    MSRName(0xc000_0080, "IA32_EFER", "NX or long mode, CPUID.80000001h:EDX bits 20 and 29"),
    MSRName(0xc000_0081...0xc000_0084, "STAR, LSTAR, CSTAR, FMASK", "SYSCALL, CPUID.80000001h:EDX bit 11"),
    MSRName(
      0xc000_0100...0xc000_0102, "FS_BASE, GS_BASE, KERNEL_GS_BASE", "long mode, CPUID.80000001h:EDX bit 29"),
    MSRName(0xc000_0103, "IA32_TSC_AUX", "RDTSCP, CPUID.80000001h:EDX bit 27"),
  ]
}
