import IA32
import TestSupport
import Testing

@testable import Emulator

/// An instruction that meets a page fault has changed nothing, and works when it is repeated.
@Suite struct RestartTests {
  /// The page that isn't there at first.
  static let hole: UInt32 = 0x8_0000

  /// One instruction whose access ends in the hole; `mayWrite` are bytes below the hole that it may have changed.
  struct Row {
    let text: String
    var eax: UInt32 = 0x1234_5678
    var ecx: UInt32 = 0x55aa_0003
    var edx: UInt32 = 0x0bad_cafe
    var ebx: UInt32 = hole
    var esp: UInt32 = ProgramMachine.outerStack
    var ebp: UInt32 = 0x4_0000
    var esi: UInt32 = 0x4_0000
    var edi: UInt32 = 0x4_0000
    /// The fault is a write's.
    var writes = true
    /// Memory before the hole may have been written already: pushes of several words.
    var writesBefore = false
  }

  static let rows: [Row] = {
    var rows: [Row] = []
    // Reads, writes and read-modify-writes of each width, with the operand in the page and across its beginning.
    for (name, bytes) in [("byte", 1), ("word", 2), ("dword", 4)] as [(String, UInt32)] {
      let register = ["byte": "dl", "word": "dx", "dword": "edx"][name] ?? ""
      for ebx in bytes == 1 ? [hole, hole + 5] : [hole, hole - 1] {
        for mnemonic in ["add", "or", "adc", "sbb", "and", "sub", "xor", "xchg", "xadd", "cmpxchg", "mov"] {
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx], \(register)", ebx: ebx))
        }
        for mnemonic in ["inc", "dec", "neg", "not"] {
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx]", ebx: ebx))
        }
        for mnemonic in ["shl", "shr", "sar", "rol", "ror", "rcl", "rcr"] {
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx], cl", ebx: ebx))
        }
        for mnemonic in ["add", "cmp", "mov"] {
          rows.append(Row(text: "\(mnemonic) \(register), \(name) ptr [ebx]", ebx: ebx, writes: false))
        }
        for mnemonic in ["mul", "imul", "div", "idiv"] {
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx]", ebx: ebx, writes: false))
        }
        rows.append(Row(text: "test \(name) ptr [ebx], \(register)", ebx: ebx, writes: false))
        rows.append(Row(text: "cmp \(name) ptr [ebx], 5", ebx: ebx, writes: false))
        rows.append(Row(text: "mov \(name) ptr [ebx], 5", ebx: ebx))
        guard bytes > 1 else { continue }
        for mnemonic in ["bts", "btr", "btc"] {
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx], \(register)", edx: 3, ebx: ebx))
          rows.append(Row(text: "\(mnemonic) \(name) ptr [ebx], 3", ebx: ebx))
        }
        rows.append(Row(text: "bt \(name) ptr [ebx], \(register)", edx: 3, ebx: ebx, writes: false))
        for mnemonic in ["imul", "bsf", "bsr", "cmovc", "cmovnc"] {
          rows.append(Row(text: "\(mnemonic) \(register), \(name) ptr [ebx]", ebx: ebx, writes: false))
        }
        rows.append(Row(text: "shld \(name) ptr [ebx], \(register), cl", ebx: ebx))
        rows.append(Row(text: "shrd \(name) ptr [ebx], \(register), 3", ebx: ebx))
        rows.append(Row(text: "push \(name) ptr [ebx]", ebx: ebx, writes: false))
        rows.append(Row(text: "pop \(name) ptr [ebx]", ebx: ebx))
        rows.append(Row(text: "bound \(register), [ebx]", ebx: ebx, writes: false))
        for mnemonic in ["les", "lds", "lss", "lfs", "lgs"] {
          rows.append(Row(text: "\(mnemonic) \(register), [ebx]", ebx: ebx, writes: false))
        }
      }
      let letter = name.prefix(1)
      rows.append(Row(text: "stos\(letter)", edi: hole))
      rows.append(Row(text: "lods\(letter)", esi: hole, writes: false))
      rows.append(Row(text: "movs\(letter)", esi: hole, writes: false))
      rows.append(Row(text: "movs\(letter)", edi: hole))
      rows.append(Row(text: "cmps\(letter)", edi: hole, writes: false))
      rows.append(Row(text: "cmps\(letter)", esi: hole, writes: false))
      rows.append(Row(text: "scas\(letter)", edi: hole, writes: false))
      rows.append(Row(text: "rep stos\(letter)", edi: hole))
      rows.append(Row(text: "repe cmps\(letter)", edi: hole, writes: false))
    }
    let stackIn = hole + 0x800
    rows += [
      Row(text: "cmpxchg8b [ebx]"), Row(text: "cmpxchg8b [ebx]", ebx: hole - 4),
      Row(text: "lock cmpxchg8b [ebx]", ebx: hole - 7), Row(text: "setc byte ptr [ebx]"),
      Row(text: "xlatb", ebx: hole - 0x10, writes: false),
      Row(text: "movzx eax, byte ptr [ebx]", writes: false),
      Row(text: "movsx eax, word ptr [ebx]", ebx: hole - 1, writes: false),
      Row(text: "push eax", esp: stackIn), Row(text: "push 5", esp: stackIn),
      Row(text: "pushfd", esp: stackIn),
      Row(text: "push ds", esp: stackIn), Row(text: "pop eax", esp: stackIn, writes: false),
      Row(text: "popfd", esp: stackIn, writes: false), Row(text: "pop ds", esp: stackIn, writes: false),
      Row(text: "pop ss", esp: stackIn, writes: false), Row(text: "popad", esp: hole - 16, writes: false),
      Row(text: "pushad", esp: stackIn), Row(text: "pushad", esp: hole + 0x1000 + 16, writesBefore: true),
      Row(text: "enter 16, 3", esp: stackIn),
      Row(text: "enter 4096, 0", esp: hole + 0x1010, writesBefore: true),
      Row(text: "enter 0, 3", esp: hole + 0x1008, writesBefore: true),
      Row(text: "enter 0, 3", ebp: hole + 4, writes: false, writesBefore: true),
      Row(text: "leave", ebp: stackIn, writes: false), Row(text: "ret", esp: stackIn, writes: false),
      Row(text: "ret 8", esp: hole - 2, writes: false), Row(text: "iretd", esp: stackIn, writes: false),
      Row(text: "iretd", esp: hole - 8, writes: false), Row(text: "retf", esp: hole - 4, writes: false),
      Row(text: ".byte 0xe8, 0, 0, 0, 0", esp: stackIn), Row(text: "call eax", esp: stackIn),
      Row(text: "call dword ptr [ebx]", writes: false), Row(text: "jmp dword ptr [ebx]", writes: false),
      Row(text: ".byte 0xff, 0x1b", ebx: hole - 4, writes: false),
      Row(text: ".byte 0xff, 0x2b", ebx: hole - 4, writes: false),
      Row(text: ".byte 0x9a, 0, 1, 1, 0, 8, 0", esp: stackIn),
      Row(text: ".byte 0x9a, 0, 1, 1, 0, 8, 0", esp: hole + 0x1004, writesBefore: true),
      Row(text: "sgdt [ebx]", ebx: hole - 3, writesBefore: true),
      Row(text: "lgdt [ebx]", ebx: hole - 3, writes: false),
      Row(text: "lidt [ebx]", ebx: hole - 2, writes: false),
      Row(text: "smsw word ptr [ebx]"), Row(text: "lmsw word ptr [ebx]", writes: false),
      Row(text: "str word ptr [ebx]"), Row(text: "arpl word ptr [ebx], dx", writes: false),
      Row(text: "verr word ptr [ebx]", writes: false), Row(text: "lar eax, word ptr [ebx]", writes: false),
      Row(text: "mov word ptr [ebx], ds"), Row(text: "mov ds, word ptr [ebx]", writes: false),
      Row(text: "mov [ebx], eax", ebx: hole - 1), Row(text: "insb", edx: 0x80, edi: hole),
      Row(text: "outsb", edx: 0x80, esi: hole, writes: false),
    ]
    return rows
  }()

  @Test("A page fault of each family of instructions leaves registers and flags as they were")
  func nothingChanged() throws {
    // Each instruction has 32 bytes of its own; the last is one that ends the run.
    let source = Self.rows.map { ".balign 32, 0xf4\n \($0.text)" }.joined(separator: "\n")
    let code = try Assembler.assemble(source, at: ProgramMachine.code)
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    program.poke(ProgramMachine.code, code)
    try program.turnPagingOn(except: [Self.hole])
    let cpu = program.cpu
    for (index, row) in Self.rows.enumerated() {
      for based in [false, true] {
        cpu.state.pointee.ds.base = based ? 0x10 : 0
        let adjust: UInt32 = based ? 0x10 : 0
        let values = [
          row.eax, row.ecx, row.edx, row.ebx &- adjust, row.esp, row.ebp, row.esi &- adjust, row.edi,
        ]
        for number in 0..<8 { cpu.registers[number] = values[number] }
        cpu.state.pointee.eip = ProgramMachine.code + UInt32(32 * index)
        cpu.state.pointee.eflags = 0x8d7
        let before = program.machine.registers
        let below = program.peek(Self.hole - 64, 64)
        // No vector table: the fault ends in shutdown, which leaves everything but CR2 as it was.
        cpu.state.pointee.idtr.limit = 0
        let stop = program.run(cycles: 50)
        cpu.state.pointee.idtr.limit = 0x7ff
        let first = program.machine.faultHistory.entries.first
        var after = program.machine.registers
        let cr2 = after.cr2
        after.cr2 = before.cr2
        cpu.isShutDown = false
        cpu.faultHistory = FaultHistory()
        guard stop == .tripleFault, first?.vector == .pageFault else {
          Issue.record("\(row.text): \(stop), \(String(describing: first))")
          continue
        }
        #expect(after == before, "\(row.text), based \(based)")
        #expect(first?.errorCode == (row.writes ? 2 : 0), "\(row.text), based \(based)")
        #expect(cr2 >= Self.hole && cr2 < Self.hole + 0x1000, "\(row.text): CR2 \(hexDigits(cr2))")
        if !row.writesBefore { #expect(program.peek(Self.hole - 64, 64) == below, "\(row.text)") }
        cpu.state.pointee.cr2 = 0
      }
    }
    #expect(Self.rows.count > 300)
  }

  /// A handler that maps the page that CR2 names and returns.
  static let mapping = """
      push eax
      push ebx
      mov eax, cr2
      mov ebx, eax
      and eax, 0xfffff000
      or eax, 7
      shr ebx, 12
      mov [0x201000 + ebx * 4], eax
      inc dword ptr [0x6000]
      pop ebx
      pop eax
      add esp, 4
      iretd
    """

  private func demandPaged(_ source: String, holes: Set<UInt32>, steps: UInt64) throws -> ProgramMachine {
    let program = try ProgramMachine()
    // Ring 3, so that the handler has a stack that is there, with the right to use ports.
    try program.enterRing3()
    program.cpu.state.pointee.systemFlags |= EFLAGS.ioPrivilegeLevel.rawValue
    try program.load(source + "\n out 0xf4, al")
    program.poke(0x5_0000, try Assembler.assemble(Self.mapping, at: 0x5_0000))
    program.poke64(ProgramMachine.idt + 14 * 8, DescriptorBytes.gate(ProgramMachine.code0, 0x5_0000))
    try program.turnPagingOn(except: holes)
    var stop = StopReason.cycleLimit
    let end = program.machine.cycle + 200_000
    while stop == .cycleLimit && program.machine.cycle < end {
      stop = program.machine.run(untilCycle: min(end, program.machine.cycle &+ min(steps, 1 << 40)))
    }
    guard case .exit = stop else {
      Issue.record("\(stop), \(program.taken as Any)")
      return program
    }
    return program
  }

  @Test("REP MOVS through pages that come one by one copies all", arguments: [1, 5, 1 << 30] as [UInt64])
  func copyThroughHoles(steps: UInt64) throws {
    for (width, letter) in [(1, "b"), (2, "w"), (4, "d")] {
      for backwards in [false, true] {
        let count = 0x3000 / width
        let offset = backwards ? 0x3000 - width : 0
        let program = try demandPaged(
          """
            mov edi, 0x80003
            mov ecx, 0x3000
          fill:
            mov [0x90000 + ecx - 1], cl
            loop fill
            mov esi, 0x90000 + \(offset)
            mov edi, 0x80ffd + \(offset)
            mov ecx, \(count)
            \(backwards ? "std" : "cld")
            rep movs\(letter)
            cld
          """, holes: [0x8_0000, 0x8_1000, 0x8_2000, 0x8_3000, 0x9_1000, 0x9_2000], steps: steps)
        #expect(program.peek(0x8_0ffd, 0x3000) == program.peek(0x9_0000, 0x3000))
        #expect(program.peek(0x9_0000, 4) == [1, 2, 3, 4])
        #expect(program.cpu[.ecx] == 0)
        #expect(program.peek32(0x6000) == 6)
      }
    }
  }

  @Test("The stack grows page by page under PUSHA, CALL and ENTER") func growingStack() throws {
    let program = try demandPaged(
      """
        mov esp, 0x84010
        mov ebp, 0x84000
        mov ecx, 200
      more:
        pushad
        enter 24, 2
        call next
      next:
        loop more
        mov eax, esp
      """, holes: [0x8_3000, 0x8_2000, 0x8_1000, 0x8_0000], steps: 1 << 30)
    let frame: UInt32 = 32 + 4 + 4 + 4 + 24 + 4
    #expect(program.cpu[.eax] == 0x8_4010 &- 200 * frame)
  }
}
