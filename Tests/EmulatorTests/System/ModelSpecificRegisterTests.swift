import IA32
import Testing

@testable import Emulator

/// MTRRs, PAT, machine checks and IA32_MISC_ENABLE: registers that keep what may be written to them, and refuse the rest.
@Suite struct ModelSpecificRegisterTests {
  private enum Outcome: Equatable {
    case value(UInt64)
    case fault(ExceptionVector)
  }

  private final class Guest {
    let program: ProgramMachine

    init(_ extensions: CPUFeatures = CPUIdentity.optional, family: UInt8 = 6) throws {
      var identity = CPUIdentity.p6
      identity.family = family
      identity.extensions = extensions
      program = try ProgramMachine(identity: identity)
      try program.enterProtectedMode()
    }

    private func run(_ code: [UInt8]) -> Outcome {
      program.poke(ProgramMachine.code, code + [0xe6, 0xf4])
      program.cpu.state.pointee.eip = ProgramMachine.code
      program.cpu[.esp] = ProgramMachine.outerStack
      program.run()
      if let taken = program.taken { return .fault(ExceptionVector(rawValue: UInt8(taken.vector))!) }
      return .value(UInt64(program.cpu[.edx]) << 32 | UInt64(program.cpu[.eax]))
    }

    private static func little(_ value: UInt32) -> [UInt8] {
      (0..<4).map { UInt8(value >> UInt32(8 * $0) & 0xff) }
    }

    func read(_ index: UInt32) -> Outcome { run([0xb9] + Self.little(index) + [0x0f, 0x32]) }

    /// nil where it could be written.
    func write(_ index: UInt32, _ value: UInt64) -> ExceptionVector? {
      let low = UInt32(truncatingIfNeeded: value)
      let high = UInt32(truncatingIfNeeded: value >> 32)
      let outcome = run(
        [0xb9] + Self.little(index) + [0xb8] + Self.little(low) + [0xba] + Self.little(high) + [0x0f, 0x30])
      if case .fault(let vector) = outcome { return vector }
      return nil
    }
  }

  // SDM vol. 3A, 11.11.1 and 11.11.2.
  @Test func memoryTypes() throws {
    let guest = try Guest()
    #expect(guest.read(0xfe) == .value(0x508))
    #expect(guest.write(0xfe, 0x508) == .generalProtection, "IA32_MTRRCAP is read-only")
    for index in [0x250, 0x258, 0x259] + Array(0x268...0x26f) as [UInt32] {
      #expect(guest.write(index, 0x0605_0401_0006_0504) == nil)
      #expect(guest.read(index) == .value(0x0605_0401_0006_0504))
      #expect(guest.write(index, 0x0605_0402_0006_0504) == .generalProtection, "type 2 is reserved")
      #expect(guest.read(index) == .value(0x0605_0401_0006_0504), "nothing was written")
    }
    for index in [0x251, 0x257, 0x25a, 0x267, 0x270, 0x210] as [UInt32] {
      #expect(guest.read(index) == .fault(.generalProtection), "there is no such register")
    }
    for pair in 0..<8 as Range<UInt32> {
      #expect(guest.write(0x200 + 2 * pair, 0xf_8000_0006) == nil)
      #expect(guest.read(0x200 + 2 * pair) == .value(0xf_8000_0006))
      #expect(guest.write(0x200 + 2 * pair, 0x10_8000_0006) == .generalProtection, "beyond MAXPHYADDR")
      #expect(guest.write(0x200 + 2 * pair, 0x8000_0106) == .generalProtection, "bits 8 to 11")
      #expect(guest.write(0x200 + 2 * pair, 0x8000_0003) == .generalProtection, "type 3")
      #expect(guest.write(0x201 + 2 * pair, 0xf_c000_0800) == nil)
      #expect(guest.read(0x201 + 2 * pair) == .value(0xf_c000_0800))
      #expect(guest.write(0x201 + 2 * pair, 0xf_c000_0801) == .generalProtection, "bits 0 to 10")
    }
    #expect(guest.write(0x2ff, 0xc06) == nil)
    #expect(guest.read(0x2ff) == .value(0xc06))
    #expect(guest.write(0x2ff, 0x1c06) == .generalProtection)
    #expect(guest.write(0x2ff, 0x107) == .generalProtection)
  }

