import IA32
import Testing

@testable import Emulator

/// Far JMP, CALL, RET and IRET: SDM vol. 3A, 5.8; vol. 2.
@Suite struct FarTransferTests {
  typealias F = SystemFixture

  // MARK: JMP

  @Test("A direct far jump against DPL, RPL and CPL") func jumpPrivilege() throws {
    for cpl in [UInt8(0), 3] {
      for dpl in 0..<4 as Range<UInt8> {
        for rpl in 0..<4 as Range<UInt16> {
          for isConforming in [false, true] {
            let f = try F()
            if cpl == 3 { try f.enterRing(3) }
            f.setDescriptor(F.scratch, f.segment(access: (isConforming ? 0x9e : 0x9a) | dpl << 5))
            let isAllowed = isConforming ? dpl <= cpl : dpl == cpl && rpl <= UInt16(cpl)
            let fault = f.fault { () throws(GuestFault) in
              try f.cpu.jumpFar(selector: F.scratch | rpl, offset: 0x1234, operandSize: 4)
            }
            #expect(fault == (isAllowed ? nil : .generalProtection(0x50)))
            if isAllowed {
              #expect(f.state.cs.selector == F.scratch | UInt16(cpl))
              #expect(f.state.privilegeLevel == cpl)
              #expect(f.state.eip == 0x1234)
              #expect(f.descriptor(F.scratch).isAccessed)
            }
          }
        }
      }
    }
  }

  @Test("Faults of a far jump") func jumpFaults() throws {
    let f = try F()
    func jump(_ selector: UInt16, _ offset: UInt32 = 0) -> GuestFault? {
      f.fault { () throws(GuestFault) in
        try f.cpu.jumpFar(selector: selector, offset: offset, operandSize: 4)
      }
    }
    #expect(jump(0) == .generalProtection(0))
    #expect(jump(3) == .generalProtection(0))
    #expect(jump(0x100) == .generalProtection(0x100))
    #expect(jump(F.data0) == .generalProtection(0x10))
    f.setDescriptor(F.scratch, f.segment(access: 0x1a))
    #expect(jump(F.scratch) == .notPresent(0x50))
    f.setDescriptor(F.scratch, f.segment(limit: 0xfff, access: 0x9a, flags: 4))
    #expect(jump(F.scratch, 0x1000) == .generalProtection(0))
    for type in [UInt8(0), 2, 3, 6, 7, 8, 10, 11, 13, 14, 15] {
      f.setDescriptor(F.scratch, f.segment(access: 0x80 | type))
      #expect(jump(F.scratch) == .generalProtection(0x50), "type \(type)")
    }
    for type in [UInt8(1), 9] {
      f.setDescriptor(F.scratch, f.segment(limit: 0x2a, access: 0x80 | type, flags: 0))
      #expect(jump(F.scratch) == .invalidTSS(0x50))
      f.setDescriptor(F.scratch, f.segment(access: type))
      #expect(jump(F.scratch) == .notPresent(0x50))
    }
    // A task gate to what is no TSS, to a busy one, and one that isn't present.
    f.setDescriptor(F.scratch, f.gate(F.data0, 0, type: 5))
    #expect(jump(F.scratch) == .generalProtection(UInt32(F.data0)))
    f.setDescriptor(F.scratch, f.gate(F.taskState, 0, type: 5))
    #expect(jump(F.scratch) == .generalProtection(UInt32(F.taskState)))
    f.setDescriptor(F.scratch, f.gate(F.taskState, 0, type: 5, present: false))
    #expect(jump(F.scratch) == .notPresent(0x50))
  }

  @Test("A 16-bit operand size takes 16 bits of the offset") func jump16() throws {
    let f = try F()
    try f.cpu.jumpFar(selector: F.code0, offset: 0xffff_1234, operandSize: 2)
    #expect(f.state.eip == 0x1234)
  }

