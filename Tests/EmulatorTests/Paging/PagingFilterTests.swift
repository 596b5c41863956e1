import IA32
import Testing

@testable import Emulator

/// What stands in front of the data TLB must not be seen: neither in results nor in what the arrays hold or
/// the counters say.
@Suite("PagingFilter")
struct PagingFilterTests {
  private static let frame: UInt64 = 0x40_0000

  /// Page 5 at `frame`, writable.
  private func makeFixture() throws -> PagingFixture {
    let fixture = try PagingFixture()
    fixture.map(5, to: Self.frame | 0x67)
    try fixture.startPAE()
    return fixture
  }

  // MARK: With and without

  @Test(
    "A machine with the filter and one without it can't be told apart, nor can their clocks",
    arguments: 1...3 as ClosedRange<UInt64>, TimingLevel.allCases)
  func withAndWithout(seed: UInt64, timing: TimingLevel) throws {
    for mode in PagingOracle.Mode.allCases {
      // The second machine is set up by the same stream from its beginning.
      var stream = PagingStream(mode, seed: seed &* 7919)
      var twin = stream
      let with = try PagingRace(&stream, timing: timing)
      let without = try PagingRace(&twin, timing: timing)
      for step in 0..<40_000 {
        let operation = stream.next()
        without.fixture.mmu.filter.dropAll()
        let results = (with.perform(operation), without.perform(operation))
        guard results.0 == results.1 else {
          Issue.record("\(mode), seed \(seed), step \(step), \(operation): \(results.0) and \(results.1)")
          return
        }
        if step % 500 == 499, let difference = Self.difference(with.fixture, without.fixture) {
          Issue.record("\(mode), seed \(seed), before step \(step + 1): \(difference)")
          return
        }
      }
      #expect(with.machineMemory() == without.machineMemory())
    }
  }

  private static func difference(_ a: PagingFixture, _ b: PagingFixture) -> String? {
    if a.machine.counters.paging != b.machine.counters.paging { return "the counters differ" }
    if a.machine.cycle != b.machine.cycle {
      return "the clocks say \(a.machine.cycle) and \(b.machine.cycle)"
    }
    for name in TLBArrayName.allCases {
      let lines = (a.machine.tlb(name), b.machine.tlb(name))
      let same = lines.0.elementsEqual(lines.1) {
        $0.set == $1.set && $0.way == $1.way && $0.rank == $1.rank && $0.entry.page == $1.entry.page
          && $0.entry.translation == $1.entry.translation
      }
      if !same { return "\(name.rawValue) differs" }
    }
    return nil
  }

  // MARK: What it may answer

