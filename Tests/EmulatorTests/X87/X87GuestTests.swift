import FloatingPoint
import IA32
import TestSupport
import Testing

@testable import Emulator

/// The floating-point unit as a guest's system software sees it. SDM vol. 1, 8.1 and 8.7; vol. 3A, 2.5.
@Suite("x87 in the processor") struct X87GuestTests {
  private func machine(_ source: String, cr0: CR0 = [.protectionEnable, .numericError]) throws
    -> ProgramMachine
  {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    try program.cpu.moveToControlRegister(0, cr0.rawValue)
    try program.load(source)
    program.run()
    return program
  }

  private static let end = "\n out 0xf4, al"

  @Test("CPUID tells of a unit, and after a reset it is not yet initialised")
  func presence() throws {
    #expect(CPUModel.p6.cpuid(leaf: 1).edx & 1 == 1)
    let program = try machine("fnstcw [0x8000]\n fnstsw ax" + Self.end)
    #expect(program.peek(0x8000, 2) == [0x40, 0])
    #expect(program.cpu[.eax] & 0xffff == 0)
  }

  @Test("A sum, with all that goes through memory")
  func sum() throws {
    let program = try machine(
      """
      fninit
      fld1
      fldpi
      faddp st(1), st
      fstp qword ptr [0x8000]
      fild dword ptr [0x8010]
      fmul qword ptr [0x8000]
      fistp qword ptr [0x8018]
      fnstsw ax
      """ + Self.end)
    #expect(
      program.peek(0x8000, 8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        == (1 + Double.pi).bitPattern)
    #expect(program.cpu[.eax] & 0x3800 == 0, "the stack is level")
    #expect(program.machine.registers.x87.tags == 0xffff)
  }

  @Test("EM and TS trap every instruction of the unit, WAIT only with MP and TS")
  func notAvailable() throws {
    for cr0 in [CR0.emulation, .taskSwitched] {
      for source in ["fninit", "fld1", "fnstsw ax", "fnclex", "fadd dword ptr [0x8000]"] {
        let program = try machine(source, cr0: [.protectionEnable, cr0])
        #expect(program.taken == ProgramMachine.Taken(.deviceNotAvailable), "\(source)")
      }
      #expect(try machine("fwait" + Self.end, cr0: [.protectionEnable, cr0]).taken == nil)
    }
    let both = try machine("fwait", cr0: [.protectionEnable, .monitorCoprocessor, .taskSwitched])
    #expect(both.taken == ProgramMachine.Taken(.deviceNotAvailable))
  }

  @Test("An unmasked exception is #MF at the next instruction that waits, and not before")
  func pendingError() throws {
    // fninit 2, fnstcw 6, and 7, fldcw 6, fld1 2, fldz 2, fdivp 2 bytes.
    let begin = """
      fninit
      fnstcw [0x8000]
      and byte ptr [0x8000], 0xfb
      fldcw [0x8000]
      fld1
      fldz
      fdivp st(1), st

      """
    let length = UInt32(try Assembler.assemble(begin, at: ProgramMachine.code).count)
    for (next, waits) in [
      ("fwait", true), ("fld1", true), ("fldcw [0x8000]", true), ("frstor [0x8000]", true), ("fnop", true),
      ("fnstsw ax", false), ("fnstcw [0x8000]", false), ("fnclex", false), ("fninit", false),
      ("fnstenv [0x8000]", false),
      ("fnsave [0x8000]", false), ("nop", false),
    ] {
      let program = try machine(begin + next + Self.end)
      let expected = waits ? ProgramMachine.Taken(.floatingPointError, at: ProgramMachine.code + length) : nil
      #expect(program.taken == expected, "\(next)")
    }
    // The operands stay, and the status word says what happened.
    let program = try machine(begin + "fnstsw ax" + Self.end)
    #expect(program.cpu[.eax] & 0xffff == 0xb084)
    let unit = program.machine.registers.x87
    #expect(unit.stack[0] == .zero && unit.stack[1] == .one)
    // FNCLEX takes it back.
    #expect(try machine(begin + "fnclex\n fwait" + Self.end).taken == nil)
  }

