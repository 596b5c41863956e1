import IA32
import TestSupport
import Testing

@testable import Emulator

/// Debug exceptions: SDM vol. 3B, 17.2, 17.3. Each guest runs with the fast paths and without, and must end alike.
@Suite struct DebugExceptionTests {
  typealias P = ProgramMachine

  /// Where a debug exception was taken, and DR6 there.
  private struct Debugged: Equatable {
    var eip: UInt32
    var status: UInt32
    var resumes = false
  }

  /// Runs code in ring 0; #DB's handler ends the run.
  private func debugged(
    _ source: String, paged: Bool = false, cr4: CR4 = [], prepare: (ProgramMachine) throws -> Void = { _ in }
  ) throws -> Debugged? {
    var found: [Debugged?] = []
    for isFast in [true, false] {
      let program = try ProgramMachine(usesFastPaths: isFast)
      try program.enterProtectedMode()
      if paged { try program.turnPagingOn() }
      if !cr4.isEmpty { try program.cpu.moveToControlRegister(4, cr4.rawValue) }
      try program.load(source)
      try prepare(program)
      program.run(cycles: 5000)
      guard let taken = program.taken, taken.vector == 1 else {
        found.append(nil)
        continue
      }
      found.append(
        Debugged(
          eip: taken.eip - P.code, status: program.cpu.state.pointee.dr6 & 0xe00f,
          resumes: program.pushedFlags & EFLAGS.resume.rawValue != 0))
    }
    #expect(found[0] == found[1], "\(source): fast and direct differ")
    return found[0]
  }

  /// mov dr0, address; mov dr7, control; 18 bytes in all.
  private func arm(_ address: String, _ control: UInt32) -> String {
    "mov eax, \(address)\n mov dr0, eax\n mov eax, \(control)\n mov dr7, eax\n"
  }
  private let armed: UInt32 = 16

  @Test("Instruction breakpoints are faults with RF clear (17.3.1.1)") func instruction() throws {
    let source = arm("offset there", 1) + "nop\n inc ecx\n there: inc ecx\n nop"
    #expect(try debugged(source) == Debugged(eip: armed + 2, status: 1))
    #expect(try debugged(source, paged: true) == Debugged(eip: armed + 2, status: 1))
    // In code that has been decoded before, in a loop.
    let loop =
      "mov ecx, 3\n again: inc ebx\n there: dec ecx\n jnz again\n" + arm("offset there", 2)
      + "mov ecx, 2\n jmp again"
    #expect(try debugged(loop) == Debugged(eip: 6, status: 1))
    // Higher than the instruction's own fault, lower than none.
    #expect(try debugged(arm("offset there", 1) + "there: ud2") == Debugged(eip: armed, status: 1))
    // Not enabled: nothing.
    #expect(try debugged(arm("offset there", 0) + "there: out 0xf4, al") == nil)
  }

  @Test("RF lets the instruction through once") func resume() throws {
    // The handler sets RF in the image and returns; the loop comes by three times.
    let source =
      arm("offset there", 1)
      + "xor ecx, ecx\n again: nop\n there: inc ecx\n cmp ecx, 3\n jne again\n out 0xf4, al"
    for isFast in [true, false] {
      let program = try ProgramMachine(usesFastPaths: isFast)
      try program.enterProtectedMode()
      // or dword [esp + 8], 10000h; inc ebx; iret
      program.poke(P.handlers + 16, [0x81, 0x4c, 0x24, 0x08, 0, 0, 1, 0, 0x43, 0xcf])
      try program.load(source)
      #expect(program.run(cycles: 5000) == .exit(1))
      #expect(program.cpu[.ecx] == 3 && program.cpu[.ebx] == 3)
    }
  }

  @Test("A load of SS keeps a breakpoint away from the next instruction (vol. 3A, 6.8.3)") func stackLoad()
    throws
  {
    let source = arm("offset there", 1) + "mov ecx, ss\n mov ss, ecx\n there: nop\n nop\n out 0xf4, al"
    #expect(try debugged(source) == nil)
  }

