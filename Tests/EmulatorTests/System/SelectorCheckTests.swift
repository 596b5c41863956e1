import IA32
import Testing

@testable import Emulator

/// LAR, LSL, VERR, VERW, ARPL and the loads of the system tables: SDM vol. 2.
@Suite struct SelectorCheckTests {
  typealias F = SystemFixture

  private func zero(_ f: F) -> Bool { f.state.flags.zero }

  @Test("LAR and LSL take exactly the manual's system types") func systemTypes() throws {
    let f = try F()
    for type in 0..<16 as Range<UInt8> {
      f.setDescriptor(F.scratch, f.segment(base: 0xffff_ffff, limit: 0x1_2345, access: 0x80 | type, flags: 1))
      let hasRights: Set<UInt8> = [1, 2, 3, 4, 5, 9, 11, 12]
      let rights = try f.cpu.loadAccessRights(F.scratch)
      #expect(rights == (hasRights.contains(type) ? 0x10_8000 | UInt32(type) << 8 : nil), "type \(type)")
      #expect(zero(f) == hasRights.contains(type))
      let hasLimit: Set<UInt8> = [1, 2, 3, 9, 11]
      let limit = try f.cpu.loadSegmentLimit(F.scratch)
      #expect(limit == (hasLimit.contains(type) ? 0x1_2345 : nil), "type \(type)")
      #expect(zero(f) == hasLimit.contains(type))
      try f.cpu.verifyReadable(F.scratch)
      #expect(!zero(f))
    }
  }

  @Test("LSL gives bytes, LAR needs no P") func limitAndRights() throws {
    let f = try F()
    #expect(try f.cpu.loadSegmentLimit(F.data0) == 0xffff_ffff)
    f.setDescriptor(F.scratch, f.segment(limit: 5, access: 0x92))
    #expect(try f.cpu.loadSegmentLimit(F.scratch) == 0x5fff)
    f.setDescriptor(F.scratch, f.segment(access: 0x12))
    #expect(try f.cpu.loadAccessRights(F.scratch) == 0xc0_1200)
  }

  @Test("Null, beyond the table, and out of reach clear ZF and raise nothing") func unreachable() throws {
    let f = try F()
    try f.enterRing(3)
    for selector in [UInt16(0), 3, 0x100, 0xfffc, F.data0, F.data3 & 0xfffc | 0] {
      let isReachable = selector == F.data3 & 0xfffc
      f.cpu.state.pointee.flags.replace(zero: !isReachable)
      #expect((try f.cpu.loadAccessRights(selector) != nil) == isReachable)
      #expect(zero(f) == isReachable)
      try f.cpu.verifyReadable(selector)
      #expect(zero(f) == isReachable)
    }
    #expect(try f.cpu.loadAccessRights(F.conforming0 | 3) == 0xc0_9e00)
    #expect(try f.cpu.loadAccessRights(F.code0) == nil)
  }

  @Test("An RPL above the DPL hides the segment") func requestedPrivilege() throws {
    let f = try F()
    #expect(try f.cpu.loadAccessRights(F.data0) != nil)
    #expect(try f.cpu.loadAccessRights(F.data0 | 1) == nil)
    #expect(try f.cpu.loadSegmentLimit(F.data1 | 1) != nil)
    #expect(try f.cpu.loadSegmentLimit(F.data1 | 2) == nil)
  }

