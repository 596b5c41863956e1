import IA32
import Testing

@testable import Emulator

/// Loads of segment registers: SDM vol. 2B, MOV, "Loading segment registers".
@Suite struct SegmentLoadingTests {
  typealias F = SystemFixture

  @Test(
    "Every condition under which MOV SS faults",
    arguments: [
      (selector: UInt16(0), descriptor: UInt64(0), expected: GuestFault.generalProtection(0)),
      (3, 0, .generalProtection(0)),
      (0x100, 0, .generalProtection(0x100)),
      (0xfff8, 0, .generalProtection(0xfff8)),
      (0x54, 0, .generalProtection(0x54)),
      // RPL 1 in ring 0; DPL 3 in ring 0.
      (0x51, 0x00cf_9200_0000_ffff, .generalProtection(0x50)),
      (0x50, 0x00cf_f200_0000_ffff, .generalProtection(0x50)),
      // Read-only data, code, a TSS, nothing.
      (0x50, 0x00cf_9000_0000_ffff, .generalProtection(0x50)),
      (0x50, 0x00cf_9a00_0000_ffff, .generalProtection(0x50)),
      (0x50, 0x0000_8900_0000_ffff, .generalProtection(0x50)),
      (0x50, 0, .generalProtection(0x50)),
      // Not present comes last.
      (0x50, 0x00cf_1200_0000_ffff, .stackFault(0x50)),
    ])
  func stackSegmentFaults(_ row: (selector: UInt16, descriptor: UInt64, expected: GuestFault)) throws {
    let f = try F()
    f.setDescriptor(F.scratch, row.descriptor)
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ss, row.selector) } == row.expected)
  }

  @Test("Ring 3 can load its own stack segment only")
  func stackSegmentInRing3() throws {
    let f = try F()
    try f.enterRing(3)
    try f.cpu.loadSegment(.ss, F.data3)
    #expect(
      f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ss, F.data3 & ~3) }
        == .generalProtection(0x20))
    #expect(
      f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ss, F.data0 | 3) }
        == .generalProtection(0x10))
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ss, 3) } == .generalProtection(0))
  }

  /// DPL, RPL and CPL of data, non-conforming and conforming code against each other.
  @Test(arguments: [SegmentRegister.ds, .es, .fs, .gs])
  func dataSegmentPrivilege(_ register: SegmentRegister) throws {
    let f = try F()
    try f.enterRing(3)
    for dpl in 0..<4 as Range<UInt8> {
      for rpl in 0..<4 as Range<UInt16> {
        // Readable-writable data, readable code, readable conforming code.
        for (access, isConforming) in [(UInt8(0x92), false), (0x9a, false), (0x9e, true)] {
          f.setDescriptor(F.scratch, f.segment(access: access | dpl << 5))
          let isAllowed = isConforming || dpl == 3
          let fault = f.fault { () throws(GuestFault) in try f.cpu.loadSegment(register, F.scratch | rpl) }
          #expect(fault == (isAllowed ? nil : .generalProtection(UInt32(F.scratch))))
        }
      }
    }
  }

  @Test("In ring 0 the RPL decides") func requestedPrivilege() throws {
    let f = try F()
    #expect(
      f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, F.data0 | 1) } == .generalProtection(0x10)
    )
    try f.cpu.loadSegment(.ds, F.data3)
    #expect(f.state.ds.selector == F.data3)
  }

  @Test("Types that DS doesn't take, and one that isn't present") func dataSegmentTypes() throws {
    let f = try F()
    for access in [UInt8(0x98), 0x9c, 0x82, 0x89, 0x8c, 0x8e] {
      f.setDescriptor(F.scratch, f.segment(access: access))
      let fault = f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, F.scratch) }
      #expect(fault == .generalProtection(0x50), "access byte \(access)")
    }
    f.setDescriptor(F.scratch, f.segment(access: 0x12))
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, F.scratch) } == .notPresent(0x50))
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.cs, F.code0) } == .invalidOpcode)
  }

  @Test("A load sets the accessed bit in the table") func accessedBit() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(base: 0x1234_5678, limit: 0x42, access: 0x92, flags: 4))
    try f.cpu.loadSegment(.fs, F.scratch)
    #expect(f.descriptor(F.scratch).isAccessed)
    #expect(f.state.fs.base == 0x1234_5678)
    #expect(f.state.fs.limit == 0x42)
    #expect(f.state.fs.access == 0x93)
    #expect(f.state.fs.is32Bit)
  }

  @Test("A null selector loads, and any access through it is #GP(0)", arguments: [UInt16(0), 1, 2, 3])
  func nullSelector(_ selector: UInt16) throws {
    let f = try F()
    try f.cpu.loadSegment(.ds, selector)
    #expect(f.state.ds.selector == selector)
    let fault = f.fault { () throws(GuestFault) in _ = try f.cpu.load(.ds, 0, as: UInt8.self) }
    #expect(fault == .generalProtection(0))
  }

  @Test("Expand-down segments hold what lies above the limit") func expandDown() throws {
    let f = try F()
    let cases: [(flags: UInt8, offset: UInt32, isInside: Bool)] = [
      (0x4, 0xfff, false), (0x4, 0x1000, true), (0x4, 0xffff_fffc, true), (0x4, 0xffff_fffd, false),
      (0x0, 0xfff, false), (0x0, 0x1000, true), (0x0, 0xfffc, true), (0x0, 0xfffd, false),
      (0x0, 0x1_0000, false),
    ]
    for row in cases {
      f.setDescriptor(F.scratch, f.segment(limit: 0xfff, access: 0x96, flags: row.flags))
      try f.cpu.loadSegment(.ds, F.scratch)
      let fault = f.fault { () throws(GuestFault) in
        _ = try f.cpu.linearAddress(.ds, row.offset, bytes: 4, .write)
      }
      #expect(fault == (row.isInside ? nil : .generalProtection(0)), "\(row)")
      try f.cpu.loadSegment(.ss, F.scratch)
      let stackFault = f.fault { () throws(GuestFault) in
        _ = try f.cpu.linearAddress(.ss, row.offset, bytes: 4, .read)
      }
      #expect(stackFault == (row.isInside ? nil : .stackFault()), "\(row)")
    }
  }

  @Test("The LDT: used, beyond its limit, absent") func localDescriptors() throws {
    let f = try F()
    f.setDescriptor(0x0c, f.segment(access: 0x92))
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, 0x0c) } == .generalProtection(0x0c))
    try f.cpu.loadLocalDescriptorTable(F.localTable)
    try f.cpu.loadSegment(.ds, 0x0c)
    #expect(f.state.ds.selector == 0x0c)
    #expect(
      f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, 0x104) } == .generalProtection(0x104))
    try f.cpu.loadLocalDescriptorTable(0)
    #expect(f.fault { () throws(GuestFault) in try f.cpu.loadSegment(.ds, 0x0c) } == .generalProtection(0x0c))
  }

  @Test("Real mode: 16 times the selector; limit and size stay") func realMode() throws {
    let f = try F()
    try f.cpu.moveToControlRegister(0, 0)
    try f.cpu.loadSegment(.ds, 0xb800)
    #expect(f.state.ds.base == 0xb_8000)
    #expect(f.state.ds.limit == .max)
    try f.cpu.loadSegment(.ss, 0)
    #expect(f.state.ss.selector == 0)
    #expect(f.state.ss.isWritable)
  }
}