  @Test("Data breakpoints are traps, by length and kind (17.2.5)", arguments: [false, true])
  func data(_ paged: Bool) throws {
    // Write of 4 bytes at 50004h.
    let w4: UInt32 = 0xd_0001
    let rw1: UInt32 = 0x3_0001
    let rows: [(UInt32, String, Debugged?)] = [
      (w4, "mov [0x50004], ecx\n nop", Debugged(eip: 6, status: 1)),
      (w4, "mov byte ptr [0x50007], 5\n nop", Debugged(eip: 7, status: 1)),
      (w4, "mov [0x50001], ecx\n nop", Debugged(eip: 6, status: 1)),
      (w4, "mov [0x50000], ecx\n out 0xf4, al", nil),
      (w4, "mov [0x50008], ecx\n out 0xf4, al", nil),
      (w4, "mov ecx, [0x50004]\n out 0xf4, al", nil),
      (rw1, "mov ecx, [0x50004]\n nop", Debugged(eip: 6, status: 1)),
      (rw1, "mov ecx, [0x50002]\n nop", Debugged(eip: 6, status: 1)),
      (rw1, "mov ecx, [0x50005]\n out 0xf4, al", nil),
      (rw1, "add [0x50004], ecx\n nop", Debugged(eip: 6, status: 1)),
      (rw1, "add cx, [0x50004]\n nop", Debugged(eip: 7, status: 1)),
      // The stack, and a call into it.
      (w4, "mov esp, 0x50008\n push ecx\n nop", Debugged(eip: 6, status: 1)),
      (w4, "mov esp, 0x50008\n call there\n nop\n there: nop", Debugged(eip: 11, status: 1)),
      // After an access that has made the page's entry in the filter.
      (
        w4, "mov [0x50100], ecx\n mov [0x50100], ecx\n mov [0x50004], ecx\n nop", Debugged(eip: 18, status: 1)
      ),
    ]
    for (control, code, expected) in rows {
      var expected = expected
      expected?.eip += armed
      #expect(try debugged(arm("0x50004", control) + code, paged: paged) == expected, "\(code)")
    }
  }

  @Test("REP traps after the iteration, with RF (17.3.1.1, 17.3.1.2)") func repeated() throws {
    let source = arm("0x50008", 0xd_0001) + "mov edi, 0x50000\n mov ecx, 8\n rep stosd\n nop"
    #expect(try debugged(source) == Debugged(eip: armed + 10, status: 1, resumes: true))
    let last = arm("0x50008", 0xd_0001) + "mov edi, 0x50000\n mov ecx, 3\n rep stosd\n nop"
    #expect(try debugged(last) == Debugged(eip: armed + 12, status: 1))
    let step = "mov ecx, 8\n mov edi, 0x50000\n push 0x102\n popfd\n rep stosd"
    #expect(try debugged(step) == Debugged(eip: 16, status: 0x4000, resumes: true))
  }

  @Test("I/O breakpoints need CR4.DE") func ports() throws {
    let arms = arm("0x80", 0xe_0001 & ~0xc_0000 | 0x4_0000)
    #expect(
      try debugged(arms + "out 0x81, al\n nop", cr4: .debuggingExtensions)
        == Debugged(eip: armed + 2, status: 1))
    #expect(
      try debugged(arms + "in eax, 0x7e\n nop", cr4: .debuggingExtensions)
        == Debugged(eip: armed + 2, status: 1))
    #expect(try debugged(arms + "out 0x82, al\n out 0xf4, al", cr4: .debuggingExtensions) == nil)
    #expect(try debugged(arms + "out 0x81, al\n out 0xf4, al") == nil)
  }

  @Test("GD: a fault with RF, and the handler may use the registers (17.3.1.3)") func generalDetect() throws {
    #expect(
      try debugged("mov eax, 0x2000\n mov dr7, eax\n mov ecx, dr0")
        == Debugged(eip: 8, status: 0x2000, resumes: true))
  }

  @Test("Single step: TF as the instruction began; none after a load of SS (17.3.1.4)") func singleStep()
    throws
  {
    #expect(try debugged("push 0x102\n popfd\n nop\n nop") == Debugged(eip: 7, status: 0x4000))
    // MOV SS is stepped over with the next; the one after traps.
    let source = "mov ecx, ss\n push 0x102\n popfd\n mov ss, ecx\n nop\n nop"
    #expect(try debugged(source) == Debugged(eip: 11, status: 0x4000))
    // POPF that clears TF still traps.
    #expect(try debugged("push 2\n push 0x102\n popfd\n popfd\n nop") == Debugged(eip: 9, status: 0x4000))
  }

  @Test("A data breakpoint of MOV SS waits for the next instruction") func stackLoadData() throws {
    let code = arm("0x50004", 0x7_0001) + "mov ss, [0x50004]\n nop\n nop"
    let found = try debugged(code) { $0.poke(0x5_0004, [0x10, 0]) }
    #expect(found == Debugged(eip: armed + 7, status: 1))
  }

  @Test("INT1 leaves DR6 alone and asks no DPL") func int1() throws {
    #expect(try debugged(".byte 0xf1") == Debugged(eip: 1, status: 0))
  }

  @Test("Debug registers come back with the past") func snapshots() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    try program.load(arm("0x50004", 0xd_0001) + "nop\n mov [0x50004], ecx\n nop")
    let before = program.cpu.snapshot()
    program.run(cycles: 5000)
    #expect(program.taken?.vector == 1)
    let after = program.cpu.snapshot()
    program.cpu.restore(before)
    #expect(program.cpu.debugConditions == DebugConditions())
    #expect(program.cpu.mmu.dataBreakpoints.isEmpty)
    program.cpu.restore(after)
    #expect(program.cpu.debugConditions.data.conditions.count == 1)
  }
}