  @Test("A jump through a call gate stays in its ring") func jumpThroughGate() throws {
    let f = try F()
    try f.enterRing(3)
    func jump() -> GuestFault? {
      f.fault { () throws(GuestFault) in
        try f.cpu.jumpFar(selector: F.scratch | 3, offset: 0x99, operandSize: 4)
      }
    }
    f.setDescriptor(F.scratch, f.gate(F.code0, 0x4242, type: 12, dpl: 3))
    #expect(jump() == .generalProtection(0x08))
    f.setDescriptor(F.scratch, f.gate(F.conforming0, 0x4242, type: 12, dpl: 2))
    #expect(jump() == .generalProtection(0x50))
    f.setDescriptor(F.scratch, f.gate(F.conforming0, 0x4242, type: 12, dpl: 3, present: false))
    #expect(jump() == .notPresent(0x50))
    f.setDescriptor(F.scratch, f.gate(0, 0x4242, type: 12, dpl: 3))
    #expect(jump() == .generalProtection(0))
    f.setDescriptor(F.scratch, f.gate(F.conforming0, 0xaaaa_4242, type: 4, dpl: 3))
    #expect(jump() == nil)
    #expect(f.state.eip == 0x4242)
    #expect(f.state.cs.selector == F.conforming0 | 3)
  }

  // MARK: CALL

  @Test("A direct call pushes CS and the return address in the operand's size") func directCall() throws {
    let f = try F()
    try f.cpu.callFar(selector: F.conforming0, offset: 0x100, operandSize: 4, nextEIP: 0x1_5007)
    #expect(f.stack(2) == [0x1_5007, UInt32(F.code0)])
    try f.cpu.returnFar(operandSize: 4, releasing: 0)
    #expect(f.state.eip == 0x1_5007)
    try f.cpu.callFar(selector: F.code0, offset: 0x100, operandSize: 2, nextEIP: 0x1_5005)
    #expect(f.stack16(2) == [0x5005, F.code0])
    #expect(f.cpu[.esp] == 0x7000 - 4)
  }

  @Test("No room for the return address: #SS(0) before the destination's limit") func callWithoutRoom() throws
  {
    let f = try F()
    f.setDescriptor(F.scratch, f.segment(limit: 0xff, access: 0x92, flags: 4))
    try f.cpu.loadSegment(.ss, F.scratch)
    let fault = f.fault { () throws(GuestFault) in
      try f.cpu.callFar(selector: F.code0, offset: 0x100, operandSize: 4, nextEIP: 0)
    }
    #expect(fault == .stackFault())
  }

