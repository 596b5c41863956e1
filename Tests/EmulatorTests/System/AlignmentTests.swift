import IA32
import Testing

@testable import Emulator

/// Alignment checks and the stack and limits of 16-bit code.
@Suite struct AlignmentTests {
  typealias P = ProgramMachine

  /// Runs code in ring 3 with CR0.AM and EFLAGS.AC, with the fast paths and without.
  private func exception(_ source: String, mask: Bool = true, flag: Bool = true) throws -> P.Taken? {
    var found: [P.Taken?] = []
    for isFast in [true, false] {
      let program = try ProgramMachine(usesFastPaths: isFast)
      try program.enterRing3()
      if mask {
        try program.cpu.mmu.setControlRegisters(
          cr0: program.cpu.state.pointee.cr0.union(.alignmentMask), cr4: [])
      }
      if flag { program.cpu.state.pointee.systemFlags |= EFLAGS.alignmentCheck.rawValue }
      try program.load(source)
      program.run(cycles: 1000)
      found.append(program.taken)
    }
    #expect(found[0] == found[1], "\(source)")
    return found[0]
  }

  @Test("#AC: AM, AC and CPL 3 together, by the width (vol. 3A, 6.15, table 6-7)") func alignment() throws {
    let ud = P.Taken(.invalidOpcode, at: P.code + 6)
    let ac = P.Taken(.alignmentCheck)
    #expect(try exception("mov ecx, [0x50001]\n ud2") == ac)
    #expect(try exception("mov ecx, [0x50002]\n ud2") == ac)
    #expect(try exception("mov ecx, [0x50004]\n ud2") == ud)
    #expect(try exception("mov [0x50001], ecx\n ud2") == ac)
    #expect(try exception("mov cl, [0x50001]\n ud2") == ud)
    #expect(try exception("add [0x50fff], ecx\n ud2") == ac)
    #expect(try exception("mov cx, [0x50001]\n ud2") == ac)
    #expect(try exception("mov ecx, [0x50001]\n ud2", mask: false) == ud)
    #expect(try exception("mov ecx, [0x50001]\n ud2", flag: false) == ud)
    // After an access that has made the page's entry in the filter.
    let later =
      "mov [0x50000], eax\n mov [0x50000], eax\n pushfd\n or dword ptr [esp], 0x40000\n popfd\n mov ecx, [0x50001]"
    #expect(try exception(later, flag: false) == P.Taken(.alignmentCheck, at: P.code + 19))
    #expect(try exception("sgdt [0x50000]\n sgdt [0x50002]") == P.Taken(.alignmentCheck, at: P.code + 7))
    // The handler in ring 0 is not checked: its frame may be anywhere.
    let program = try ProgramMachine()
    try program.enterRing3()
    program.cpu.state.pointee.systemFlags |= EFLAGS.alignmentCheck.rawValue
    try program.cpu.mmu.setControlRegisters(cr0: [.protectionEnable, .alignmentMask], cr4: [])
    program.poke32(P.tss + 4, P.innerStack + 1)
    try program.load("ud2")
    program.run(cycles: 1000)
    #expect(program.taken == P.Taken(.invalidOpcode))
  }

  // MARK: 16 bits

  /// Runs real-mode code; its exceptions' handlers end the run.
  private func real(_ source: String, prepare: (ProgramMachine) -> Void = { _ in }) throws -> ProgramMachine {
    let program = try ProgramMachine()
    program.enterRealMode()
    program.poke(P.code, try Assembler.assemble(".code16\n" + source, at: 0))
    prepare(program)
    program.run(cycles: 1000)
    return program
  }

  private func vector(_ program: ProgramMachine) -> UInt32? {
    let eip = program.machine.registers.eip
    return eip >= P.handlers && eip < P.handlers + 0x1000 ? (eip - P.handlers) >> 4 : nil
  }

  @Test("Real mode: limits of 64 KiB are #GP and #SS without error codes (vol. 3B, 20.1.4)") func limits()
    throws
  {
    let general = try real("mov bx, 0xffff\n mov ax, [bx]")
    #expect(vector(general) == 13)
    #expect(general.cpu[.esp] & 0xffff == 0x7000 - 6)
    #expect(general.peek(0x6ffa, 4) == [3, 0, 0x00, 0x10])
    #expect(vector(try real("mov bp, 0xffff\n mov ax, [bp]")) == 12)
    #expect(vector(try real("mov eax, 0x10000\n mov bl, [eax]")) == 13)
    let wraps = try real("mov bx, 0xffff\n mov al, [bx + 1]\n int 0x30")
    #expect(vector(wraps) == 0x30)
    // The stack wraps at 64 KiB where a slot ends there.
    let stack = try real("mov sp, 2\n push ax\n push ax\n mov bx, sp\n int 0x30")
    #expect(vector(stack) == 0x30 && stack.cpu[.ebx] & 0xffff == 0xfffe)
  }

  @Test("Real mode: IDTR's limit (6.10; vol. 3B, 20.1.4)") func vectorTable() throws {
    let short = try real("int 0x30") { $0.cpu.state.pointee.idtr.limit = 0xbf }
    #expect(vector(short) == 13)
    let moved = try real("int 0x30") { p in
      p.cpu.state.pointee.idtr = DescriptorTableRegister(base: 0x8000, limit: 0x3ff)
      p.poke32(0x8000 + 0xc0, P.handlers + 0x310)
    }
    #expect(vector(moved) == 0x31)
  }

  @Test("Unreal mode keeps limits that protected mode has loaded") func unreal() throws {
    let program = try real(
      """
      lgdt [offset table]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      mov bx, 8
      mov ds, bx
      and al, 0xfe
      mov cr0, eax
      xor bx, bx
      mov ds, bx
      mov ecx, 0x200010
      mov dword ptr [ecx], 0x1234
      int 0x30
      table: .word 15
      .long 0x8000
      """
    ) { p in
      p.cpu.state.pointee.ds = SegmentCache(realMode: 0x1000)
      p.poke64(0x8008, 0x00cf_9300_0000_ffff)
    }
    #expect(vector(program) == 0x30)
    #expect(program.peek32(0x20_0010) == 0x1234)
  }
}
