import IA32
import Testing

@testable import Emulator

/// SYSENTER and SYSEXIT: SDM vol. 2B; vol. 3A, 5.8.7.
@Suite struct FastSystemCallTests {
  typealias P = ProgramMachine

  private func program(_ source: String, cs: UInt32 = 8) throws -> ProgramMachine {
    let program = try ProgramMachine(extensions: .fastSystemCalls)
    try program.enterProtectedMode()
    try program.cpu.writeMSR(0x174, UInt64(cs))
    try program.cpu.writeMSR(0x175, 0x6000)
    try program.load(source)
    program.run(cycles: 1000)
    return program
  }

  @Test("To ring 3 and back") func roundTrip() throws {
    let p = try program(
      """
      mov ecx, 0x176
      mov eax, offset back
      xor edx, edx
      wrmsr
      mov edx, offset out
      mov ecx, 0x8ff0
      sti
      sysexit
      out: mov esi, cs
      mov edi, ss
      mov ebp, esp
      sysenter
      back: mov ebx, cs
      mov edx, ss
      pushfd
      pop eax
      out 0xf4, al
      """)
    #expect(p.cpu[.esi] == UInt32(P.code3) && p.cpu[.edi] == UInt32(P.data3) && p.cpu[.ebp] == 0x8ff0)
    #expect(p.cpu[.ebx] == 8 && p.cpu[.edx] == 0x10 && p.cpu[.esp] == 0x6000)
    #expect(p.cpu[.eax] & EFLAGS.interruptEnable.rawValue == 0)
    #expect(p.cpu.state.pointee.privilegeLevel == 0)
  }

  @Test("Without a selector they are #GP; without SEP they are not there") func faults() throws {
    #expect(try program("sysenter", cs: 3).taken == P.Taken(.generalProtection))
    #expect(try program("sysexit", cs: 0).taken == P.Taken(.generalProtection))
    let ring3 = try ProgramMachine(extensions: .fastSystemCalls)
    try ring3.enterRing3()
    ring3.cpu.state.pointee.systemEntry.cs = 8
    try ring3.load("sysexit")
    ring3.run(cycles: 1000)
    #expect(ring3.taken == P.Taken(.generalProtection))
    let without = try ProgramMachine()
    try without.enterProtectedMode()
    try without.load("sysenter")
    without.run(cycles: 1000)
    #expect(without.taken == P.Taken(.invalidOpcode))
    #expect(CPUModel(identity: .p6).features.isDisjoint(with: CPUIdentity.optional))
  }
}
