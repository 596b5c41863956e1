import IA32
import TestSupport
import Testing

@testable import Emulator

/// Hardware task switching: SDM vol. 3A, chapter 7.
@Suite struct TaskSwitchTests {
  typealias F = TaskFixture
  typealias P = ProgramMachine

  @Test("JMP to a TSS saves one task and loads the other (7.3)") func jump() throws {
    let f = try F()
    f.cpu.state.pointee.dr7 = 0x5ff & ~0x400 | 0x400
    try f.run("mov ebx, 0x1234\n stc\n .byte 0xea\n .long 0\n .word 0x30")
    #expect(f.state.eip == F.otherCode + 2)
    #expect(f.state.tr.selector == F.other && f.state.tr.base == F.otherTSS)
    #expect(f.type(P.taskState) == 9 && f.type(F.other) == 11)
    #expect(f.state.cr0.contains(.taskSwitched))
    #expect(f.state.eflags & EFLAGS.nestedTask.rawValue == 0)
    #expect(
      (0..<8).map { f.cpu.registers[$0] } == [0x100, 0x101, 0x102, 0x103, F.otherStack, 0x105, 0x106, 0x107])
    #expect(f.state.ss.selector == 0x10 && f.state.fs.selector == 0 && !f.state.fs.isUsable)
    // The old task: EIP behind the jump, EFLAGS, EBX, ESP, segments.
    #expect(f.program.peek32(P.tss + 0x20) == P.code + 13)
    #expect(f.program.peek32(P.tss + 0x24) & 1 == 1)
    #expect(f.program.peek32(P.tss + 0x34) == 0x1234)
    #expect(f.program.peek32(P.tss + 0x38) == P.outerStack)
    #expect(f.program.peek32(P.tss + 0x4c) & 0xffff == 8)
    // L0 to L3 and LE are the task's own; G stays (vol. 3B, 17.2.4).
    #expect(f.state.dr7 == 0x4aa)
  }

  @Test("CALL nests, IRET goes back along the link (7.4)", arguments: [F.other, F.gate])
  func callAndReturn(_ selector: UInt16) throws {
    let f = try F()
    f.program.poke(F.otherCode, [0xcf])  // iret
    try f.run(".byte 0x9a\n .long 0\n .word \(selector)\n out 0xf4, al")
    #expect(f.state.eip == P.code + 9)
    #expect(f.state.tr.selector == P.taskState)
    #expect(f.type(P.taskState) == 11 && f.type(F.other) == 9)
    #expect(f.state.eflags & EFLAGS.nestedTask.rawValue == 0)
    #expect(f.program.peek32(F.otherTSS) & 0xffff == UInt32(P.taskState))
    // Saved by IRET: NT clear, EIP behind it.
    #expect(f.program.peek32(F.otherTSS + 0x20) == F.otherCode + 1)
    #expect(f.program.peek32(F.otherTSS + 0x24) & EFLAGS.nestedTask.rawValue == 0)
    #expect(f.cpu[.esp] == P.outerStack)
  }

  @Test("Within a nested task NT is set and both are busy") func nested() throws {
    let f = try F()
    try f.run(".byte 0x9a\n .long 0\n .word 0x30")
    #expect(f.state.eip == F.otherCode + 2)
    #expect(f.state.eflags & EFLAGS.nestedTask.rawValue != 0)
    #expect(f.type(P.taskState) == 11 && f.type(F.other) == 11)
    #expect(f.program.peek32(P.tss + 0x24) & EFLAGS.nestedTask.rawValue == 0)
  }

  @Test("A 16-bit TSS has halves of everything, and no CR3 (7.6)") func task16() throws {
    let f = try F()
    f.program.poke(F.otherCode & 0xffff, [0xcf])
    f.set(8, DescriptorBytes.segment(access: 0x9b))
    try f.run("mov eax, 0x12345678\n .byte 0x9a\n .long 0\n .word 0x38\n out 0xf4, al")
    #expect(f.state.eip == P.code + 14)
    #expect(f.cpu[.eax] == 0x1234_5678)
    #expect(f.type(F.other16) == 1)
    // What IRET saved there.
    #expect(f.program.peek(F.other16TSS + 0x0e, 2) == [0x01, 0x10])
    #expect(f.program.peek(F.other16TSS + 0x12, 2) == [0x11, 0x11])
    #expect(f.program.peek(F.other16TSS, 2) == [UInt8(P.taskState), 0])
  }

  @Test("INT n, a fault and a double fault through task gates (6.12.2)") func gates() throws {
    let software = try F()
    software.program.poke64(P.idt + 8 * 0x30, DescriptorBytes.gate(F.other, 0, access: 0xe5))
    software.program.poke(F.otherCode, [0xcf])
    try software.run("int 0x30\n out 0xf4, al")
    #expect(software.state.eip == P.code + 4 && software.state.tr.selector == P.taskState)

    let fault = try F()
    fault.handleByTask([.generalProtection])
    try fault.run("mov eax, 0x58\n mov ds, eax")
    #expect(fault.state.eip == F.handlerCode + 2)
    #expect(fault.cpu[.esp] == F.handlerStack - 4)
    #expect(fault.program.peek32(F.handlerStack - 4) == 0x58)
    #expect(fault.program.peek32(P.tss + 0x20) == P.code + 5)
    // RF in the image, as a fault's frame has it.
    #expect(fault.program.peek32(P.tss + 0x24) & EFLAGS.resume.rawValue != 0)

    let double = try F()
    double.handleByTask([.doubleFault])
    double.cpu.state.pointee.ss.limit = 0xfff
    try double.run("mov esp, 0x8000\n ud2")
    #expect(double.state.eip == F.handlerCode + 2)
    #expect(double.program.peek32(F.handlerStack - 4) == 0)
    #expect(double.program.peek32(P.tss + 0x20) == P.code + 5)
    #expect(double.program.peek32(P.tss + 0x38) == 0x8000)
    #expect(!double.cpu.isShutDown)
  }

  @Test("Before the commit point a fault is the old task's, and nothing has changed (table 7-1)")
  func before() throws {
    let jump = ".byte 0xea\n .long 0\n .word 0x30"
    let rows: [(String, (F) -> Void, P.Taken)] = [
      (
        jump,
        { $0.set(F.other, DescriptorBytes.segment(base: F.otherTSS, limit: 0x66, access: 0x89, flags: 0)) },
        P.Taken(.invalidTSS, 0x30)
      ),
      (
        jump,
        { $0.set(F.other, DescriptorBytes.segment(base: F.otherTSS, limit: 0x67, access: 0x09, flags: 0)) },
        P.Taken(.segmentNotPresent, 0x30)
      ),
      (
        jump,
        { $0.set(F.other, DescriptorBytes.segment(base: F.otherTSS, limit: 0x67, access: 0x8b, flags: 0)) },
        P.Taken(.generalProtection, 0x30)
      ),
      (".byte 0xea\n .long 0\n .word 0x28", { _ in }, P.Taken(.generalProtection, 0x28)),
      (
        ".byte 0xea\n .long 0\n .word 0x40", { $0.set(F.gate, DescriptorBytes.gate(0x54, 0, access: 0xe5)) },
        P.Taken(.generalProtection, 0x54)
      ),
      (
        ".byte 0xea\n .long 0\n .word 0x40", { $0.set(F.gate, DescriptorBytes.gate(0x1f8, 0, access: 0xe5)) },
        P.Taken(.generalProtection, 0x1f8)
      ),
      (
        "int 0x30", { $0.program.poke64(P.idt + 8 * 0x30, DescriptorBytes.gate(0x28, 0, access: 0xe5)) },
        P.Taken(.generalProtection, 0x28)
      ),
      // IRET with NT: the link's TSS must be busy.
      (
        "iret",
        { f in
          f.cpu.state.pointee.systemFlags |= EFLAGS.nestedTask.rawValue
          f.program.poke32(P.tss, UInt32(F.other))
        }, P.Taken(.invalidTSS, 0x30)
      ),
      // The old TSS too short for what is saved.
      (jump, { $0.cpu.state.pointee.tr.limit = 0x5f }, P.Taken(.invalidTSS, 0x28)),
    ]
    for (source, prepare, expected) in rows {
      let f = try F()
      prepare(f)
      try f.run(source)
      #expect(f.program.taken == expected, "\(source): \(f.program.taken as Any)")
      #expect(f.state.tr.selector == P.taskState, "\(source)")
      #expect(f.program.peek32(P.tss + 0x20) == 0, "\(source): saved")
    }
  }

  @Test("A page fault in either TSS comes before anything is written") func paged() throws {
    for hole in [F.otherTSS, P.tss] {
      let f = try F()
      try f.program.turnPagingOn(except: [hole & ~0xfff])
      try f.run(".byte 0xea\n .long 0\n .word 0x30")
      #expect(f.program.taken?.vector == 14 && f.program.taken?.eip == P.code)
      #expect(f.type(P.taskState) == 11 && f.type(F.other) == 9)
    }
  }

  @Test("After the commit point a fault is the new task's (table 7-1)") func after() throws {
    func slot(_ f: F, _ offset: UInt32, _ value: UInt32) { f.program.poke32(F.otherTSS + offset, value) }
    let rows: [(String, (F) -> Void, ExceptionVector, UInt32)] = [
      ("LDT not an LDT", { slot($0, 0x60, 0x10) }, .invalidTSS, 0x10),
      ("LDT in the LDT", { slot($0, 0x60, 0x14) }, .invalidTSS, 0x14),
      (
        "LDT absent",
        { f in
          f.set(F.local, DescriptorBytes.segment(base: F.localTable, limit: 0xff, access: 0x02, flags: 0))
          slot(f, 0x60, UInt32(F.local))
        }, .invalidTSS, UInt32(F.local)
      ),
      ("CS null", { slot($0, 0x4c, 0) }, .invalidTSS, 0),
      ("CS data", { slot($0, 0x4c, 0x10) }, .invalidTSS, 0x10),
      ("CS RPL 3 of DPL 0", { slot($0, 0x4c, 0x0b) }, .invalidTSS, 8),
      (
        "CS absent",
        { f in
          f.set(F.free, DescriptorBytes.segment(access: 0x1a))
          slot(f, 0x4c, UInt32(F.free))
        }, .segmentNotPresent, UInt32(F.free)
      ),
      ("SS null", { slot($0, 0x50, 0) }, .invalidTSS, 0),
      ("SS code", { slot($0, 0x50, 8) }, .invalidTSS, 8),
      ("SS of ring 3", { slot($0, 0x50, 0x23) }, .invalidTSS, 0x20),
      ("SS RPL 1", { slot($0, 0x50, 0x11) }, .invalidTSS, 0x10),
      (
        "SS absent",
        { f in
          f.set(F.free, DescriptorBytes.segment(access: 0x12))
          slot(f, 0x50, UInt32(F.free))
        }, .stackSegmentFault, UInt32(F.free)
      ),
      ("DS a TSS", { slot($0, 0x54, 0x28) }, .invalidTSS, 0x28),
      ("DS beyond the table", { slot($0, 0x54, 0x100) }, .invalidTSS, 0x100),
      (
        "ES absent",
        { f in
          f.set(F.free, DescriptorBytes.segment(access: 0x12))
          slot(f, 0x48, UInt32(F.free))
        }, .segmentNotPresent, UInt32(F.free)
      ),
      ("FS in an LDT that isn't there", { slot($0, 0x58, 0x0c) }, .invalidTSS, 0x0c),
      (
        "EIP beyond CS",
        { f in
          f.set(F.free, DescriptorBytes.segment(limit: 0xfff, access: 0x9a, flags: 4))
          slot(f, 0x4c, UInt32(F.free))
        }, .generalProtection, 0
      ),
    ]
    for (name, prepare, vector, code) in rows {
      let f = try F()
      f.handleByTask([.invalidTSS, .segmentNotPresent, .stackSegmentFault, .generalProtection])
      prepare(f)
      try f.run(".byte 0xea\n .long 0\n .word 0x30")
      #expect(f.state.eip == F.handlerCode + 2, "\(name)")
      #expect(f.program.peek32(F.handlerStack - 4) == code, "\(name)")
      #expect(f.cpu.faultHistory.entries.map(\.vector) == [vector], "\(name)")
      // The new task is the one that was interrupted, at its first instruction.
      #expect(f.program.peek32(F.handlerTSS) & 0xffff == UInt32(F.other), "\(name)")
      #expect(f.program.peek32(F.otherTSS + 0x20) == F.otherCode, "\(name)")
    }
  }

  @Test("Segments of the new task may lie in its LDT") func localTable() throws {
    let f = try F()
    f.set(0x0c, DescriptorBytes.segment(access: 0x92))
    f.program.poke32(F.otherTSS + 0x54, 0x0c)
    f.program.poke32(F.otherTSS + 0x60, UInt32(F.local))
    try f.run(".byte 0xea\n .long 0\n .word 0x30")
    #expect(f.state.eip == F.otherCode + 2)
    #expect(f.state.ds.selector == 0x0c && f.state.ds.isUsable)
    #expect(f.state.ldtr.selector == F.local)
  }

  @Test("T traps before the first instruction (7.2.1; vol. 3B, 17.3.1.5)") func trapBit() throws {
    let f = try F()
    f.program.poke32(F.otherTSS + 0x64, 0x68_0001)
    try f.run(".byte 0xea\n .long 0\n .word 0x30")
    #expect(f.program.taken == P.Taken(.debug, at: F.otherCode))
    #expect(f.state.dr6 & 0xe00f == 0x8000)
    #expect(f.state.tr.selector == F.other)
  }

  @Test("A task of V86 mode (7.3, vol. 3B, 20.2.5)") func virtual8086() throws {
    let f = try F()
    f.program.poke32(F.otherTSS + 0x20, 0x10, EFLAGS.virtual8086.rawValue | 2)
    f.program.poke32(F.otherTSS + 0x48, 0x1111, 0x1100, 0x0900, 0x2222, 0x3333, 0x4444)
    f.program.poke32(F.otherTSS + 4, P.innerStack, UInt32(P.data0))
    f.program.poke(0x1_1010, [0x0f, 0x0b])
    try f.run(".byte 0xea\n .long 0\n .word 0x30")
    #expect(f.program.taken == P.Taken(.invalidOpcode, at: 0x10))
    let frame = (0..<9).map { f.program.peek32(f.cpu[.esp] + UInt32(4 * $0)) }
    #expect(frame[1] == 0x1100)
    #expect(frame[2] & ~EFLAGS.resume.rawValue == EFLAGS.virtual8086.rawValue | 2)
    #expect(Array(frame[3...]) == [F.otherStack, 0x0900, 0x1111, 0x2222, 0x3333, 0x4444])
    #expect(f.state.privilegeLevel == 0 && !f.state.isVirtual8086 && !f.state.ds.isUsable)
  }

  @Test("CR3 comes with the task; under PAE with its PDPTEs, which are checked first (4.4.1)") func pae()
    throws
  {
    for isBad in [false, true] {
      let f = try F()
      for table in [0x30_0000, 0x30_0020] as [UInt32] {
        f.program.poke64(table, 0x30_1001)
      }
      f.program.poke64(0x30_0028, isBad ? 0x1e7 : 0)
      for page in 0..<8 as Range<UInt32> { f.program.poke64(0x30_1000 + 8 * page, UInt64(page) << 21 | 0x87) }
      try f.cpu.mmu.loadCR3(0x30_0000)
      try f.cpu.mmu.setControlRegisters(
        cr0: [.protectionEnable, .paging], cr4: .physicalAddressExtension)
      f.program.poke32(F.otherTSS + 0x1c, 0x30_0020)
      try f.run(".byte 0xea\n .long 0\n .word 0x30")
      if isBad {
        #expect(f.program.taken == P.Taken(.generalProtection, 0))
        #expect(f.state.cr3 == 0x30_0000 && f.state.tr.selector == P.taskState)
      } else {
        #expect(f.state.eip == F.otherCode + 2)
        #expect(f.state.cr3 == 0x30_0020)
      }
    }
  }
}