  // SDM vol. 3A, 11.12.2 and 11.12.4.
  @Test func pageAttributes() throws {
    let guest = try Guest()
    #expect(guest.read(0x277) == .value(0x0007_0406_0007_0406))
    #expect(guest.write(0x277, 0x0007_0106_0007_0106) == nil)
    #expect(guest.read(0x277) == .value(0x0007_0106_0007_0106))
    for type in [2, 3, 8, 0x86] as [UInt64] {
      #expect(guest.write(0x277, type << 24) == .generalProtection)
    }
    #expect(try Guest([]).read(0x277) == .fault(.generalProtection))
  }

  // SDM vol. 3A, 4.3 and 4.4.2, and table 4-11: with a page attribute table the bit is no reserved one.
  @Test("Entries' PAT bits", arguments: [false, true]) func attributeBits(_ hasTable: Bool) throws {
    let guest = try Guest(hasTable ? [.pageAttributeTable] : [])
    let program = guest.program
    try program.turnPagingOn()
    try program.cpu.mmu.setControlRegisters(
      cr0: [.protectionEnable, .paging], cr4: .pageSizeExtensions)
    program.setPage(0x9_0000, 0x9_0087)
    program.poke(ProgramMachine.code, [0xa1, 0, 0, 9, 0, 0xe6, 0xf4])
    program.run()
    #expect(program.taken?.vector == (hasTable ? nil : 14))
    if !hasTable { #expect(program.taken?.errorCode == 9) }
  }

  // SDM vol. 3B, 15.3.1 and 15.3.2.
  @Test func machineChecks() throws {
    let guest = try Guest()
    #expect(guest.read(0x179) == .value(5))
    #expect(guest.write(0x17a, 4) == nil)
    #expect(guest.read(0x17a) == .value(4))
    #expect(guest.write(0x17a, 8) == .generalProtection)
    #expect(guest.write(0x400, .max) == nil)
    #expect(guest.write(0x401, 0) == nil)
    #expect(guest.write(0x401, 1) == .generalProtection, "a status can only be cleared")
    #expect(guest.read(0x411) == .value(0))
    #expect(guest.read(0x414) == .fault(.generalProtection), "bank 5")
    #expect(try Guest(family: 15).read(0x410) == .fault(.generalProtection), "a Pentium 4 has four banks")
    #expect(try Guest([]).read(0x179) == .fault(.generalProtection))
  }

  // SDM vol. 4, table 2-44; vol. 3A, 9.11.7.
  @Test func others() throws {
    #expect(try Guest().read(0x1a0) == .fault(.generalProtection), "a P6 has no IA32_MISC_ENABLE")
    let guest = try Guest(family: 15)
    #expect(guest.read(0x1a0) == .value(0x1801))
    #expect(guest.write(0x1a0, 0x1800) == nil)
    #expect(guest.read(0x1a0) == .value(0x1800))
    #expect(guest.write(0x1a0, 0x0800) == .generalProtection, "bit 12 is read-only")
    #expect(guest.write(0x8b, 0) == nil)
    #expect(guest.read(0x8b) == .value(0), "no update is loaded")
    #expect(guest.write(0x79, 0x1234) == nil)
  }

  @Test("CPUID and CR4 say what there is") func features() throws {
    let all = CPUModel(identity: ProgramMachine.everything)
    #expect(all.cpuid(leaf: 1).edx & 0x1_5080 == 0x1_5080)
    #expect(all.supportedCR4.contains(.machineCheckEnable))
    #expect(CPUModel.p6.cpuid(leaf: 1).edx & 0x1_5080 == 0)
    #expect(!CPUModel.p6.supportedCR4.contains(.machineCheckEnable))
  }

  @Test("Snapshots have them") func snapshots() throws {
    let guest = try Guest()
    let before = guest.program.machine.snapshot()
    #expect(guest.write(0x2ff, 0xc00) == nil)
    #expect(guest.write(0x277, 0) == nil)
    #expect(guest.write(0x17a, 1) == nil)
    guest.program.machine.restore(before)
    #expect(guest.read(0x2ff) == .value(0xc06))
    #expect(guest.read(0x277) == .value(0x0007_0406_0007_0406))
    #expect(guest.read(0x17a) == .value(0))
  }
}
