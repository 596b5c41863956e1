import IA32
import Testing

@testable import Emulator

private typealias F = CounterFixture

@Suite("Performance counters")
struct PerformanceCounterTests {
  static let select0: UInt32 = 0x186
  static let select1: UInt32 = 0x187
  static let counter0: UInt32 = 0xc1
  static let user: UInt32 = 1 << 16
  static let kernel: UInt32 = 1 << 17
  static let enable: UInt32 = 1 << 22
  static let results: UInt32 = 0x8000

  /// Counts `event` in ring 0 over the code that `body` emits, as RDPMC before and after tells.
  private func count(
    _ event: UInt32, in f: CounterFixture, _ body: (inout CounterCode) -> Void
  ) -> UInt32 {
    var code = CounterCode()
    code.writeMSR(Self.select0, event | Self.kernel | Self.enable)
    code.readCounter(0, to: Self.results)
    body(&code)
    code.readCounter(0, to: Self.results + 4)
    code.halt()
    f.run(code)
    return f.peek(Self.results + 4) &- f.peek(Self.results)
  }

  @Test(
    "Instructions are exact, in the middle of a block and across branches", arguments: TimingLevel.allCases)
  func instructions(_ timing: TimingLevel) throws {
    let f = try F(timing)
    for length in [0, 1, 7, 31, 40, 100] {
      let counted = count(0xc0, in: f) { code in for _ in 0..<length { code.emit(0x90) } }
      // Between the readings: the first RDPMC itself, MOV of its result, the code, MOV ECX.
      #expect(counted == UInt32(length) + 3)
    }
    // mov ebx, 50; dec ebx; jnz: 101 instructions.
    let loop = count(0xc0, in: f) { code in
      code.move(.ebx, 50)
      code.emit(0x4b, 0x75, 0xfd)
    }
    #expect(loop == 104)
  }

  @Test("Clocks are the time-stamp counter's", arguments: TimingLevel.allCases)
  func clocks(_ timing: TimingLevel) throws {
    let f = try F(timing)
    var code = CounterCode()
    code.writeMSR(Self.select0, 0x79 | Self.kernel | Self.enable)
    for slot in 0..<2 as Range<UInt32> {
      code.emit(0x0f, 0x31, 0x89, 0xc6)  // rdtsc; mov esi, eax
      code.readCounter(0, to: Self.results + 8 * slot)
      code.emit(0x89, 0x35, UInt8(4 + 8 * slot), 0x80, 0, 0)  // mov [results + ...], esi
      for _ in 0..<20 { code.emit(0x40) }
    }
    code.halt()
    f.run(code)
    f.run(code)
    let counted = f.peek(Self.results + 8) &- f.peek(Self.results)
    let stamped = f.peek(Self.results + 12) &- f.peek(Self.results + 4)
    #expect(counted == stamped)
    #expect(counted > 20)
  }

  @Test("Loads and stores, lines, TLB misses and walks", arguments: [(64, 0), (72, 55), (80, 100)])
  func paging(_ pages: UInt32, percent: UInt32) throws {
    let f = try F(.full)
    try f.turnPagingOn()
    let sweeps: UInt32 = 10
    // The accesses of the measurement itself are in other pages than the sweep's; so the sweep starts at a page of its
    // own and covers fewer than it would alone.
    func measure(_ event: UInt32) -> UInt32 {
      count(event, in: f) { code in
        for _ in 0..<sweeps { code.sweep(from: 0x20_0000, pages: pages) }
      }
    }
    #expect(measure(0x43) == sweeps * pages + 1, "data references, one of them the result's")
    let misses = measure(0x0108)
    let walks = measure(0x0208)
    #expect(walks == misses + measure(0x85))
    #expect(measure(0x0808) == 2 * walks)
    #expect(measure(0x0408) >= 2 * walks * f.cpu.caches.latencies.l1.asUInt32)
    switch percent {
    case 0: #expect(misses <= 2 * pages, "the first sweep's, and what the results' page displaces")
    case 100: #expect(misses >= sweeps * pages)
    default: #expect(misses > sweeps * pages / 2 && misses < sweeps * pages * 3 / 5)
    }
  }

  @Test("Branches: retired, taken, mispredicted") func branches() throws {
    let f = try F(.full)
    let loop: (inout CounterCode) -> Void = { code in
      code.move(.ebx, 50)
      code.emit(0x4b, 0x75, 0xfd)
    }
    #expect(count(0xc4, in: f, loop) == 50)
    #expect(count(0xc9, in: f, loop) == 49)
    #expect(count(0xc5, in: f, loop) <= 2)
    let flat = try F(.functional)
    #expect(count(0xc4, in: flat, loop) == 0, "not modelled at this level")
  }

