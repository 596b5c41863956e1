import IA32
import Testing

@testable import Emulator

/// What single instructions cost in the `full` level, measured from outside: the clock before and after.
@Suite("Costs")
struct CostTests {
  /// Runs `code` up to its HLT with caches, TLB and predictor as `warm` of the same code leave them. The cycles of all but
  /// the HLT.
  private func cycles(
    _ code: [UInt8], paging: Bool = false, warm: Int = 1, prepare: (BareMachine) throws -> Void = { _ in },
    between: (BareMachine) throws -> Void = { _ in }
  ) throws -> UInt64 {
    let bare = try BareMachine(.full, identity: ProgramMachine.everything)
    bare.machine.cpu.state.pointee.cr4 = [.osSavesExtendedState, .osHandlesSIMDExceptions]
    bare.mapIdentity()
    try prepare(bare)
    try bare.poke(BareMachine.code, code + [0xf4])
    if paging { try bare.turnPagingOn() }
    let machine = bare.machine
    let start = machine.cpu.state.pointee
    for round in 0...warm {
      if round == warm { try between(bare) }
      machine.cpu.state.pointee.eip = start.eip
      machine.cpu.state.pointee.isHalted = false
      machine.cpu[.esp] = BareMachine.stackTop
      let before = machine.cycle
      #expect(machine.run(untilCycle: before + 100_000) == .halted)
      if round == warm { return machine.cycle - before - 1 }
    }
    return 0
  }

  private static let place: UInt32 = 0x80_0000

