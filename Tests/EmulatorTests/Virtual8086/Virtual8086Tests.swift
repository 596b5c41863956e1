import IA32
import TestSupport
import Testing

@testable import Emulator

/// V86 mode: SDM vol. 3B, chapter 20.
@Suite struct Virtual8086Tests {
  typealias P = ProgramMachine

  /// A program of V86 mode at 1000h:0 with its stack at 900h:1000h; its exceptions end the run in ring 0.
  private func program(
    _ source: String, iopl: UInt32 = 0, flags: UInt32 = 0, cr4: CR4 = [],
    prepare: (ProgramMachine) throws -> Void = { _ in }
  ) throws -> ProgramMachine {
    let program = try ProgramMachine(extensions: .virtual8086Extensions)
    try program.enterProtectedMode()
    try program.cpu.moveToControlRegister(4, cr4.rawValue)
    program.poke64(
      P.gdt + UInt32(P.taskState), DescriptorBytes.segment(base: P.tss, limit: 0x2ff, access: 0x8b, flags: 0))
    program.cpu.state.pointee.tr.limit = 0x2ff
    // Redirection map at 68h, I/O map at 88h: everything forbidden, nothing redirected.
    program.poke32(P.tss + 0x64, 0x88_0000)
    program.poke(P.tss + 0x68, [UInt8](repeating: 0xff, count: 0x198))
    program.poke(P.code, try Assembler.assemble(".code16\n" + source, at: 0))
    try prepare(program)
    program.poke32(
      P.outerStack - 36, 0, 0x1000, EFLAGS.virtual8086.rawValue | 2 | iopl << 12 | flags, 0x1000, 0x900,
      0x5000,
      0x6000, 0x7000, 0x8000)
    program.cpu[.esp] = P.outerStack - 36
    try program.cpu.interruptReturn(operandSize: 4)
    program.run(cycles: 1000)
    return program
  }

  @Test("IRETD goes there, an exception comes back with all segments (20.2, 20.3.1)") func inAndOut() throws {
    let p = try program("mov ax, ds\n mov [0x20], ax\n mov bx, cs\n ud2", iopl: 0)
    #expect(p.taken == P.Taken(.invalidOpcode, at: 7))
    #expect(p.cpu[.ebx] & 0xffff == 0x1000)
    #expect(p.peek(0x6_0020, 2) == [0x00, 0x60])
    let frame = (0..<9).map { p.peek32(p.cpu[.esp] + UInt32(4 * $0)) }
    #expect(frame[1] == 0x1000 && frame[2] & EFLAGS.virtual8086.rawValue != 0)
    #expect(Array(frame[3...]) == [0x1000, 0x900, 0x5000, 0x6000, 0x7000, 0x8000])
    let state = p.cpu.state.pointee
    #expect(state.privilegeLevel == 0 && state.cs.selector == P.code0 && state.ss.selector == P.data0)
    for segment in [state.es, state.ds, state.fs, state.gs] {
      #expect(segment.selector == 0 && !segment.isUsable)
    }
  }

  @Test("IOPL-sensitive instructions (20.2.7) and privileged ones") func sensitive() throws {
    for source in ["cli", "sti", "pushf", "popf", "int 0x20", "iret", "pushfd", "popfd", "iretd"] {
      let forbidden = try program(source)
      #expect(forbidden.taken == P.Taken(.generalProtection, at: 0), "\(source)")
      if source == "int 0x20" || source.hasPrefix("iret") { continue }
      let allowed = try program(source + "\n ud2", iopl: 3)
      #expect(allowed.taken?.vector == 6, "\(source)")
    }
    for source in [
      "hlt", "mov eax, cr0", "mov cr0, eax", "lgdt [0]", "clts", "invlpg [0]", "lmsw ax", "wbinvd",
    ] {
      #expect(try program(source, iopl: 3).taken == P.Taken(.generalProtection, at: 0), "\(source)")
    }
    for source in [
      "sldt ax", "str ax", "lar ax, bx", "lsl ax, bx", "verr ax", "arpl ax, bx", "lldt ax", "ltr ax",
    ] {
      #expect(try program(source, iopl: 3).taken == P.Taken(.invalidOpcode, at: 0), "\(source)")
    }
    // INT3 and INTO are not sensitive.
    #expect(try program("int3").taken == P.Taken(.breakpoint, at: 1))
  }

  @Test("With IOPL 3 INT n goes through the IDT, and IRET, PUSHF and POPF are the 8086's") func free() throws
  {
    #expect(try program("int 0x20", iopl: 3).taken?.eip == 2)
    let p = try program(
      "push 0x7ed7\n push cs\n push offset there\n iret\n nop\n there: pushf\n pop ax\n ud2", iopl: 3)
    #expect(p.taken?.vector == 6)
    // IOPL stays; VM is not seen.
    #expect(p.cpu[.eax] & 0xffff == 0x7ed7)
  }

  @Test("I/O obeys the permission map whatever IOPL is (vol. 1, 18.5.2)") func ports() throws {
    #expect(try program("in al, 0x21", iopl: 3).taken == P.Taken(.generalProtection, at: 0))
    let p = try program("in al, 0x21\n ud2", iopl: 0) { $0.poke(P.tss + 0x88 + 4, [0xfd]) }
    #expect(p.taken == P.Taken(.invalidOpcode, at: 2))
  }