  @Test("USR and OS tell the modes apart; EN of PerfEvtSel0 is both counters' switch") func modes() throws {
    let f = try F(.full)
    var user = CounterCode()
    for _ in 0..<100 { user.emit(0x90) }
    user.emit(0xcd, 0x80)
    f.poke(F.userCode, bytes: user.bytes)
    var handler = CounterCode()
    handler.readCounter(0, to: Self.results)
    handler.readCounter(1, to: Self.results + 4)
    handler.writeMSR(Self.select0, 0)
    handler.emit(0x90, 0x90)
    handler.readCounter(0, to: Self.results + 8)
    handler.readCounter(1, to: Self.results + 12)
    handler.halt()
    f.poke(F.handler, bytes: handler.bytes)
    var code = CounterCode()
    code.writeMSR(Self.select1, 0xc0 | Self.kernel)
    code.writeMSR(Self.select0, 0xc0 | Self.user | Self.enable)
    code.enterUserMode(at: F.userCode)
    f.run(code)
    // IRET counts where it arrives, and so does INT.
    #expect(f.peek(Self.results) == 101)
    // WRMSR itself, five pushes; INT; MOV, RDPMC, MOV, MOV.
    #expect(f.peek(Self.results + 4) == 11)
    #expect(f.peek(Self.results + 8) == 101, "off")
    // RDPMC and MOV, then the four of writeMSR but WRMSR itself.
    #expect(f.peek(Self.results + 12) == 11 + 5)
    let counters = f.machine.counters
    #expect(counters.user.instructions == 101)
    #expect(counters.user.instructions + counters.kernel.instructions == counters.instructions)
  }

  @Test("Counters have 40 bits; writes sign-extend the low half") func width() throws {
    let f = try F(.functional)
    try f.cpu.writeMSR(Self.counter0, 0xffff_ffff_8000_0000)
    #expect(try f.cpu.readMSR(Self.counter0) == 0xff_8000_0000)
    try f.cpu.writeMSR(Self.counter0 + 1, 0x1_7fff_ffff)
    #expect(try f.cpu.readPerformanceCounter(1) == 0x7fff_ffff)
    try f.cpu.writeMSR(Self.counter0, 0xffff_fffe)
    let counted = count(0xc0, in: f) { _ in }
    #expect(counted == 3)
    // It overflowed and went on from 0: FF_FFFF_FFFEh, WRMSR, MOV, RDPMC, MOV, MOV and so on.
    #expect(try f.cpu.readMSR(Self.counter0) < 100)
    try f.cpu.writeMSR(Self.select0, 0x53_00c0)
    #expect(try f.cpu.readMSR(Self.select0) == 0x53_00c0)
    #expect(try f.cpu.readMSR(Self.select1) == 0)
  }

  @Test("Who may read, and what is refused") func refusals() throws {
    let f = try F(.functional)
    #expect(try f.cpu.readPerformanceCounter(0) == 0)
    for index in [UInt32(2), 0x8000_0000, .max] {
      #expect(throws: GuestFault.generalProtection(0)) { try f.cpu.readPerformanceCounter(index) }
    }
    for value in [UInt64(1 << 21), 1 << 32, 1 << 63] {
      #expect(throws: GuestFault.generalProtection(0)) { try f.cpu.writeMSR(Self.select0, value) }
    }
    f.cpu.setPrivilegeLevel(3)
    #expect(throws: GuestFault.generalProtection(0)) { try f.cpu.readPerformanceCounter(0) }
    #expect(throws: GuestFault.generalProtection(0)) { try f.cpu.readMSR(Self.counter0) }
    f.cpu.setPrivilegeLevel(0)
    try f.cpu.moveToControlRegister(4, CR4.performanceCounterEnable.rawValue)
    f.cpu.setPrivilegeLevel(3)
    #expect(try f.cpu.readPerformanceCounter(1) == 0)
  }

  @Test("Edge detection, INV, CMASK and events that are not modelled count nothing")
  func notModelled() throws {
    let f = try F(.full)
    for event: UInt32 in [0xc0 | 1 << 18, 0xc0 | 1 << 23, 0xc0 | 1 << 24, 0x7f, 0x08, 0xff] {
      #expect(count(event, in: f) { $0.emit(0x90, 0x90) } == 0, "event \(event)")
    }
  }
}

extension UInt64 {
  fileprivate var asUInt32: UInt32 { UInt32(truncatingIfNeeded: self) }
}
