import IA32
import Testing

@testable import Emulator

/// The way through the IDT: SDM vol. 3A, 6.11 to 6.13; vol. 2A, INT n.
@Suite struct InterruptDeliveryTests {
  typealias F = SystemFixture

  @Test("An exception in ring 0 pushes three values and its error code") func sameRing() throws {
    let f = try F()
    f.cpu.state.pointee.systemFlags |= 0x300
    f.cpu.deliver(.generalProtection(0x1230))
    #expect(f.stack(4) == [0x1230, 0x5000, UInt32(F.code0), 0x1_0302 | f.state.flags.arithmeticFlags])
    #expect(f.cpu[.esp] == 0x7000 - 16)
    #expect(f.state.eip == F.handler + 13)
    // An interrupt gate clears IF; TF goes always.
    #expect(f.state.systemFlags == 2)
  }

  @Test("A trap gate leaves IF set; #BR pushes no error code") func trapGate() throws {
    let f = try F()
    f.setGate(5, f.gate(F.code0, 0x4444, type: 15))
    f.cpu.state.pointee.systemFlags |= 0x4200
    f.cpu.deliver(GuestFault(.boundRangeExceeded))
    #expect(f.stack(2) == [0x5000, UInt32(F.code0)])
    #expect(f.cpu[.esp] == 0x7000 - 12)
    #expect(f.state.eip == 0x4444)
    #expect(f.state.systemFlags == 0x202)
  }

