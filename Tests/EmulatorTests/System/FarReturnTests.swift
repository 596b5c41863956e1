import IA32
import Testing

@testable import Emulator

/// Far RET and IRET: SDM vol. 2A, IRET; vol. 2B, RET; vol. 3A, 5.8.6.
@Suite struct FarReturnTests {
  typealias F = SystemFixture

  private func push(_ f: F, _ values: [UInt32]) {
    f.cpu[.esp] = 0x7000 - 4 * UInt32(values.count)
    for (slot, value) in values.enumerated() { f.poke32(f.cpu[.esp] + UInt32(4 * slot), value) }
  }

  private func interruptReturn(_ f: F) -> GuestFault? {
    f.fault { () throws(GuestFault) in try f.cpu.interruptReturn(operandSize: 4) }
  }

  @Test("The code segment of a return: every condition") func returnSegmentFaults() throws {
    let f = try F()
    let rows: [(selector: UInt16, descriptor: UInt64, expected: GuestFault)] = [
      (0, 0, .generalProtection(0)),
      (3, 0, .generalProtection(0)),
      (0x100, 0, .generalProtection(0x100)),
      (0x50, f.segment(access: 0x92), .generalProtection(0x50)),
      (0x50, f.gate(F.code0, 0, type: 12), .generalProtection(0x50)),
      // Non-conforming code runs in the ring of its DPL only, conforming code not further in than that.
      (0x50, f.segment(access: 0xfa), .generalProtection(0x50)),
      (0x51, f.segment(access: 0x9a), .generalProtection(0x50)),
      (0x51, f.segment(access: 0xde), .generalProtection(0x50)),
      (0x50, f.segment(access: 0x1a), .notPresent(0x50)),
      (0x50, f.segment(limit: 0xfff, access: 0x9a, flags: 4), .generalProtection(0)),
    ]
    for row in rows {
      f.setDescriptor(F.scratch, row.descriptor)
      push(f, [0x1000, UInt32(row.selector), 2])
      #expect(interruptReturn(f) == row.expected, "\(row)")
      let fault = f.fault { () throws(GuestFault) in
        try f.cpu.returnFar(operandSize: 4, releasing: 0)
      }
      #expect(fault == row.expected, "\(row)")
    }
  }

  @Test("Never to an inner ring") func returnInwards() throws {
    let f = try F()
    try f.enterRing(3)
    push(f, [0x1000, UInt32(F.code0), 2])
    #expect(interruptReturn(f) == .generalProtection(0x08))
  }

  @Test("The outer stack segment: every condition") func outerStackFaults() throws {
    let f = try F()
    let rows: [(selector: UInt16, descriptor: UInt64, expected: GuestFault)] = [
      (0, 0, .generalProtection(0)),
      (3, 0, .generalProtection(0)),
      (0x103, 0, .generalProtection(0x100)),
      (0x50, f.segment(access: 0xf2), .generalProtection(0x50)),
      (0x53, f.segment(access: 0x92), .generalProtection(0x50)),
      (0x53, f.segment(access: 0xf0), .generalProtection(0x50)),
      (0x53, f.segment(access: 0xfa), .generalProtection(0x50)),
      (0x53, f.segment(access: 0x72), .stackFault(0x50)),
    ]
    for row in rows {
      f.setDescriptor(F.scratch, row.descriptor)
      push(f, [0x1000, UInt32(F.code3), 2, F.outerStackTop, UInt32(row.selector)])
      #expect(interruptReturn(f) == row.expected, "\(row)")
    }
  }