  @Test(
    "VERR and VERW by type",
    arguments: [
      (access: UInt8(0x90), readable: true, writable: false), (0x92, true, true), (0x94, true, false),
      (0x96, true, true), (0x98, false, false), (0x9a, true, false), (0x9c, false, false),
      (0x9e, true, false), (0x89, false, false),
    ])
  func verify(_ row: (access: UInt8, readable: Bool, writable: Bool)) throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(access: row.access))
    try f.cpu.verifyReadable(F.scratch)
    #expect(zero(f) == row.readable)
    try f.cpu.verifyWritable(F.scratch)
    #expect(zero(f) == row.writable)
  }

  @Test("ARPL raises an RPL and never lowers it") func adjust() throws {
    let f = try F()
    for destination in 0..<4 as Range<UInt16> {
      for source in 0..<4 as Range<UInt16> {
        let raised = try f.cpu.adjustRequestedPrivilegeLevel(of: 0x1230 | destination, to: 0xabc0 | source)
        #expect(raised == (destination < source ? 0x1230 | source : nil))
      }
    }
  }

  @Test("LTR: every condition; it marks the TSS busy") func taskRegister() throws {
    let f = try F()
    func load(_ selector: UInt16) -> GuestFault? {
      f.fault { () throws(GuestFault) in try f.cpu.loadTaskRegister(selector) }
    }
    #expect(load(0) == .generalProtection(0))
    #expect(load(0x54) == .generalProtection(0x54))
    #expect(load(0x100) == .generalProtection(0x100))
    #expect(load(F.data0) == .generalProtection(0x10))
    // The fixture has loaded this one: it is busy.
    #expect(load(F.taskState) == .generalProtection(0x28))
    f.setDescriptor(F.scratch, f.segment(access: 0x09, flags: 0))
    #expect(load(F.scratch) == .notPresent(0x50))
    f.setDescriptor(F.scratch, f.segment(base: 0x1234, limit: 0x67, access: 0x89, flags: 0))
    #expect(load(F.scratch) == nil)
    #expect(f.descriptor(F.scratch).type == SystemDescriptorType.busyTSS32)
    #expect(f.state.tr.access == 0x8b)
    #expect(f.state.tr.base == 0x1234)
    #expect(try f.cpu.storeTaskRegister() == F.scratch)
    try f.enterRing(3)
    #expect(load(F.scratch) == .generalProtection(0))
  }

  @Test("LLDT: every condition; null leaves none") func localTable() throws {
    let f = try F()
    func load(_ selector: UInt16) -> GuestFault? {
      f.fault { () throws(GuestFault) in try f.cpu.loadLocalDescriptorTable(selector) }
    }
    #expect(load(0x34) == .generalProtection(0x34))
    #expect(load(0x100) == .generalProtection(0x100))
    #expect(load(F.taskState) == .generalProtection(0x28))
    f.setDescriptor(F.scratch, f.segment(access: 0x02, flags: 0))
    #expect(load(F.scratch) == .notPresent(0x50))
    #expect(load(F.localTable) == nil)
    #expect(try f.cpu.storeLocalDescriptorTable() == F.localTable)
    #expect(load(0) == nil)
    #expect(!f.state.ldtr.isUsable)
    try f.enterRing(3)
    #expect(load(F.localTable) == .generalProtection(0))
  }

  @Test("LGDT and LIDT by operand size; SGDT stores the whole base") func descriptorTables() throws {
    let f = try F()
    f.poke16(0xc000, 0x1ff)
    f.poke32(0xc002, 0x8765_4321)
    try f.cpu.loadDescriptorTable(.idt, from: .ds, 0xc000, operandSize: 2)
    #expect(f.state.idtr.base == 0x65_4321)
    #expect(f.state.idtr.limit == 0x1ff)
    try f.cpu.loadDescriptorTable(.idt, from: .ds, 0xc000, operandSize: 4)
    #expect(f.state.idtr.base == 0x8765_4321)
    try f.cpu.storeDescriptorTable(.idt, to: .ds, 0xc010)
    #expect(f.peek16(0xc010) == 0x1ff)
    #expect(f.peek32(0xc012) == 0x8765_4321)
    try f.enterRing(3)
    try f.cpu.loadSegment(.ds, F.data3)
    let fault = f.fault { () throws(GuestFault) in
      try f.cpu.loadDescriptorTable(.gdt, from: .ds, 0xc000, operandSize: 4)
    }
    #expect(fault == .generalProtection(0))
    try f.cpu.storeDescriptorTable(.gdt, to: .ds, 0xc020)
    #expect(f.peek32(0xc022) == F.gdt)
  }

  @Test("A store across the segment's end writes nothing") func storeBeyondLimit() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(limit: 0xc004, access: 0x92, flags: 4))
    try f.cpu.loadSegment(.ds, F.scratch)
    let fault = f.fault { () throws(GuestFault) in try f.cpu.storeDescriptorTable(.gdt, to: .ds, 0xc000) }
    #expect(fault == .generalProtection(0))
  }

  @Test("Real mode doesn't know them, but LGDT and LIDT") func realMode() throws {
    let f = try F()
    try f.enterRealMode()
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.loadAccessRights(F.data0) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.loadSegmentLimit(F.data0) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.verifyReadable(F.data0) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.verifyWritable(F.data0) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.adjustRequestedPrivilegeLevel(of: 0, to: 1) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.loadTaskRegister(F.taskState) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.loadLocalDescriptorTable(F.localTable) }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.storeTaskRegister() }
    #expect(throws: GuestFault.invalidOpcode) { try f.cpu.storeLocalDescriptorTable() }
    f.poke16(0x600, 0x27)
    f.poke32(0x602, 0x1234_5678)
    try f.cpu.loadDescriptorTable(.gdt, from: .ds, 0x600, operandSize: 2)
    #expect(f.state.gdtr.base == 0x34_5678)
  }
}
