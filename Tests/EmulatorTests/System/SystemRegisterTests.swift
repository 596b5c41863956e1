import IA32
import Testing

@testable import Emulator

/// Control registers, debug registers, MSRs and CPUID: SDM vol. 3A, 2.5; vol. 3B, 17.2; vol. 2.
@Suite struct SystemRegisterTests {
  typealias F = SystemFixture

  private func writeFault(_ f: F, _ number: UInt8, _ value: UInt32) -> GuestFault? {
    f.fault { () throws(GuestFault) in try f.cpu.moveToControlRegister(number, value) }
  }

  // MARK: Control registers

  @Test("CR0: forbidden combinations, fixed bits") func cr0() throws {
    let f = try F()
    #expect(writeFault(f, 0, 0x8000_0000) == .generalProtection(0))
    #expect(writeFault(f, 0, 0x2000_0001) == .generalProtection(0))
    #expect(writeFault(f, 0, 0x6000_0001) == nil)
    #expect(try f.cpu.moveFromControlRegister(0) == 0x6000_0011)
    #expect(writeFault(f, 0, 0x1ffa_ffc1) == nil)
    #expect(try f.cpu.moveFromControlRegister(0) == 0x0000_0011)
    #expect(writeFault(f, 0, 0x5005_002f) == nil)
    #expect(try f.cpu.moveFromControlRegister(0) == 0x4005_003f)
  }

  @Test("CR4: a bit that the model lacks is #GP(0)") func cr4() throws {
    let f = try F()
    // TSD, DE, PSE, PAE, PGE, PCE.
    let supported: Set<UInt32> = [2, 3, 4, 5, 7, 8]
    for bit in 0..<32 as Range<UInt32> {
      let fault = writeFault(f, 4, 1 << bit)
      #expect(fault == (supported.contains(bit) ? nil : .generalProtection(0)), "bit \(bit)")
      if fault == nil { #expect(try f.cpu.moveFromControlRegister(4) == 1 << bit) }
    }
  }

  @Test("Registers that don't exist, and ring 3") func privilege() throws {
    let f = try F()
    for number in [UInt8(1), 5, 6, 7] { #expect(writeFault(f, number, 0) == .invalidOpcode) }
    try f.cpu.moveToControlRegister(2, 0xdead_beef)
    #expect(try f.cpu.moveFromControlRegister(2) == 0xdead_beef)
    try f.enterRing(3)
    for number in [UInt8(0), 2, 3, 4] {
      #expect(writeFault(f, number, 0) == .generalProtection(0))
      let fault = f.fault { () throws(GuestFault) in _ = try f.cpu.moveFromControlRegister(number) }
      #expect(fault == .generalProtection(0))
    }
    #expect(writeFault(f, 1, 0) == .invalidOpcode)
    #expect(f.fault { () throws(GuestFault) in try f.cpu.clearTaskSwitched() } == .generalProtection(0))
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadMachineStatusWord(1) } == .generalProtection(0))
    #expect(f.cpu.storeMachineStatusWord() == 0x11)
  }

  @Test("A PDPTE with a reserved bit is #GP(0) at CR3, CR0 and CR4, and loads nothing")
  func pageDirectoryPointers() throws {
    for bit in [UInt64(1), 2, 5, 6, 7, 8, 36, 51, 63] {
      let f = try F()
      try f.cpu.moveToControlRegister(4, CR4.physicalAddressExtension.rawValue)
      f.poke64(0xc000, 0x10_0001)
      for index in 1..<4 as Range<UInt32> { f.poke64(0xc000 + 8 * index, 0) }
      f.poke64(0xc038, 1 << bit | 1)
      try f.cpu.moveToControlRegister(3, 0xc020)
      #expect(writeFault(f, 0, 0x8000_0001) == .generalProtection(0), "bit \(bit)")
      try f.cpu.moveToControlRegister(3, 0xc000)
      try f.cpu.moveToControlRegister(0, 0x8000_0001)
      #expect(f.state.pdpte.0 == 0x10_0001)
      // The supervisor's accesses go through paging now; the fault needs none.
      #expect(writeFault(f, 3, 0xc020) == .generalProtection(0), "bit \(bit)")
      #expect(f.state.cr3 == 0xc000)
      f.poke64(0xc018, 1 << bit | 1)
      #expect(writeFault(f, 4, CR4.physicalAddressExtension.union(.pageGlobalEnable).rawValue) != nil)
      // Without P, reserved bits are ignored.
      f.poke64(0xc038, 1 << bit)
      #expect(writeFault(f, 3, 0xc020) == nil)
    }
  }

