import FloatingPoint
import IA32
import TestSupport
import Testing

@testable import Emulator

/// FXSAVE and FXRSTOR. SDM vol. 1, 10.5.
@Suite("FXSAVE and FXRSTOR") struct ExtendedStateTests {
  private static let image: UInt32 = 0x8000

  private func machine(
    _ source: String, _ features: CPUFeatures = [.mmx, .fxsave, .sse],
    cr0: CR0 = [.protectionEnable, .numericError],
    cr4: CR4 = [], prepare: (ProgramMachine) -> Void = { _ in }
  ) throws -> ProgramMachine {
    var identity = CPUIdentity.p6
    identity.extensions = features
    let program = try ProgramMachine(identity: identity)
    try program.enterProtectedMode()
    try program.cpu.moveToControlRegister(0, cr0.rawValue)
    try program.cpu.moveToControlRegister(4, cr4.rawValue)
    program.poke(Self.image, Array(repeating: 0xaa, count: 512))
    for index in 0..<8 as Range<UInt8> {
      program.cpu.state.pointee.sse[index] = XMMValue(low: UInt64(index) + 0x11, high: UInt64(index) + 0x22)
    }
    prepare(program)
    try program.load(source + "\n out 0xf4, al")
    program.run()
    return program
  }

  /// Three registers in use, TOP 5, an inexact result.
  private static let fill = """
    fninit
    fldz
    fldpi
    fld1
    fidiv dword ptr [0x8400]

    """

  private func three(_ program: ProgramMachine) { program.poke32(0x8400, 3) }

  @Test("The layout, with and without the registers of SSE")
  func layout() throws {
    for withSSE in [false, true] {
      let program = try machine(
        Self.fill + "fxsave [0x8000]", cr4: withSSE ? .osSavesExtendedState : [], prepare: three)
      #expect(program.taken == nil)
      let bytes = program.peek(Self.image, 512)
      #expect(Array(bytes[0..<6]) == [0x7f, 0x03, 0x20, 0x2a, 0xe0, 0x00])
      // FIDIV with an address: DA /6, of which the last eleven bits stay.
      #expect(Array(bytes[6..<8]) == [0x35, 0x02])
      #expect(program.peek32(Self.image + 8) == ProgramMachine.code + 8)
      #expect(program.peek32(Self.image + 12) == UInt32(ProgramMachine.code0))
      #expect(program.peek32(Self.image + 16) == 0x8400)
      #expect(program.peek32(Self.image + 20) == UInt32(ProgramMachine.data0))
      #expect(
        Array(bytes[32..<48]) == [
          0xab, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xfd, 0x3f, 0, 0, 0, 0, 0, 0,
        ])
      #expect(
        Array(bytes[48..<58]) == [0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40])
      #expect(program.peek32(Self.image + 24) == (withSSE ? 0x1f80 : 0xaaaa_aaaa))
      #expect(program.peek32(Self.image + 28) == (withSSE ? 0xffbf : 0xaaaa_aaaa))
      #expect(program.peek32(Self.image + 160 + 16) == (withSSE ? 0x12 : 0xaaaa_aaaa))
      #expect(program.peek32(Self.image + 160 + 24) == (withSSE ? 0x23 : 0xaaaa_aaaa))
      #expect(bytes[288...].allSatisfy { $0 == 0xaa }, "what is reserved stays")
      // The unit is not initialised.
      #expect(program.machine.registers.x87.tags == 0x43ff)
    }
  }

  @Test("FXRSTOR brings everything back")
  func restored() throws {
    let program = try machine(
      Self.fill + "fxsave [0x8000]\n fnsave [0x8600]\n fxrstor [0x8000]\n fxsave [0x8200]",
      cr4: .osSavesExtendedState, prepare: three)
    #expect(program.taken == nil)
    #expect(program.peek(Self.image, 288) == program.peek(0x8200, 288))
  }

  @Test("An exception stays pending through both, and neither waits for it")
  func pending() throws {
    let source = """
      fninit
      fnstcw [0x8500]
      and byte ptr [0x8500], 0xfb
      fldcw [0x8500]
      fld1
      fldz
      fdivp st(1), st
      fxsave [0x8000]
      fninit
      fxrstor [0x8000]
      nop

      """
    #expect(try machine(source).taken == nil)
    #expect(
      try machine(source + "fwait").taken?.vector == UInt32(ExceptionVector.floatingPointError.rawValue))
  }

  @Test("Faults: alignment, TS, EM, reserved bits of MXCSR, a processor without them")
  func faults() throws {
    for name in ["fxsave", "fxrstor"] {
      #expect(try machine("\(name) [0x8008]").taken == ProgramMachine.Taken(.generalProtection))
      for cr0 in [CR0.taskSwitched, .emulation] {
        let program = try machine("\(name) [0x8000]", cr0: [.protectionEnable, cr0])
        #expect(program.taken == ProgramMachine.Taken(.deviceNotAvailable))
      }
      #expect(try machine("\(name) [0x8000]", []).taken == ProgramMachine.Taken(.invalidOpcode))
    }
    let reserved = "fxsave [0x8000]\n mov dword ptr [0x8018], 0x1fc0\n fxrstor [0x8000]"
    #expect(
      try machine(reserved, cr4: .osSavesExtendedState).taken
        == ProgramMachine.Taken(.generalProtection, at: ProgramMachine.code + 17))
    #expect(try machine(reserved).taken == nil, "MXCSR is not loaded")
    // DAZ is a bit of the Pentium 4's.
    let p4: CPUFeatures = [.mmx, .fxsave, .sse, .sse2]
    #expect(try machine(reserved, p4, cr4: .osSavesExtendedState).taken == nil)
  }
}