  @Test("It answers neither before a first access nor for bytes beyond its page")
  func reach() throws {
    let fixture = try makeFixture()
    let filter = { (linear: UInt32, bytes: UInt32, writing: Bool) in
      fixture.mmu.filter.hit(linear, bytes: bytes, writing: writing) != nil
    }
    #expect(!filter(0x5000, 1, false))
    #expect(fixture.load(0x5000) == .value(0))
    for bytes in [1, 2, 4, 8] as [UInt32] {
      for offset in 0xff0...0xfff as ClosedRange<UInt32> {
        #expect(filter(0x5000 + offset, bytes, false) == (offset + bytes <= 0x1000))
      }
      #expect(
        !filter(0x4fff, bytes, false) && !filter(0x6000, bytes, false) && !filter(0x4_5000, bytes, false))
    }
    #expect(!filter(0xffff_ffff, 2, false))
  }

  @Test("A write passes only where D is set and the page writable in this ring under this WP")
  func writes() throws {
    let fixture = try makeFixture()
    for (flags, allowed) in [(0x67, true), (0x27, true), (0x65, false), (0x25, false)] as [(UInt64, Bool)] {
      fixture.map(5, to: Self.frame | flags)
      fixture.machine.invalidatePage(LinearAddress(0x5000))
      #expect(fixture.load(0x5000) == .value(0))
      let passes = fixture.mmu.filter.hit(0x5000, bytes: 4, writing: true) != nil
      #expect(passes == (flags == 0x67))
      #expect((fixture.store(0x5000, 0) == .done) == allowed)
      #expect((fixture.mmu.filter.hit(0x5000, bytes: 4, writing: true) != nil) == allowed)
    }
  }

  // MARK: Code

  /// MOV EAX, imm32; HLT.
  private func writeCode(_ fixture: PagingFixture, at address: UInt64, _ value: UInt32) {
    fixture.poke8(address, 0xb8)
    fixture.poke32(address + 1, value)
    fixture.poke8(address + 5, 0xf4)
  }

  private func run(_ fixture: PagingFixture, at address: UInt32) -> UInt32 {
    fixture.machine.cpu.state.pointee.eip = address
    fixture.machine.cpu.state.pointee.isHalted = false
    #expect(fixture.machine.run(untilCycle: fixture.machine.cycle + 1000) == .halted)
    return fixture.machine.registers[.eax]
  }

  @Test("A store to a page with decoded code, under any of its names, changes what runs")
  func code() throws {
    let fixture = try makeFixture()
    // Two more names for the page: a small one, and a piece of a large one.
    fixture.map(9, to: Self.frame | 0x67)
    fixture.poke64(PagingFixture.directory + 8, Self.frame | 0xe7)
    fixture.machine.invalidatePage(LinearAddress(0x9000))
    writeCode(fixture, at: Self.frame + 0x100, 1)
    let names: [UInt32] = [0x5000, 0x9000, 0x20_0000]
    for name in names {
      #expect(fixture.store(name + 0xff8, 0) == .done)
      #expect(fixture.mmu.filter.hit(name, bytes: 4, writing: true) != nil)
    }
    try fixture.enterFlatCode(at: 0x5100)
    // Leaving paging has emptied the filter: fill it again before the code is decoded.
    for name in names { #expect(fixture.store(name + 0xff8, 0) == .done) }
    #expect(run(fixture, at: 0x5100) == 1)
    for (index, name) in names.enumerated() {
      #expect(fixture.mmu.filter.hit(name, bytes: 4, writing: true) == nil, "writes must be noticed now")
      #expect(fixture.mmu.filter.hit(name, bytes: 4, writing: false) != nil, "reads need not be")
      let value = UInt32(index) + 10
      #expect(fixture.store(name + 0x101, value) == .done)
      #expect(run(fixture, at: 0x5100) == value)
      #expect(fixture.store(name + 0xff8, 0) == .done, "elsewhere in the page")
      #expect(run(fixture, at: 0x5100) == value)
      // Byte by byte, unaligned, and through an access that crosses into the page.
      for byte in 0..<4 as Range<UInt32> {
        #expect(fixture.store(name + 0x101 + byte, bytes: 1, UInt64(byte) + 1) == .done)
        #expect(run(fixture, at: 0x5100) & 0xff << (8 * byte) == (byte + 1) << (8 * byte))
      }
    }
    // The code page's first byte, reached by a store that begins in the page before it.
    fixture.map(4, to: 0x41_0000 | 0x67)
    writeCode(fixture, at: Self.frame, 0x55)
    #expect(run(fixture, at: 0x5000) == 0x55)
    #expect(fixture.store(0x4ffe, bytes: 8, 0xf400_0000_77b8_0000) == .done)
    #expect(run(fixture, at: 0x5000) == 0x77)
  }

  @Test("A walk that sets A and D in a page with decoded code changes what runs")
  func walkerWritesCode() throws {
    // The HLT behind the immediate is bits 39-32 of the entry: the width has room for them, and nobody answers there.
    let fixture = try PagingFixture(addressWidth: 52)
    try fixture.startPAE()
    // Code in the page table's page, where page 0x20's entry is the code's immediate: bits 5 and 6 start
    // clear.
    fixture.map(8, to: PagingFixture.table | 0x67)
    let entry = PagingFixture.table + 0x20 * 8
    fixture.poke64(entry, Self.frame | 7)
    // MOV EAX, [entry as immediate]: the opcode is the byte before the entry.
    fixture.poke8(entry - 1, 0xb8)
    fixture.poke8(entry + 4, 0xf4)
    try fixture.enterFlatCode(at: 0x80ff)
    #expect(run(fixture, at: 0x80ff) == UInt32(Self.frame | 7))
    #expect(fixture.load(0x2_0000, bytes: 1) == .value(0xff))
    #expect(run(fixture, at: 0x80ff) == UInt32(Self.frame | 0x27))
    #expect(fixture.store(0x2_0000, bytes: 1, 0) == .done)
    #expect(run(fixture, at: 0x80ff) == UInt32(Self.frame | 0x67))
  }

  // MARK: Devices, ROM, A20

  @Test("Pages of devices, of ROM and of nobody are never in it")
  func notMemory() throws {
    let fixture = try PagingFixture(rom: [UInt8](repeating: 0x5a, count: 1 << 16))
    let device = DemonstrationDevice.addressBelow4GiB
    fixture.map(5, to: device | 0x67)
    fixture.map(6, to: 0xffff_0000 | 0x67)
    fixture.map(7, to: 0xc000_0000 | 0x67)
    try fixture.startPAE()
    for round in 0..<5 as Range<UInt64> {
      // COUNTER: each read is one more.
      #expect(fixture.load(0x500c) == .value(round))
      #expect(fixture.load(0x6000) == .value(0x5a5a_5a5a))
      #expect(fixture.store(0x6000, 0) == .done)
      #expect(fixture.load(0x7000) == .value(0xffff_ffff))
      #expect(fixture.store(0x7000, 0) == .done)
      for page in [0x5000, 0x6000, 0x7000] as [UInt32] {
        #expect(fixture.mmu.filter.hit(page, bytes: 1, writing: false) == nil)
        #expect(fixture.mmu.filter.hit(page, bytes: 1, writing: true) == nil)
      }
    }
    // The first touch of each page was the miss.
    #expect(fixture.machine.counters.paging.dataMisses == 3)
    #expect(fixture.machine.counters.paging.data4KHits == 22)
    #expect(fixture.machine.counters.bus.mmioReads == 5)
  }

  @Test("The A20 gate works at once on pages that it knows", arguments: [false, true])
  func a20(paging: Bool) throws {
    let fixture = try PagingFixture()
    let bus = fixture.machine.bus
    let odd: UInt32 = paging ? 0x5678 : 0x50_0678
    fixture.map(5, to: 0x50_0000 | 0x67)
    fixture.poke32(0x50_0678, 0x1111)
    fixture.poke32(0x40_0678, 0x2222)
    // The page tables lie at even megabytes.
    if paging { try fixture.startPAE() }
    for _ in 0..<3 {
      #expect(fixture.load(odd) == .value(0x1111) && fixture.load(odd) == .value(0x1111))
      bus.writePort(0x64, width: .byte, value: 0xd1)
      bus.writePort(0x60, width: .byte, value: 0xdd)
      #expect(fixture.load(odd) == .value(0x2222) && fixture.load(odd) == .value(0x2222))
      #expect(fixture.store(odd, 0x2222) == .done)
      bus.writePort(0x64, width: .byte, value: 0xd1)
      bus.writePort(0x60, width: .byte, value: 0xdf)
    }
    #expect(fixture.peek32(0x50_0678) == 0x1111 && fixture.peek32(0x40_0678) == 0x2222)
  }

  @Test("With paging off it knows addresses only until paging is on, and the other way round")
  func pagingSwitch() throws {
    let fixture = try makeFixture()
    try fixture.machine.moveToCR0(.protectionEnable)
    fixture.poke32(0x5000, 0x1111)
    fixture.poke32(Self.frame, 0x2222)
    for _ in 0..<3 {
      for _ in 0..<2 { #expect(fixture.load(0x5000) == .value(0x1111)) }
      try fixture.machine.moveToCR0([.protectionEnable, .paging])
      for _ in 0..<2 { #expect(fixture.load(0x5000) == .value(0x2222)) }
      try fixture.machine.moveToCR0(.protectionEnable)
    }
  }
}