  @Test("A call gate to ring 0 copies its parameters in order", arguments: [UInt8(0), 1, 2, 31])
  func callGate32(_ count: UInt8) throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.gate(F.code0, 0x4242_4242, type: 12, dpl: 3, parameters: count))
    try f.enterRing(3)
    let parameters = (0..<UInt32(count)).map { 0x1000_0000 + $0 }
    let outerTop = F.outerStackTop - 4 * UInt32(count)
    for (slot, value) in parameters.enumerated() { f.poke32(outerTop + UInt32(4 * slot), value) }
    f.cpu[.esp] = outerTop
    try f.cpu.callFar(selector: F.scratch | 3, offset: 0x99, operandSize: 2, nextEIP: 0x6007)
    #expect(f.state.privilegeLevel == 0)
    #expect(f.state.eip == 0x4242_4242)
    #expect(f.state.cs.selector == F.code0)
    #expect(f.state.ss.selector == F.data0)
    #expect(f.cpu[.esp] == 0x8000 - 16 - 4 * UInt32(count))
    let frame = [0x6007, UInt32(F.code3)] + parameters + [outerTop, UInt32(F.data3)]
    #expect(f.stack(frame.count) == frame)

    // The return drops the parameters from both stacks.
    try f.cpu.returnFar(operandSize: 4, releasing: 4 * UInt32(count))
    #expect(f.state.privilegeLevel == 3)
    #expect(f.state.eip == 0x6007)
    #expect(f.cpu[.esp] == F.outerStackTop)
    #expect(f.state.ss.selector == F.data3)
  }

  @Test("A 16-bit call gate copies words") func callGate16() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.gate(F.code0, 0x4242, type: 4, dpl: 3, parameters: 2))
    try f.enterRing(3)
    f.cpu[.esp] = F.outerStackTop - 4
    f.poke16(F.outerStackTop - 4, 0x1111)
    f.poke16(F.outerStackTop - 2, 0x2222)
    try f.cpu.callFar(selector: F.scratch | 3, offset: 0, operandSize: 4, nextEIP: 0x6007)
    let outerSP = UInt16(F.outerStackTop - 4)
    #expect(f.stack16(6) == [0x6007, F.code3, 0x1111, 0x2222, outerSP, F.data3])
    #expect(f.cpu[.esp] == 0x8000 - 12)
  }

  @Test("A call gate to the same ring or conforming code switches no stack") func callGateSameRing() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.gate(F.conforming0, 0x4242, type: 12, dpl: 3, parameters: 3))
    try f.enterRing(3)
    try f.cpu.callFar(selector: F.scratch | 3, offset: 0, operandSize: 4, nextEIP: 0x6007)
    #expect(f.state.privilegeLevel == 3)
    #expect(f.cpu[.esp] == F.outerStackTop - 8)
    #expect(f.stack(2) == [0x6007, UInt32(F.code3)])
  }

  @Test("Faults of an inner call leave everything as it was") func innerCallFaults() throws {
    let f = try F()
    f.setDescriptor(F.scratch, f.gate(F.code0, 0x4242, type: 12, dpl: 3, parameters: 4))
    try f.enterRing(3)
    func call() -> GuestFault? {
      f.fault { () throws(GuestFault) in
        try f.cpu.callFar(selector: F.scratch | 3, offset: 0, operandSize: 4, nextEIP: 0x6007)
      }
    }
    f.poke32(F.tss + 8, 0)
    #expect(call() == .invalidTSS(0))
    f.poke32(F.tss + 8, UInt32(F.data3 & ~3))
    #expect(call() == .invalidTSS(0x20))
    f.poke32(F.tss + 8, UInt32(F.data0))
    f.setDescriptor(0x58, f.segment(limit: 0xfff, access: 0x9a, flags: 4))
    f.setDescriptor(F.scratch, f.gate(0x58, 0x1000, type: 12, dpl: 3, parameters: 4))
    #expect(call() == .generalProtection(0))
    f.setDescriptor(F.scratch, f.gate(F.code3, 0x1000, type: 12, dpl: 3, parameters: 4))
    #expect(call() == nil)
    #expect(f.state.privilegeLevel == 3)
  }

  @Test("A parameter in a page that isn't there: #PF by the user, nothing pushed") func missingParameter()
    throws
  {
    let f = try F()
    f.setDescriptor(F.scratch, f.gate(F.code0, 0x4242, type: 12, dpl: 3, parameters: 2))
    try f.enterRing(3)
    try f.pageIdentically(exceptPageAt: F.outerStackTop)
    f.cpu[.esp] = F.outerStackTop - 4
    // The walks set A and D, so only the stack is compared.
    var raised: GuestFault?
    do throws(GuestFault) {
      try f.cpu.callFar(selector: F.scratch | 3, offset: 0, operandSize: 4, nextEIP: 0x6007)
    } catch {
      raised = error
    }
    #expect(raised == .pageFault(.user, at: F.outerStackTop))
    #expect(f.state.privilegeLevel == 3)
    #expect(f.peek32(0x7ffc) == 0)
  }

  // MARK: Real mode

  @Test("Real mode: call, return and jump by paragraphs") func realMode() throws {
    let f = try F()
    try f.enterRealMode()
    try f.cpu.callFar(selector: 0x200, offset: 0x34, operandSize: 2, nextEIP: 0x505)
    #expect(f.state.cs.base == 0x2000)
    #expect(f.state.eip == 0x34)
    #expect(f.stack16(2) == [0x505, 0])
    try f.cpu.returnFar(operandSize: 2, releasing: 2)
    #expect(f.state.cs.base == 0)
    #expect(f.state.eip == 0x505)
    #expect(f.cpu[.esp] == 0x7002)
    let fault = f.fault { () throws(GuestFault) in
      try f.cpu.jumpFar(selector: 0x200, offset: 0x1_0000, operandSize: 4)
    }
    #expect(fault == .generalProtection(0))
  }
}