  @Test("LMSW sets PE and cannot clear it; CLTS clears TS") func machineStatusWord() throws {
    let f = try F()
    try f.cpu.loadMachineStatusWord(0xfffe)
    #expect(f.state.cr0.rawValue == 0x1f)
    try f.cpu.loadMachineStatusWord(0)
    #expect(f.state.cr0.rawValue == 0x11)
    try f.cpu.loadMachineStatusWord(8)
    try f.cpu.clearTaskSwitched()
    #expect(f.state.cr0.rawValue == 0x11)
  }

  // MARK: Debug registers

  @Test("Fixed bits of DR6 and DR7; DR4 and DR5 are their aliases") func debugRegisters() throws {
    let f = try F()
    for number in 0..<4 as Range<UInt8> {
      try f.cpu.moveToDebugRegister(number, 0x1111_1111 * UInt32(number))
      #expect(try f.cpu.moveFromDebugRegister(number) == 0x1111_1111 * UInt32(number))
    }
    try f.cpu.moveToDebugRegister(4, 0)
    #expect(try f.cpu.moveFromDebugRegister(6) == 0xffff_0ff0)
    try f.cpu.moveToDebugRegister(6, 0xffff_ffff)
    #expect(try f.cpu.moveFromDebugRegister(4) == 0xffff_efff)
    try f.cpu.moveToDebugRegister(5, 0xffff_dfff)
    #expect(try f.cpu.moveFromDebugRegister(7) == 0xffff_07ff)
  }

  @Test("DE takes the aliases away; ring 3 is #GP; GD is #DB and sets BD") func debugFaults() throws {
    let f = try F()
    func read(_ number: UInt8) -> GuestFault? {
      do throws(GuestFault) {
        _ = try f.cpu.moveFromDebugRegister(number)
        return nil
      } catch {
        return error
      }
    }
    try f.cpu.moveToControlRegister(4, CR4.debuggingExtensions.rawValue)
    #expect(read(4) == .invalidOpcode)
    #expect(read(5) == .invalidOpcode)
    #expect(read(6) == nil)
    try f.cpu.moveToDebugRegister(7, DebugRegisterBits.generalDetectEnable)
    #expect(read(0) == .debug(DebugRegisterBits.generalDetect))
    f.cpu.deliver(.debug(DebugRegisterBits.generalDetect))
    #expect(f.state.dr6 & DebugRegisterBits.generalDetect != 0)
    try f.cpu.moveToDebugRegister(7, DebugRegisterBits.generalDetectEnable)
    #expect(read(4) == .invalidOpcode)
    try f.enterRing(3)
    #expect(read(0) == .generalProtection(0))
  }

  // MARK: MSRs

  @Test("The time-stamp counter follows the clock, and takes the low half of a write") func timeStamp() throws
  {
    let f = try F()
    f.clock.state.pointee.now = 1000
    #expect(try f.cpu.readTimeStampCounter() == 1000)
    try f.cpu.writeMSR(0x10, 0xffff_ffff_0000_0064)
    #expect(try f.cpu.readMSR(0x10) == 100)
    f.clock.state.pointee.now += 7
    #expect(try f.cpu.readTimeStampCounter() == 107)
    try f.cpu.moveToControlRegister(4, CR4.timeStampDisable.rawValue)
    #expect(try f.cpu.readTimeStampCounter() == 107)
    try f.enterRing(3)
    let fault = f.fault { () throws(GuestFault) in _ = try f.cpu.readTimeStampCounter() }
    #expect(fault == .generalProtection(0))
  }

