import Emulator
import IA32

/// The registers that gdb is told of, by their numbers.
enum RegisterTable {
  /// What gdb wants of every i386: GDB manual, appendix G.5.6. The order is gdb's own.
  static let core: [RemoteRegister] = general + segments + floatingPoint

  /// XMM0 to XMM7 and MXCSR, with the numbers that gdb and other stubs agree on; unavailable where the processor has no SSE.
  static let sse: [RemoteRegister] =
    (0..<8).map { index in
      RemoteRegister(wide: "xmm\(index)", 32 + index, bits: 128, type: "vec128") { values in
        guard values.hasSSE else { return nil }
        let value = values.file.sse.xmm[index]
        return UInt128(value.high) << 64 | UInt128(value.low)
      }
    } + [
      RemoteRegister("mxcsr", 40, type: "i386_mxcsr", group: "vector", writableName: "mxcsr") {
        $0.hasSSE ? UInt64($0.file.sse.mxcsr) : nil
      }
    ]

  /// What this machine has beside it.
  static let system: [RemoteRegister] = segmentParts + tables + control

  /// All of them in the order of their numbers: what `g` gives.
  static let all = core + sse + system

  private static let byNumber = Dictionary(uniqueKeysWithValues: all.map { ($0.number, $0) })

  /// nil for a number that no register has.
  static func register(_ number: Int) -> RemoteRegister? { byNumber[number] }

  /// Numbers that stop replies tell the values of, so that gdb needs not ask: ESP, EBP, EIP.
  static let expedited = [4, 5, 8]

  private static let general: [RemoteRegister] =
    ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"].enumerated().map { index, name in
      RemoteRegister(
        name, index, type: name == "esp" || name == "ebp" ? "data_ptr" : "int32", writableName: name
      ) { $0.general(index) }
    } + [
      RemoteRegister("eip", 8, type: "code_ptr", writableName: "eip") { UInt64($0.file.eip) },
      RemoteRegister("eflags", 9, type: "i386_eflags", writableName: "eflags") { UInt64($0.file.eflags) },
    ]

  private static let named: [(name: String, register: SegmentRegister)] = [
    ("cs", .cs), ("ss", .ss), ("ds", .ds), ("es", .es), ("fs", .fs), ("gs", .gs),
  ]

  private static let segments: [RemoteRegister] = named.enumerated().map { index, entry in
    RemoteRegister(entry.name, 10 + index, writableName: entry.name) {
      UInt64($0.segment(entry.register).selector)
    }
  }

  /// ST(0) to ST(7), control, status and tag word, the pointers to the last instruction and its operand, and its opcode.
  private static let floatingPoint: [RemoteRegister] =
    (0..<8).map { index in
      RemoteRegister(wide: "st\(index)", 16 + index, bits: 80, type: "i387_ext") { values in
        let value = values.file.x87.stack[index]
        return UInt128(value.signExponent) << 64 | UInt128(value.significand)
      }
    } + [
      word("fctrl", 24) { UInt64($0.control) }, word("fstat", 25) { UInt64($0.status) },
      word("ftag", 26) { UInt64($0.tags) }, word("fiseg", 27) { UInt64($0.instructionSelector) },
      word("fioff", 28) { UInt64($0.instructionOffset) }, word("foseg", 29) { UInt64($0.operandSelector) },
      word("fooff", 30) { UInt64($0.operandOffset) }, word("fop", 31) { UInt64($0.opcode) },
    ]

  private static func word(
    _ name: String, _ number: Int, _ read: @escaping @Sendable (X87Registers) -> UInt64
  ) -> RemoteRegister {
    RemoteRegister(name, number, type: "int", group: "float", writableName: name) { read($0.file.x87) }
  }

  private static let segmentParts: [RemoteRegister] = named.enumerated().flatMap { index, entry in
    [
      RemoteRegister("\(entry.name)_base", 41 + index * 2, type: "data_ptr", group: "system") {
        UInt64($0.segment(entry.register).base)
      },
      RemoteRegister("\(entry.name)_limit", 42 + index * 2, type: "uint32", group: "system") {
        UInt64($0.segment(entry.register).limit)
      },
    ]
  }

  private static let tables: [RemoteRegister] = [
    RemoteRegister("gdtr_base", 53, type: "data_ptr", group: "system") { UInt64($0.tables.gdt.base) },
    RemoteRegister("gdtr_limit", 54, type: "uint32", group: "system") { UInt64($0.tables.gdt.limit) },
    RemoteRegister("idtr_base", 55, type: "data_ptr", group: "system") { UInt64($0.tables.idt.base) },
    RemoteRegister("idtr_limit", 56, type: "uint32", group: "system") { UInt64($0.tables.idt.limit) },
    RemoteRegister("tr", 57, type: "uint32", group: "system") { UInt64($0.tables.task.selector) },
    RemoteRegister("tr_base", 58, type: "data_ptr", group: "system") { UInt64($0.tables.task.base) },
    RemoteRegister("tr_limit", 59, type: "uint32", group: "system") { UInt64($0.tables.task.limit) },
    RemoteRegister("ldtr", 60, type: "uint32", group: "system") { UInt64($0.tables.ldt.selector) },
    RemoteRegister("ldtr_base", 61, type: "data_ptr", group: "system") { UInt64($0.tables.ldt.base) },
    RemoteRegister("ldtr_limit", 62, type: "uint32", group: "system") { UInt64($0.tables.ldt.limit) },
  ]

  private static let control: [RemoteRegister] =
    [
      RemoteRegister("cr0", 63, type: "ia32_cr0", group: "system") { UInt64($0.file.cr0) },
      RemoteRegister("cr2", 64, type: "data_ptr", group: "system") { UInt64($0.file.cr2) },
      RemoteRegister("cr3", 65, type: "uint32", group: "system") { UInt64($0.file.cr3) },
      RemoteRegister("cr4", 66, type: "ia32_cr4", group: "system") { UInt64($0.file.cr4) },
      RemoteRegister("efer", 67, bits: 64, type: "ia32_efer", group: "system") { $0.file.efer },
      RemoteRegister("cpl", 68, type: "uint32", group: "system") { UInt64($0.file.privilegeLevel) },
    ]
    + (0..<4).map { index in
      RemoteRegister("pdpte\(index)", 69 + index, bits: 64, type: "uint64", group: "system") {
        $0.file.pdpte[index]
      }
    }
    + [RemoteRegister("cycle", 73, bits: 64, type: "uint64", group: "system") { $0.cycle }]
}