  private func bytes(_ code: UInt8..., word: UInt32) -> [UInt8] {
    code + (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
  }

  @Test("load-use: 3 from L1, 6 from L2, 33 from DRAM")
  func loads() throws {
    let load = bytes(0x8b, 0x1d, word: Self.place)
    #expect(try cycles(load) == 3)
    #expect(
      try cycles(load) { _ in
      } between: { bare in
        // Four other lines of the set push it out of L1D, not out of L2.
        for way in 1...4 as ClosedRange<UInt32> {
          _ = try bare.machine.load8(LinearAddress(Self.place + way << 12))
        }
      } == 6)
    #expect(
      try cycles(load) { _ in
      } between: { bare in
        for way in 1...4 as ClosedRange<UInt32> {
          _ = try bare.machine.load8(LinearAddress(Self.place + way << 17))
        }
      } == 33)
  }

  @Test("a walk costs 2 and the latency of each reference: 8, 14, 68")
  func walks() throws {
    // Not in the sets of the entries.
    let load = bytes(0x8b, 0x1d, word: Self.place + 0x100)
    let entry = BareMachine.tables + Self.place >> 12 * 8
    let directoryEntry = BareMachine.directory + Self.place >> 21 * 8
    func measured(pushingOut step: UInt32?) throws -> UInt64 {
      try cycles(load, paging: true, warm: 1) { _ in
      } between: { bare in
        if let step {
          // Physical addresses are linear ones; pages that the code doesn't use.
          for place in [entry, directoryEntry] {
            for way in 1...4 as ClosedRange<UInt32> {
              bare.machine.cpu.caches.access(
                UInt64(0x40_0000 + place & (step - 1) + way * step), bytes: 1, .load)
            }
          }
        }
        bare.machine.invalidatePage(LinearAddress(Self.place))
      }
    }
    #expect(try measured(pushingOut: nil) == 3 + 8)
    #expect(try measured(pushingOut: 1 << 12) == 3 + 14)
    #expect(try measured(pushingOut: 1 << 17) == 3 + 68)
  }

  @Test("instructions by class")
  func classes() throws {
    #expect(try cycles([0x90]) == 1)  // nop
    #expect(try cycles([0x01, 0xc8]) == 1)  // add eax, ecx
    #expect(try cycles([0x0f, 0xaf, 0xc3]) == 4)  // imul eax, ebx
    #expect(try cycles([0xb1, 1, 0x31, 0xd2, 0xf7, 0xf1]) == 2 + 39)  // mov cl, 1; xor edx, edx; div ecx
    #expect(try cycles([0x66, 0x31, 0xd2, 0xb1, 1, 0x66, 0xf7, 0xf1]) == 2 + 23)
    #expect(try cycles([0xb1, 1, 0xb4, 0, 0xf6, 0xf1]) == 2 + 19)
    #expect(try cycles(bytes(0x89, 0x1d, word: Self.place)) == 1)  // mov [place], ebx
    #expect(try cycles(bytes(0x01, 0x1d, word: Self.place)) == 3)  // add [place], ebx
    #expect(try cycles(bytes(0xf0, 0x01, 0x1d, word: Self.place)) == 3 + 18)  // lock
    #expect(try cycles([0x53, 0x5b]) == 1 + 3)  // push; pop
    #expect(try cycles([0xe4, 0x61]) == 300)  // in al, 61h
    #expect(try cycles([0xfa]) == 9)
    #expect(try cycles([0x8e, 0xd8]) == 5)  // mov ds, eax: a null selector
    #expect(try cycles([0x0f, 0x31]) == 31)  // rdtsc
  }

  @Test("MMX and SSE")
  func simd() throws {
    #expect(try cycles([0x0f, 0xfc, 0xc1]) == 1)  // paddb mm0, mm1
    #expect(try cycles([0x0f, 0xd5, 0xc1]) == 3)  // pmullw
    #expect(try cycles([0x0f, 0x77]) == 6)  // emms
    #expect(try cycles([0x0f, 0x28, 0xc1]) == 1)  // movaps xmm0, xmm1
    #expect(try cycles([0x0f, 0x58, 0xc1]) == 3)  // addps
    #expect(try cycles([0xf2, 0x0f, 0x5e, 0xc1]) == 32)  // divsd
    #expect(try cycles([0x66, 0x0f, 0x51, 0xc1]) == 114)  // sqrtpd
    #expect(try cycles(bytes(0x0f, 0x28, 0x05, word: Self.place)) == 3)  // movaps xmm0, [place]
    #expect(try cycles(bytes(0x0f, 0x58, 0x05, word: Self.place)) == 5)  // addps xmm0, [place]
    #expect(try cycles(bytes(0x0f, 0x29, 0x05, word: Self.place)) == 1)  // movaps [place], xmm0
    // CLFLUSH throws the line out of all caches: the load after it comes from DRAM.
    #expect(
      try cycles(bytes(0x8b, 0x1d, word: Self.place) + bytes(0x0f, 0xae, 0x3d, word: Self.place)) == 33 + 1)
  }

  @Test("branches: 1 taken as predicted, 15 mispredicted, nothing when not taken")
  func branches() throws {
    #expect(try cycles([0xeb, 0]) == 1 + 1)
    #expect(try cycles([0xf8, 0x72, 0]) == 2)  // clc; jc: forwards, not taken
    // stc; jc: not known yet, and a line to fetch
    #expect(try cycles([0xf9, 0x72, 0], warm: 0) == 2 + 15 + 33)
    #expect(try cycles([0xf9, 0x72, 0]) == 2 + 1)  // known by now
    // call over a nop; pop: the return address is on the predictor's stack, and no return came.
    #expect(try cycles([0xe8, 0, 0, 0, 0, 0x58]) == 1 + 1 + 3)
    // call a function that stands behind the jump, and return as predicted.
    #expect(try cycles([0xeb, 1, 0xc3, 0xe8, 0xfa, 0xff, 0xff, 0xff]) == (1 + 1) + (1 + 1) + (3 + 1))
  }

  @Test("interrupts: INT n, and one from outside")
  func interrupts() throws {
    func handler(_ bare: BareMachine) throws {
      bare.setGate(0x30, BareMachine.code + 8)
      bare.setGate(14, BareMachine.code + 8)
      try bare.poke(BareMachine.code + 8, [0xcf])
    }
    // INT, delivery, IRET of 40 with three loads. What delivery reads and writes hits L1D.
    #expect(try cycles([0xcd, 0x30], prepare: handler) == 1 + 60 + 40 + 6)
  }

  @Test("uncached: a page with PCD, and CR0.CD")
  func uncached() throws {
    let load = bytes(0x8b, 0x1d, word: Self.place)
    let page = Self.place >> 12
    #expect(
      try cycles(load, paging: true) { bare in bare.setPage(page, UInt64(page) << 12 | 0x77) } == 3 + 33)
    // With CR0.CD the fetch of the line goes past the caches too.
    #expect(
      try cycles(load) { _ in
      } between: { bare in
        bare.machine.cpu.mmu.forgetFetchPage()
        try bare.machine.moveToCR0([.protectionEnable, .cacheDisable])
      } == 3 + 33 + 33)
  }

  @Test("uncached again, cached again: nothing stays behind in the filters")
  func cacheDisableTransitions() throws {
    let bare = try BareMachine(.full)
    let machine = bare.machine
    let place = LinearAddress(Self.place)
    func cost() throws -> UInt64 {
      let before = machine.cycle
      _ = try machine.load32(place)
      return machine.cycle - before
    }
    #expect(try cost() == 30)
    #expect(try cost() == 0)
    try machine.moveToCR0([.protectionEnable, .cacheDisable])
    #expect(try cost() == 33)
    #expect(try cost() == 33)
    try machine.moveToCR0([.protectionEnable])
    // The line is still in L1D: CD brings nothing in and throws nothing out. SDM vol. 3A, 11.5.
    #expect(try cost() == 0)
  }
}