  @Test("EFER has NXE and nothing else; other MSRs are #GP(0)") func modelSpecificRegisters() throws {
    let f = try F()
    try f.cpu.writeMSR(EFER.msr, EFER.noExecuteEnable)
    #expect(try f.cpu.readMSR(EFER.msr) == EFER.noExecuteEnable)
    for bit in 0..<64 as Range<UInt64> where 1 << bit != EFER.noExecuteEnable {
      let fault = f.fault { () throws(GuestFault) in try f.cpu.writeMSR(EFER.msr, 1 << bit) }
      #expect(fault == .generalProtection(0), "bit \(bit)")
    }
    for index in [UInt32(0), 0x1b, 0xc3, 0x188, 0x2ff, 0xc000_0081, .max] {
      #expect(
        f.fault { () throws(GuestFault) in _ = try f.cpu.readMSR(index) } == .generalProtection(0))
      #expect(
        f.fault { () throws(GuestFault) in try f.cpu.writeMSR(index, 0) } == .generalProtection(0))
    }
    #expect(
      f.fault { () throws(GuestFault) in _ = try f.cpu.readPerformanceCounter(2) } == .generalProtection(0))
    try f.enterRing(3)
    #expect(f.fault { () throws(GuestFault) in _ = try f.cpu.readMSR(0x10) } == .generalProtection(0))
  }

  // MARK: CPUID

  @Test("The P6's leaves") func cpuid() {
    let model = CPUModel.p6
    #expect(model.cpuid(leaf: 0) == (2, 0x756e_6547, 0x6c65_746e, 0x4965_6e69))
    #expect(model.cpuid(leaf: 1) == (0x619, 0, 0, 0x2_a17d))
    #expect(model.cpuid(leaf: 2) == (0x0302_0101, 0, 0, 0x0c04_0843))
    #expect(model.cpuid(leaf: 0x8000_0000).eax == 0x8000_0008)
    #expect(model.cpuid(leaf: 0x8000_0001) == (0, 0, 0, 1 << 20))
    #expect(model.cpuid(leaf: 0x8000_0008) == (0x2024, 0, 0, 0))
    for leaf in [UInt32(3), 0x4000_0000, 0x7fff_ffff, 0x8000_0009, .max] {
      #expect(model.cpuid(leaf: leaf) == model.cpuid(leaf: 2))
    }
  }

  @Test("The brand string is the name") func brandString() {
    var bytes: [UInt8] = []
    for leaf in 0x8000_0002...0x8000_0004 as ClosedRange<UInt32> {
      let part = CPUModel.p6.cpuid(leaf: leaf)
      for word in [part.eax, part.ebx, part.ecx, part.edx] {
        bytes += (0..<4).map { UInt8(word >> UInt32(8 * $0) & 0xff) }
      }
    }
    #expect(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) == CPUModel.p6.name)
    #expect(bytes.last == 0)
  }

  @Test("The leaves tell the parameters: width, NX, TLB shapes") func parameters() {
    var geometry = TLBGeometry.p6
    geometry.data4K = TLBGeometry.Array(entries: 128, ways: 4)
    geometry.instruction4K = TLBGeometry.Array(entries: 8, ways: 2)
    var identity = CPUIdentity.p6
    identity.hasNoExecute = false
    let model = CPUModel(identity: identity, addressWidth: 52, geometry: geometry)
    #expect(model.cpuid(leaf: 0x8000_0008).eax == 0x2034)
    #expect(model.cpuid(leaf: 0x8000_0001).edx == 0)
    #expect(model.cpuid(leaf: 2).eax == 0xb302_0001)
  }

  @Test("Without NX there is no EFER") func noExecuteAbsent() throws {
    let memory = try PhysicalMemory(bytes: 1 << 20)
    let bus = try Bus(memory: memory)
    var identity = CPUIdentity.p6
    identity.hasNoExecute = false
    let cpu = CPU(
      on: SystemBoard(memory: memory, bus: bus, clock: Clock()), model: CPUModel(identity: identity),
      addressWidth: 36)
    #expect(throws: GuestFault.generalProtection(0)) { try cpu.readMSR(EFER.msr) }
    #expect(throws: GuestFault.generalProtection(0)) { try cpu.writeMSR(EFER.msr, 0) }
  }
}
