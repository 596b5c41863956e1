import Emulator
import IA32
import Reports

/// The registers in the format of QEMU's `info registers`.
struct QEMURegisters {
  private let values: RegisterValues

  init(_ machine: Machine) { values = RegisterValues(machine) }

  /// The lines, without those of the debug registers.
  var lines: [String] {
    let file = values.file
    let names = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"]
    func row(_ order: [Int]) -> String {
      order.map { "\(names[$0])=\(word(file.general[$0]))" }.joined(separator: " ")
    }
    let state = "CPL=\(file.privilegeLevel) II=0 A20=1 SMM=0 HLT=\(file.isHalted ? 1 : 0)"
    return [
      row([0, 3, 1, 2]), row([6, 7, 5, 4]),
      "EIP=\(word(file.eip)) EFL=\(word(file.eflags)) [\(flags)] \(state)",
    ] + segments + [
      "GDT=     \(word(values.tables.gdt.base)) \(word(UInt32(values.tables.gdt.limit)))",
      "IDT=     \(word(values.tables.idt.base)) \(word(UInt32(values.tables.idt.limit)))",
      "CR0=\(word(file.cr0)) CR2=\(word(file.cr2)) CR3=\(word(file.cr3)) CR4=\(word(file.cr4))",
      "EFER=\(hexadecimal(file.efer, digits: 16))",
    ] + floatingPoint(file.x87, mxcsr: file.sse.mxcsr) + pairs(xmm(file.sse))
  }

  /// QEMU's FTW has a bit for each register that is not empty; its FPRs are R0 to R7.
  private func floatingPoint(_ unit: X87Registers, mxcsr: UInt32) -> [String] {
    let top = Int(unit.status >> 11 & 7)
    var used: UInt64 = 0
    for index in 0..<8 where !unit.isEmpty[index] { used |= 1 << UInt64((index + top) & 7) }
    let registers = (0..<8).map { register in
      let value = unit.stack[(register - top) & 7]
      return
        "FPR\(register)=\(hexadecimal(value.significand, digits: 16)) \(hexadecimal(UInt64(value.signExponent), digits: 4))"
    }
    let words =
      "FCW=\(hexadecimal(UInt64(unit.control), digits: 4)) FSW=\(hexadecimal(UInt64(unit.status), digits: 4))"
    return ["\(words) [ST=\(top)] FTW=\(hexadecimal(used, digits: 2)) MXCSR=\(word(mxcsr))"]
      + pairs(registers)
  }

  private func xmm(_ registers: SSERegisters) -> [String] {
    registers.xmm.enumerated().map { index, value in
      "XMM0\(index)=\(hexadecimal(value.high, digits: 16)) \(hexadecimal(value.low, digits: 16))"
    }
  }

  /// Two in a line.
  private func pairs(_ items: [String]) -> [String] {
    stride(from: 0, to: items.count, by: 2).map { items[$0...($0 + 1)].joined(separator: " ") }
  }

  private func word(_ value: UInt32) -> String { hexadecimal(UInt64(value), digits: 8) }

  private var flags: String {
    let letters: [(letter: String, bit: UInt32)] = [
      ("D", 10), ("O", 11), ("S", 7), ("Z", 6), ("A", 4), ("P", 2), ("C", 0),
    ]
    return letters.map { values.file.eflags >> $0.bit & 1 != 0 ? $0.letter : "-" }.joined()
  }

  private var segments: [String] {
    let names: [(String, SegmentRegister)] = [
      ("ES ", .es), ("CS ", .cs), ("SS ", .ss), ("DS ", .ds), ("FS ", .fs), ("GS ", .gs),
    ]
    return names.map { line($0.0, values.segment($0.1)) }
      + [line("LDT", values.tables.ldt), line("TR ", values.tables.task)]
  }

  private func line(_ name: String, _ segment: RegisterFile.Segment) -> String {
    let access = UInt32(segment.access)
    // The descriptor's second half as far as it can be told: limit 19-16, G and D/B are made of what is cached.
    let isGranular = segment.limit > 0xfffff
    let limitBits = (isGranular ? segment.limit >> 12 : segment.limit) & 0xf0000
    let half = access << 8 | limitBits | (segment.is32Bit ? 1 << 22 : 0) | (isGranular ? 1 << 23 : 0)
    let start =
      "\(name)=\(hexadecimal(UInt64(segment.selector), digits: 4)) \(word(segment.base)) \(word(segment.limit)) \(word(half))"
    guard values.file.cr0 & 1 != 0, access & 0x80 != 0 else { return start }
    return start + " DPL=\(access >> 5 & 3) " + kind(access, is32Bit: segment.is32Bit)
  }

  private func kind(_ access: UInt32, is32Bit: Bool) -> String {
    func letter(_ bit: UInt32, _ letter: String) -> String { access >> bit & 1 != 0 ? letter : "-" }
    guard access & 0x10 != 0 else { return Self.systemTypes[Int(access & 15)] }
    if access & 8 != 0 {
      return "\(is32Bit ? "CS32" : "CS16") [\(letter(2, "C"))\(letter(1, "R"))\(letter(0, "A"))]"
    }
    return "\(is32Bit ? "DS  " : "DS16") [\(letter(2, "E"))\(letter(1, "W"))\(letter(0, "A"))]"
  }

  // SDM vol. 3A, table 3-2, in QEMU's words.
  private static let systemTypes = [
    "Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16",
    "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32", "TrapGate32",
  ]
}