  @Test("With NE clear the error is IRQ 13, the processor stands still, and port F0h lets it go on")
  func externalError() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    // Vector 75h is IRQ 13.
    program.poke64(
      ProgramMachine.idt + 8 * 0x75, DescriptorBytes.gate(ProgramMachine.code0, 0x6000, access: 0x8e))
    program.poke(
      0x6000,
      try Assembler.assemble(
        """
        inc dword ptr [0x8100]
        fnstsw [0x8104]
        out 0xf0, al
        fnclex
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        iretd
        """, at: 0x6000))
    try program.load(
      """
      mov al, 0x11
      out 0x20, al
      out 0xa0, al
      mov al, 8
      out 0x21, al
      mov al, 0x70
      out 0xa1, al
      mov al, 4
      out 0x21, al
      mov al, 2
      out 0xa1, al
      mov al, 1
      out 0x21, al
      out 0xa1, al
      mov al, 0xfb
      out 0x21, al
      mov al, 0xdf
      out 0xa1, al
      sti
      fninit
      fnstcw [0x8000]
      and byte ptr [0x8000], 0xfb
      fldcw [0x8000]
      fld1
      fldz
      fdivp st(1), st
      nop
      fld1
      mov eax, 1234
      out 0xf4, al
      """)
    let stop = program.run()
    #expect(stop == .exit(UInt8(1234 & 0xff)))
    #expect(program.taken == nil)
    #expect(program.peek32(0x8100) == 1)
    #expect(program.peek32(0x8104) & 0x84 == 0x84)
    #expect(program.machine.registers.x87.stack[0] == .one)
  }

  @Test("With NE clear and no interrupt to come, the machine waits for good")
  func frozen() throws {
    let source = """
      fninit
      fnstcw [0x8000]
      and byte ptr [0x8000], 0xfb
      fldcw [0x8000]
      fldz
      fld1
      fdiv st, st(1)
      fwait
      out 0xf4, al
      """
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    try program.load(source)
    #expect(program.run() == .halted)
  }

  @Test("Pointers and opcode of the last instruction, in the four layouts")
  func environment() throws {
    let program = try machine(
      """
      fninit
      fld1
      fadd dword ptr [0x8000]
      fnstenv [0x8040]
      .byte 0x66
      fnstenv [0x8080]
      """ + Self.end)
    let at = ProgramMachine.code + 4
    #expect(program.peek32(0x8040) == 0xffff_037f)
    #expect(program.peek32(0x8044) == 0xffff_3800)
    #expect(program.peek32(0x8048) == 0xffff_3fff)
    #expect(program.peek32(0x804c) == at)
    // D8 /0 with an address: ModRM 05h.
    #expect(program.peek32(0x8050) == UInt32(ProgramMachine.code0) | 0x005 << 16)
    #expect(program.peek32(0x8054) == 0x8000)
    #expect(program.peek32(0x8058) == 0xffff_0000 | UInt32(ProgramMachine.data0))
    func words(_ address: UInt32, of program: ProgramMachine) -> [UInt16] {
      let bytes = program.peek(address, 14)
      return (0..<7).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
    }
    #expect(
      words(0x8080, of: program) == [
        0x37f, 0x3800, 0x3fff, UInt16(at & 0xffff), ProgramMachine.code0, 0x8000, ProgramMachine.data0,
      ])
    // Real mode: linear addresses, split. CS is 1000h, so that the code is at 10000h.
    let real = try ProgramMachine()
    real.enterRealMode()
    real.poke(
      ProgramMachine.code,
      [
        0xdb, 0xe3, 0xd9, 0xe8, 0xd8, 0x06, 0x00, 0x60, 0xd9, 0x36, 0x40, 0x60, 0x66, 0xd9, 0x36, 0x80, 0x60,
        0xe6, 0xf4,
      ])
    real.run()
    #expect(words(0x6040, of: real) == [0x37f, 0x3800, 0x3fff, 0x0004, 0x1006, 0x6000, 0x0000])
    #expect(real.peek32(0x608c) == 0xffff_0004)
    #expect(real.peek32(0x6090) == 0x0000_1006)
    #expect(real.peek32(0x6094) == 0xffff_6000)
    #expect(real.peek32(0x6098) == 0)
  }

  @Test("FNSAVE and FRSTOR bring everything back, in both sizes")
  func saveAndRestore() throws {
    for prefix in ["", ".byte 0x66\n "] {
      let program = try machine(
        """
        fninit
        fldpi
        fldl2e
        fld1
        ffree st(1)
        \(prefix)fnsave [0x8000]
        fnstsw [0x8200]
        fldz
        \(prefix)frstor [0x8000]
        \(prefix)fnsave [0x8100]
        """ + Self.end)
      let bytes = prefix.isEmpty ? 108 : 94
      #expect(program.peek(0x8000, bytes) == program.peek(0x8100, bytes))
      #expect(program.peek(0x8200, 2) == [0, 0])
      let registers = prefix.isEmpty ? 28 : 14
      #expect(
        program.peek(0x8000 + UInt32(registers) + 20, 10) == [
          0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40,
        ])
    }
  }

  @Test("A store that faults has changed nothing, and is repeated")
  func restartedStore() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    try program.turnPagingOn(except: [0x8_1000])
    // The ten bytes cross into the page that is not there.
    program.poke(0x8_0ff8, Array(repeating: 0xaa, count: 8))
    try program.load("fninit\n fldpi\n fstp tbyte ptr [0x80ffa]" + Self.end)
    program.run()
    #expect(program.taken?.vector == 14)
    #expect(program.peek(0x8_0ff8, 8) == Array(repeating: 0xaa, count: 8))
    #expect(program.machine.registers.x87.tags == 0x3fff, "not popped")
  }

  @Test("A snapshot holds the unit")
  func snapshot() throws {
    let program = try machine("fninit\n fldpi\n fld1" + Self.end)
    let before = program.machine.registers.x87
    let saved = program.machine.snapshot()
    program.cpu.state.pointee.x87.initialize()
    #expect(program.machine.registers.x87 != before)
    program.machine.restore(saved)
    #expect(program.machine.registers.x87 == before)
  }
}