  @Test("A frame beyond the stack's limit is #SS(0)") func frameBeyondLimit() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(limit: 0x7000 - 5, access: 0x92, flags: 4))
    try f.cpu.loadSegment(.ss, F.scratch)
    push(f, [0x1000, UInt32(F.code3), 2, F.outerStackTop, UInt32(F.data3)])
    #expect(interruptReturn(f) == .stackFault())
  }

  @Test("A return to ring 3 empties the data segments of inner rings") func innerDataSegments() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(access: 0x9e))
    try f.cpu.loadSegment(.ds, F.data0)
    try f.cpu.loadSegment(.es, F.data3)
    try f.cpu.loadSegment(.fs, F.scratch)
    try f.cpu.loadSegment(.gs, F.data1 & ~3)
    try f.enterRing(3)
    #expect(f.state.ds.selector == 0)
    #expect(!f.state.ds.isUsable)
    #expect(f.state.es.selector == F.data3)
    #expect(f.state.fs.selector == F.scratch)
    #expect(f.state.gs.selector == 0)
  }

  @Test("A 16-bit outer stack takes SP and leaves the upper half of ESP") func outerStack16() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(limit: 0xffff, access: 0xf2, flags: 0))
    push(f, [0x1000, UInt32(F.code3), 2, 0x1234_b000, UInt32(F.scratch | 3)])
    f.cpu[.esp] |= 0
    try f.cpu.interruptReturn(operandSize: 4)
    #expect(f.cpu[.esp] == 0xb000)
    #expect(!f.state.ss.is32Bit)
  }

  /// All 22 defined bits asked for at once; what comes through is the manual's table.
  @Test(
    "Which flags IRET may write",
    arguments: [
      (cpl: UInt8(0), iopl: UInt32(0), size: UInt8(4), writable: UInt32(0x3d_7fd5)),
      (0, 0, 2, 0x7fd5),
      (3, 0, 4, 0x25_4dd5),
      (3, 3, 4, 0x25_4fd5),
      (1, 1, 4, 0x25_4fd5),
      (3, 0, 2, 0x4dd5),
    ])
  func writableFlags(_ row: (cpl: UInt8, iopl: UInt32, size: UInt8, writable: UInt32)) throws {
    let f = try F()
    if row.cpl != 0 { try f.enterRing(row.cpl) }
    f.cpu.state.pointee.eflags = 2 | row.iopl << 12
    let cs = f.state.cs.selector
    // VM asks for V86 mode in ring 0 and is ignored elsewhere.
    let image: UInt32 = row.cpl == 0 ? 0xfffd_ffff : 0xffff_ffff
    f.cpu[.esp] = 0x6f00
    if row.size == 4 {
      for (slot, value) in [0x1000, UInt32(cs), image].enumerated() {
        f.poke32(0x6f00 + UInt32(4 * slot), value)
      }
    } else {
      for (slot, value) in [0x1000, cs, 0xffff].enumerated() { f.poke16(0x6f00 + UInt32(2 * slot), value) }
    }
    try f.cpu.interruptReturn(operandSize: row.size)
    #expect(f.state.eflags == row.writable | 2 | row.iopl << 12)
    #expect(f.cpu[.esp] == 0x6f00 + 3 * UInt32(row.size))
  }

  @Test("NT without a task to return to is #TS; VM with an EIP beyond 64 KiB is #GP") func modes() throws {
    let f = try F()
    push(f, [0x1_0000, UInt32(F.code0), EFLAGS.virtual8086.rawValue, 0, 0, 0, 0, 0, 0])
    #expect(interruptReturn(f) == .generalProtection())
    f.cpu.state.pointee.systemFlags |= EFLAGS.nestedTask.rawValue
    push(f, [0x1000, UInt32(F.code0), 2])
    #expect(interruptReturn(f) == .invalidTSS())
    f.poke16(F.tss, F.data0)
    #expect(interruptReturn(f) == .invalidTSS(UInt32(F.data0)))
  }

  @Test("Real mode with a 32-bit operand keeps VM, VIF and VIP") func realMode32() throws {
    let f = try F()
    try f.enterRealMode()
    push(f, [0x1234, 0x200, 0xffff_ffff])
    try f.cpu.interruptReturn(operandSize: 4)
    #expect(f.state.eip == 0x1234)
    #expect(f.state.cs.base == 0x2000)
    #expect(f.state.eflags == 0x25_7fd7)
  }
}
