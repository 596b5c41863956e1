import IA32
import Testing

@testable import Emulator

/// Faults during the delivery of faults: SDM vol. 3A, tables 6-4 and 6-5.
@Suite struct ExceptionChainTests {
  typealias F = SystemFixture

  @Test("Every pair of first and second fault against the manual's table")
  func pairs() {
    let contributory: Set<ExceptionVector> = [
      .divideError, .invalidTSS, .segmentNotPresent, .stackSegmentFault, .generalProtection,
    ]
    for first in ExceptionVector.allCases where first != .doubleFault {
      for second in Array(contributory) + [.pageFault] {
        let isDouble =
          contributory.contains(first) && contributory.contains(second)
          || first == .pageFault
        let next = GuestFault(first).followed(by: GuestFault(second, errorCode: 5))
        #expect(
          next == (isDouble ? GuestFault(.doubleFault) : GuestFault(second, errorCode: 5)),
          "\(first.mnemonic) then \(second.mnemonic)")
      }
    }
    for second in ExceptionVector.allCases {
      #expect(GuestFault(.doubleFault).followed(by: GuestFault(second)) == nil)
    }
  }

  @Test("A benign fault's bad gate gives that gate's fault") func benignThenContributory() throws {
    let f = try F()
    f.setGate(6, 0)
    f.cpu.deliver(.invalidOpcode)
    #expect(f.state.eip == F.handler + 13)
    // The exception is an event outside the program: EXT.
    #expect(f.stack(2) == [6 * 8 + 3, 0x5000])
    #expect(f.cpu.faultHistory.entries.map(\.vector) == [.invalidOpcode, .generalProtection])
  }

  @Test("#GP on the way to #GP is a double fault with error code 0") func doubleFault() throws {
    let f = try F()
    f.setGate(13, f.gate(F.code0, 0, type: 14, present: false))
    try f.enterRing(3)
    f.cpu.deliver(.generalProtection(0x18))
    #expect(f.state.eip == F.handler + 8)
    #expect(f.stack(2) == [0, 0x6000])
    #expect(
      f.cpu.faultHistory.entries.map(\.vector) == [.generalProtection, .segmentNotPresent, .doubleFault])
    #expect(f.cpu.counters.pointee.faults[8] == 1)
    #expect(f.cpu.counters.pointee.faults[13] == 0)
    #expect(!f.cpu.isShutDown)
  }

  @Test("A third fault shuts the processor down and changes no register") func tripleFault() throws {
    let f = try F()
    f.cpu.state.pointee.idtr.limit = 0
    let before = "\(f.state)"
    f.cpu.deliver(.generalProtection(0x18))
    #expect(f.cpu.isShutDown)
    #expect("\(f.state)" == before)
    let history = f.cpu.faultHistory
    #expect(history.endedInShutdown)
    #expect(
      history.entries.map(\.vector) == [
        .generalProtection, .generalProtection, .doubleFault, .generalProtection,
      ])
    let errorCodes: [UInt32] = [0x18, 13 * 8 + 3, 0, 8 * 8 + 3]
    #expect(history.entries.map(\.errorCode) == errorCodes)
    #expect(history.entries.map(\.delivery?.vector) == [nil, 13, nil, 8])
    #expect(history.entries.allSatisfy { $0.eip == 0x5000 && $0.cs == F.code0 })
  }

  @Test("Real mode without a vector table ends in shutdown") func realModeTripleFault() throws {
    let f = try F()
    try f.enterRealMode()
    f.cpu.state.pointee.idtr.limit = 0
    f.cpu.deliver(GuestFault(.divideError))
    #expect(f.cpu.isShutDown)
  }

  @Test("A delivered fault ends the chain: the next begins a new one") func newChain() throws {
    let f = try F()
    f.cpu.deliver(.invalidOpcode)
    f.cpu.deliver(.generalProtection(0))
    #expect(f.cpu.faultHistory.entries.map(\.vector) == [.generalProtection])
    #expect(!f.cpu.faultHistory.endedInShutdown)
  }

  @Test("RF is pushed set for faults, as it stands for traps and interrupts") func resumeFlag() throws {
    let f = try F()
    let resume = EFLAGS.resume.rawValue
    func pushedFlags(_ slot: Int) -> UInt32 { f.stack(slot + 1)[slot] }
    f.cpu.deliver(.invalidOpcode)
    #expect(pushedFlags(2) & resume != 0)
    #expect(f.state.systemFlags & resume == 0)
    f.cpu.deliver(GuestFault(.debug))
    #expect(pushedFlags(2) & resume == 0)
    f.cpu.externalInterrupt(0x20)
    #expect(pushedFlags(2) & resume == 0)
    f.cpu.state.pointee.systemFlags |= resume
    f.cpu.externalInterrupt(0x20)
    #expect(pushedFlags(2) & resume != 0)
  }

  @Test("A page fault on the inner stack replaces #GP, doubles #PF") func pageFaultOnStack() throws {
    for (first, expected) in [
      (GuestFault.generalProtection(0), ExceptionVector.pageFault),
      (GuestFault.invalidOpcode, .pageFault),
      (GuestFault.pageFault(.user, at: 0x1234), .doubleFault),
    ] {
      let f = try F()
      try f.enterRing(3)
      try f.pageIdentically(exceptPageAt: 0x7000)
      // The handlers of the second fault stand in ring 3 code of the same ring, which needs no ring 0 stack.
      f.setGate(UInt32(expected.rawValue), f.gate(F.conforming0, 0x100, type: 14))
      f.cpu.deliver(first)
      #expect(!f.cpu.isShutDown)
      #expect(f.state.eip == 0x100)
      #expect(f.cpu.faultHistory.entries.last?.vector == expected)
      // A write by the supervisor to a page that isn't there.
      if expected == .pageFault { #expect(f.stack(1) == [2]) }
      if expected == .pageFault { #expect(f.state.cr2 == 0x7ffc) }
    }
  }

  @Test("An IDT in a page that isn't there is a triple fault with CR2 at the gate") func pagedOutIDT() throws
  {
    let f = try F()
    try f.pageIdentically(exceptPageAt: F.idt)
    f.cpu.deliver(.invalidOpcode)
    #expect(f.cpu.isShutDown)
    #expect(f.state.cr2 == F.idt + 8 * 8)
    let entries = f.cpu.faultHistory.entries
    #expect(entries.map(\.vector) == [.invalidOpcode, .pageFault, .pageFault, .doubleFault, .pageFault])
    #expect(entries.map(\.cr2) == [0, F.idt + 6 * 8, F.idt + 14 * 8, F.idt + 14 * 8, F.idt + 8 * 8])
    #expect(entries.map(\.delivery?.step) == [nil, .gate, .gate, nil, .gate])
  }

  @Test("Task gates to the task that runs cannot loop") func taskGate() throws {
    let f = try F()
    for vector in 0..<32 as Range<UInt32> { f.setGate(vector, f.gate(F.taskState, 0, type: 5)) }
    f.cpu.deliver(.invalidOpcode)
    #expect(f.cpu.isShutDown)
    let entries = f.cpu.faultHistory.entries
    #expect(
      entries.map(\.vector) == [
        .invalidOpcode, .generalProtection, .generalProtection, .doubleFault, .generalProtection,
      ])
    #expect(entries.last?.delivery?.step == .task)
    #expect(entries.last?.errorCode == UInt32(F.taskState) | 1)
  }

  @Test("Entering the debug handler clears DR7.GD") func debugHandler() throws {
    let f = try F()
    try f.cpu.moveToDebugRegister(7, DebugRegisterBits.generalDetectEnable)
    f.cpu.deliver(GuestFault(.debug))
    #expect(f.state.dr7 == 0x400)
  }
}

extension SystemFixture {
  /// Turns 32-bit paging on with the first 4 MiB mapped to themselves for everybody, but for one page.
  func pageIdentically(exceptPageAt hole: UInt32) throws {
    let directory: UInt32 = 0x10_0000
    let table: UInt32 = 0x10_1000
    poke32(directory, table | 7)
    for page in 0..<1024 as Range<UInt32> {
      poke32(table + page * 4, page << 12 == hole ? 0 : page << 12 | 7)
    }
    cpu.state.pointee.cr3 = directory
    let cr0 = state.cr0.union(.paging)
    try cpu.mmu.setControlRegisters(cr0: cr0, cr4: [])
  }
}