  @Test("From ring 3: the TSS's stack, SS and ESP below everything") func innerRing() throws {
    let f = try F()
    try f.enterRing(3)
    f.cpu.deliver(.pageFault([.user, .write], at: 0xdead_b000))
    #expect(f.state.privilegeLevel == 0)
    #expect(f.state.ss.selector == F.data0)
    #expect(f.state.cs.selector == F.code0)
    #expect(f.cpu[.esp] == 0x8000 - 24)
    #expect(
      f.stack(6) == [6, 0x6000, UInt32(F.code3), 0x1_0202, F.outerStackTop, UInt32(F.data3)])
    #expect(f.state.cr2 == 0xdead_b000)
    #expect(f.cpu.counters.pointee.faults[14] == 1)
  }

  @Test("Into ring 1: its own stack from the TSS") func middleRing() throws {
    let f = try F()
    f.setGate(0x80, f.gate(F.code1, 0x7777, type: 14, dpl: 3))
    try f.enterRing(3)
    try f.cpu.softwareInterrupt(0x80, kind: .int, nextEIP: 0x6002)
    #expect(f.state.privilegeLevel == 1)
    #expect(f.state.cs.selector == F.code1)
    #expect(f.state.ss.selector == F.data1)
    #expect(f.stack(5) == [0x6002, UInt32(F.code3), 0x202, F.outerStackTop, UInt32(F.data3)])
    #expect(f.cpu[.esp] == 0x9000 - 20)
  }

  @Test("A conforming handler runs in the interrupted ring, on its stack") func conformingHandler() throws {
    let f = try F()
    f.setGate(0x80, f.gate(F.conforming0, 0x7777, type: 15, dpl: 3))
    try f.enterRing(3)
    try f.cpu.softwareInterrupt(0x80, kind: .int, nextEIP: 0x6002)
    #expect(f.state.privilegeLevel == 3)
    #expect(f.state.cs.selector == F.conforming0 | 3)
    #expect(f.stack(3) == [0x6002, UInt32(F.code3), 0x202])
    #expect(f.cpu[.esp] == F.outerStackTop - 12)
  }

  @Test("16-bit gates push words and take 16 bits of the offset") func gate16() throws {
    let f = try F()
    f.setGate(13, f.gate(F.code0, 0xabcd_1234, type: 6))
    try f.enterRing(3)
    f.cpu.deliver(.generalProtection(0x18))
    #expect(f.state.eip == 0x1234)
    #expect(f.cpu[.esp] == 0x8000 - 12)
    #expect(f.stack16(6) == [0x18, 0x6000, F.code3, 0x202, UInt16(F.outerStackTop), F.data3])
  }

  @Test("A 16-bit TSS holds words") func taskState16() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(base: 0xc000, limit: 0x2b, access: 0x81, flags: 0))
    try f.cpu.loadTaskRegister(F.scratch)
    f.poke16(0xc002, 0x7f00)
    f.poke16(0xc004, F.data0)
    try f.enterRing(3)
    f.cpu.externalInterrupt(0x20)
    #expect(f.cpu[.esp] == 0x7f00 - 20)
    #expect(f.state.eip == F.handler + 0x20)
  }

  @Test("The faults of a gate carry vector, IDT bit and EXT") func gateFaults() throws {
    let f = try F()
    let code: UInt32 = 0x21 * 8 + 2
    let rows: [(gate: UInt64, expected: GuestFault)] = [
      (0, .generalProtection(code)),
      (f.gate(F.code0, 0, type: 12), .generalProtection(code)),
      (f.segment(access: 0x9a), .generalProtection(code)),
      (f.gate(F.code0, 0, type: 14, present: false), .notPresent(code)),
      (f.gate(0, 0, type: 14), .generalProtection(0)),
      (f.gate(0x200, 0, type: 14), .generalProtection(0x200)),
      (f.gate(F.data0, 0, type: 14), .generalProtection(0x10)),
    ]
    for row in rows {
      f.setGate(0x21, row.gate)
      #expect(interruptFault(f, 0x21) == row.expected)
    }
    f.cpu.state.pointee.idtr.limit = 0x21 * 8 + 6
    #expect(interruptFault(f, 0x21) == .generalProtection(code))
    f.cpu.state.pointee.idtr.limit = 0x21 * 8 + 7
    f.setGate(0x21, f.gate(F.code0, 0x100, type: 14))
    #expect(interruptFault(f, 0x21) == nil)
  }

  private func interruptFault(_ f: F, _ vector: UInt8) -> GuestFault? {
    f.fault { () throws(GuestFault) in try f.cpu.softwareInterrupt(vector, kind: .int, nextEIP: 0x5002) }
  }

  @Test("The target's privilege, presence and limit") func handlerSegmentFaults() throws {
    let f = try F()
    // A handler in an outer ring is never entered.
    f.setGate(0x21, f.gate(F.code3, 0, type: 14))
    #expect(interruptFault(f, 0x21) == .generalProtection(UInt32(F.code3 & ~3)))
    f.setDescriptor(F.scratch, f.segment(access: 0x1a))
    f.setGate(0x21, f.gate(F.scratch, 0, type: 14))
    #expect(interruptFault(f, 0x21) == .notPresent(0x50))
    f.setDescriptor(F.scratch, f.segment(limit: 0xfff, access: 0x9a, flags: 4))
    f.setGate(0x21, f.gate(F.scratch, 0x1000, type: 14))
    #expect(interruptFault(f, 0x21) == .generalProtection(0))
    f.setGate(0x21, f.gate(F.scratch, 0xfff, type: 14))
    #expect(interruptFault(f, 0x21) == nil)
  }

  @Test("Only software interrupts ask for the gate's DPL") func gatePrivilege() throws {
    let f = try F()
    try f.enterRing(3)
    #expect(interruptFault(f, 0x21) == .generalProtection(0x21 * 8 + 2))
    let breakpoint = f.fault { () throws(GuestFault) in
      try f.cpu.softwareInterrupt(3, kind: .int3, nextEIP: 0x6001)
    }
    #expect(breakpoint == .generalProtection(3 * 8 + 2))
    try f.cpu.softwareInterrupt(1, kind: .int1, nextEIP: 0x6001)
    #expect(f.state.eip == F.handler + 1)
    #expect(f.stack(1) == [0x6001])
    try f.enterRing(3)
    f.cpu.externalInterrupt(0x21)
    #expect(f.state.eip == F.handler + 0x21)
  }

  @Test("What can be wrong with the inner stack") func innerStackFaults() throws {
    let rows: [(selector: UInt16, descriptor: UInt64?, esp: UInt32, expected: GuestFault)] = [
      (0, nil, 0x8000, .invalidTSS(0)),
      (0x300, nil, 0x8000, .invalidTSS(0x300)),
      (F.data0 | 1, nil, 0x8000, .invalidTSS(0x10)),
      (F.data3 & ~3, nil, 0x8000, .invalidTSS(0x20)),
      (F.code0, nil, 0x8000, .invalidTSS(0x08)),
      (F.scratch, 0x00cf_9000_0000_ffff, 0x8000, .invalidTSS(0x50)),
      (F.scratch, 0x00cf_1200_0000_ffff, 0x8000, .stackFault(0x50)),
      // Five slots do not fit: above the limit, and below an expand-down segment's.
      (F.scratch, 0x0040_9200_0000_0fff, 0x1010, .stackFault(0x50)),
      (F.scratch, 0x0040_9600_0000_7fef, 0x8000, .stackFault(0x50)),
    ]
    for row in rows {
      let f = try F()
      if let descriptor = row.descriptor { f.setDescriptor(F.scratch, descriptor) }
      f.poke32(F.tss + 4, row.esp)
      f.poke32(F.tss + 8, UInt32(row.selector))
      f.setGate(0x80, f.gate(F.code0, 0x100, type: 14, dpl: 3))
      try f.enterRing(3)
      #expect(interruptFault(f, 0x80) == row.expected, "\(row)")
    }
  }

  @Test("A TSS too short for the stack's fields is #TS with its own selector") func shortTSS() throws {
    let f = try F()
    f.setGate(0x80, f.gate(F.code0, 0x100, type: 14, dpl: 3))
    try f.enterRing(3)
    f.cpu.state.pointee.tr.limit = 8
    #expect(interruptFault(f, 0x80) == .invalidTSS(UInt32(F.taskState)))
    f.cpu.state.pointee.tr.limit = 9
    #expect(interruptFault(f, 0x80) == nil)
  }

  @Test("A stepped INT n is not followed by #DB: its handler runs with TF off") func steppedInterrupt() throws
  {
    let f = try F()
    f.cpu.state.pointee.systemFlags |= EFLAGS.trap.rawValue
    f.cpu.control.pointee.trapsAfterStep = true
    try f.cpu.softwareInterrupt(0x21, kind: .int, nextEIP: 0x5002)
    #expect(!f.cpu.control.pointee.trapsAfterStep)
    #expect(f.state.systemFlags & EFLAGS.trap.rawValue == 0)
    #expect(f.stack(3)[2] & EFLAGS.trap.rawValue != 0)
  }

  @Test("External interrupts and NMIs wake a halted processor") func wakeUp() throws {
    let f = try F()
    f.cpu.state.pointee.isHalted = true
    f.cpu.externalInterrupt(0x20)
    #expect(!f.state.isHalted)
    f.cpu.state.pointee.isHalted = true
    f.cpu.nonMaskableInterrupt()
    #expect(!f.state.isHalted)
    #expect(f.state.blocksNMI)
    #expect(f.state.eip == F.handler + 2)
    try f.cpu.interruptReturn(operandSize: 4)
    #expect(!f.state.blocksNMI)
    #expect(f.clock.now == 2)
  }

  @Test("A fault while an external interrupt is delivered has EXT set") func externalFault() throws {
    let f = try F()
    f.setGate(0x20, f.gate(0x200, 0, type: 14))
    f.cpu.externalInterrupt(0x20)
    #expect(f.state.eip == F.handler + 13)
    #expect(f.stack(1) == [0x201])
    f.setGate(0x20, 0)
    f.cpu.externalInterrupt(0x20)
    #expect(f.stack(1) == [0x20 * 8 + 3])
  }

  @Test("A 16-bit stack wraps in its low half") func stack16() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(base: 0x20_0000, limit: 0xffff, access: 0x92, flags: 0))
    try f.cpu.loadSegment(.ss, F.scratch)
    f.cpu[.esp] = 0xaaaa_0004
    f.cpu.externalInterrupt(0x20)
    #expect(f.cpu[.esp] == 0xaaaa_fff8)
    #expect(f.peek32(0x20_fff8) == 0x5000)
    #expect(f.peek32(0x20_0000) & 2 == 2)
  }

  @Test("Real mode: words through the vector table, and back") func realMode() throws {
    let f = try F()
    try f.enterRealMode()
    f.cpu.state.pointee.systemFlags |= 0x4_0300
    try f.cpu.softwareInterrupt(0x10, kind: .int, nextEIP: 0x502)
    #expect(f.state.cs.selector == 0x100)
    #expect(f.state.cs.base == 0x1000)
    #expect(f.state.eip == 0x10)
    #expect(f.cpu[.esp] == 0x7000 - 6)
    #expect(f.stack16(2) == [0x502, 0])
    #expect(f.state.systemFlags == 2)
    try f.cpu.interruptReturn(operandSize: 2)
    #expect(f.state.eip == 0x502)
    #expect(f.state.systemFlags == 0x302)
    #expect(f.cpu[.esp] == 0x7000)
  }

  @Test("Real mode: no error code, and #GP beyond the table's limit") func realModeFaults() throws {
    let f = try F()
    try f.enterRealMode()
    f.cpu.state.pointee.idtr.limit = 0x10 * 4 + 2
    let fault = f.fault { () throws(GuestFault) in
      try f.cpu.softwareInterrupt(0x10, kind: .int, nextEIP: 0x502)
    }
    #expect(fault == .generalProtection(0))
    f.cpu.deliver(.generalProtection(0))
    #expect(f.cpu[.esp] == 0x7000 - 6)
    #expect(f.state.eip == 13)
  }
}