  @Test("Segments are the 8086's: 64 KiB, and no descriptor is asked (20.1.1)") func segments() throws {
    let p = try program("mov ax, 0x1234\n mov es, ax\n mov byte ptr es:[0xffff], 7\n mov ax, es:[0xffff]")
    #expect(p.taken == P.Taken(.generalProtection, at: 11))
    #expect(p.peek(0x1_2340 + 0xffff, 1) == [7])
    let far = try program(".byte 0xea\n .word 0x10, 0x2000") { $0.poke(0x2_0010, [0x0f, 0x0b]) }
    #expect(far.taken == P.Taken(.invalidOpcode, at: 0x10))
    #expect(far.peek32(far.cpu[.esp] + 4) == 0x2000)
  }

  @Test("The handler must be in ring 0 (20.3.1)") func handlers() throws {
    let p = try program("int3") { p in
      p.poke64(P.idt + 8 * 3, DescriptorBytes.gate(P.code3, P.handlers + 16 * 3))
    }
    #expect(p.taken == P.Taken(.generalProtection, 0x18, at: 0))
  }

  @Test("IRET back to the program") func back() throws {
    // #GP's handler: drops the error code, steps over the HLT, and returns.
    let p = try program("hlt\n mov bx, 0x77\n ud2") { p in
      p.poke(P.handlers + 16 * 13, [0x83, 0xc4, 0x04, 0xff, 0x04, 0x24, 0xcf])
    }
    #expect(p.taken == P.Taken(.invalidOpcode, at: 4))
    #expect(p.cpu[.ebx] & 0xffff == 0x77)
    #expect(p.peek32(p.cpu[.esp] + 24) == 0x6000)
  }

  // MARK: VME

  @Test("VME: CLI, STI, PUSHF and POPF use VIF (20.3.3)") func virtualFlag() throws {
    let on = try program("sti\n pushf\n pop ax\n cli\n pushf\n pop bx\n ud2", cr4: .virtual8086Extensions)
    #expect(on.taken?.vector == 6)
    #expect(on.cpu[.eax] & 0x3200 == 0x3200 && on.cpu[.ebx] & 0x3200 == 0x3000)
    let popped = try program("push 0x202\n popf\n ud2", cr4: .virtual8086Extensions)
    #expect(popped.peek32(popped.cpu[.esp] + 8) & 0x8_0200 == 0x8_0000)
    for source in ["sti", "push 0x202\n popf", "push 0x202\n push cs\n push 0\n iret"] {
      let pending = try program(
        source, flags: EFLAGS.virtualInterruptPending.rawValue, cr4: .virtual8086Extensions)
      #expect(pending.taken?.vector == 13, "\(source)")
    }
    #expect(try program("push 0x102\n popf", cr4: .virtual8086Extensions).taken?.vector == 13)
    #expect(try program("pushfd", cr4: .virtual8086Extensions).taken?.vector == 13)
  }

  @Test("VME: the redirection map (table 20-2)") func redirection() throws {
    func prepare(_ p: ProgramMachine) {
      p.poke(P.tss + 0x68 + 4, [0xfe])  // INT 20h to the program's own handler
      p.poke32(0x20 * 4, 0x1000_0040)
    }
    let code = "int 0x20\n ud2\n .org 0x40\n pop ax\n pop bx\n pop cx\n int3"
    let virtual = try program(
      code, flags: EFLAGS.virtualInterrupt.rawValue, cr4: .virtual8086Extensions, prepare: prepare)
    #expect(virtual.taken == P.Taken(.breakpoint, at: 0x44))
    #expect(virtual.cpu[.eax] & 0xffff == 2 && virtual.cpu[.ebx] & 0xffff == 0x1000)
    #expect(virtual.cpu[.ecx] & 0x3200 == 0x3200)
    #expect(virtual.peek32(virtual.cpu[.esp] + 8) & EFLAGS.virtualInterrupt.rawValue == 0)
    let free = try program(code, iopl: 3, flags: 0x200, cr4: .virtual8086Extensions, prepare: prepare)
    #expect(free.taken == P.Taken(.breakpoint, at: 0x44))
    #expect(free.peek32(free.cpu[.esp] + 8) & 0x200 == 0)
    // A set bit: #GP below IOPL 3, the gate at IOPL 3.
    #expect(
      try program("int 0x21", cr4: .virtual8086Extensions, prepare: prepare).taken
        == P.Taken(.generalProtection, at: 0))
    #expect(try program("int 0x21", iopl: 3, cr4: .virtual8086Extensions, prepare: prepare).taken?.eip == 2)
    // IRET of the handler takes VIF.
    let back = try program(
      "int 0x20\n pushf\n pop dx\n ud2\n .org 0x40\n iret", flags: EFLAGS.virtualInterrupt.rawValue,
      cr4: .virtual8086Extensions, prepare: prepare)
    #expect(back.taken?.vector == 6 && back.cpu[.edx] & 0x200 != 0)
  }

  @Test("PVI: VIF in ring 3 of protected mode (20.4)") func protectedVirtualInterrupts() throws {
    let program = try ProgramMachine(extensions: .virtual8086Extensions)
    try program.enterRing3()
    program.cpu.state.pointee.cr4 = .protectedModeVirtualInterrupts
    try program.load("sti\n cli\n sti\n ud2")
    program.run(cycles: 1000)
    #expect(program.taken?.vector == 6)
    #expect(program.peek32(program.cpu[.esp] + 8) & EFLAGS.virtualInterrupt.rawValue != 0)
    let without = try ProgramMachine()
    try without.enterRing3()
    try without.load("sti")
    without.run(cycles: 1000)
    #expect(without.taken == P.Taken(.generalProtection))
  }
}
