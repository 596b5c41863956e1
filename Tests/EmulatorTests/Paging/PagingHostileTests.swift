import IA32
import TestSupport
import Testing

@testable import Emulator

/// Paging structures where no sane guest puts them. Nothing here may trap the host; what the accesses come to
/// follows from what the bus answers, as for any entry.
@Suite("PagingHostile")
struct PagingHostileTests {
  private static let nobody: UInt64 = 0xc000_0000
  private static let device = DemonstrationDevice.addressBelow4GiB

  @Test("CR3 where nobody answers: PAE loads entries of all ones, whose reserved bits are #GP")
  func paeNobody() throws {
    let fixture = try PagingFixture()
    try fixture.startPAE()
    for address in [Self.nobody, 0xffff_ffe0, 0xa_0000, 64 << 20] {
      #expect(fixture.moveToCR3(address) == .generalProtection)
    }
    #expect(fixture.machine.registers.cr3 == UInt32(PagingFixture.pointerTable))
  }

  @Test(
    "A directory where nobody answers: PAE entries of all ones have reserved bits", arguments: [36, 40, 52])
  func paeDirectoryNobody(addressWidth: Int) throws {
    let fixture = try PagingFixture(addressWidth: addressWidth)
    let top = (UInt64(1) << UInt64(addressWidth)) - 4096
    try fixture.machine.writeEFER(EFER.noExecuteEnable)
    for directory in [Self.nobody, top, 0xa_0000] {
      fixture.poke64(PagingFixture.pointerTable, directory | 1)
      try fixture.startPaging(.init(mode: .pae, noExecuteEnable: true), cr3: PagingFixture.pointerTable)
      let bits: PageFaultErrorCode = [.present, .reservedBit]
      #expect(fixture.load(0x12_3456) == .pageFault(bits, 0x12_3456))
      #expect(fixture.store(0x12_3456, user: true) == .pageFault(bits.union([.write, .user]), 0x12_3456))
      #expect(fixture.fetch(0x12_3456) == .pageFault(bits.union(.instructionFetch), 0x12_3456))
    }
    // A page table there.
    try fixture.startPAE()
    for table in [Self.nobody, top] {
      fixture.poke64(PagingFixture.directory, table | 7)
      #expect(fixture.load(0x5000) == .pageFault([.present, .reservedBit], 0x5000))
    }
    #expect(TLBArrayName.allCases.map { fixture.pages($0).count } == [0, 0, 0, 0])
  }

  @Test("32-bit paging takes entries of all ones for a reserved bit under PSE, and for a table without it")
  func bits32Nobody() throws {
    let fixture = try PagingFixture()
    try fixture.startPaging(.init(mode: .bits32, pageSizeExtensions: true), cr3: Self.nobody)
    #expect(fixture.load(0x5678) == .pageFault([.present, .reservedBit], 0x5678))
    // Without PSE nothing is reserved: all ones lead to a table at FFFFF000h, where nobody answers either,
    // and that maps every page to FFFFF000h, writable for everybody.
    try fixture.startPaging(.init(mode: .bits32, writeProtect: true), cr3: Self.nobody)
    #expect(fixture.fetch(0x5678) == .value(0xffff_f678))
    #expect(fixture.load(0x5678, user: true) == .value(0xffff_ffff))
    #expect(fixture.store(0x5678, 0, user: true) == .done)
    let counters = fixture.machine.counters.paging
    #expect(counters.walkReferences == 1 + 2 + 2 && counters.accessedDirtyUpdates == 0)
  }

  @Test("Structures in ROM: A and D can't be set, and the translation stands")
  func tablesInROM() throws {
    var rom = [UInt8](repeating: 0, count: 1 << 16)
    // The page directory at FFFF0000h: entry 0 maps the 4 MiB from 4 MiB on, without A and D.
    rom[0] = 0x83
    rom[2] = 0x40
    let fixture = try PagingFixture(rom: rom)
    fixture.poke32(0x40_0010, 0x77)
    try fixture.startPaging(.init(mode: .bits32, pageSizeExtensions: true), cr3: 0xffff_0000)
    for _ in 0..<2 {
      #expect(fixture.load(0x10) == .value(0x77) && fixture.store(0x10, 0x77) == .done)
    }
    #expect(fixture.machine.bus.read(0xffff_0000, width: .doubleword) == 0x40_0083)
    #expect(fixture.load(0x40_0000) == .pageFault([], 0x40_0000))
  }

  @Test("Structures in a device's registers are read and written as registers")
  func tablesInDevice() throws {
    let fixture = try PagingFixture()
    let bus = fixture.machine.bus
    // SCRATCH at 8 and COUNTER at 0Ch: the PDE of 2 MiB to 4 MiB, whose upper half counts its reads.
    bus.write(Self.device + 8, width: .doubleword, value: 0x40_0087)
    bus.write(Self.device + 0xc, width: .doubleword, value: 0)
    fixture.poke32(0x40_0000, 0x77)
    fixture.poke64(PagingFixture.pointerTable, Self.device | 1)
    try fixture.startPaging(.init(mode: .pae, writeProtect: true), cr3: PagingFixture.pointerTable)
    #expect(fixture.load(0x20_0000) == .value(0x77))
    // A went there by a read and a write of 8 bytes: the upper half is what the second read gave.
    #expect(bus.read(Self.device + 8, width: .doubleword) == 0x40_00a7)
    #expect(bus.read(Self.device + 0xc, width: .doubleword) == 1)
    // The ID register makes no present entry; LAST makes anything, and no harm.
    #expect(fixture.load(0) == .pageFault([], 0))
    for index in 0..<512 as Range<UInt32> {
      switch fixture.load(index << 21) {
      case .value: break
      case .fault(let fault): #expect(fault.vector == .pageFault && fault.linear == index << 21)
      }
    }
    // CR3 there: entry 0 is ID and VERSION, not present; entry 1 has bits 1 and 2, reserved.
    bus.write(Self.device + 8, width: .doubleword, value: 7)
    #expect(fixture.moveToCR3(Self.device) == .generalProtection)
  }

  /// Every entry random, structures and pages anywhere: RAM, holes, devices, ROM, beyond the address width.
  @Test("Random structures anywhere", arguments: PagingOracle.Mode.allCases, 1...4 as ClosedRange<UInt64>)
  func randomStructures(mode: PagingOracle.Mode, seed: UInt64) throws {
    let fixture = try PagingFixture(
      memoryBytes: 5 << 30, rom: [UInt8](repeating: 0xf7, count: 1 << 16))
    var random = SeededGenerator(seed: seed)
    func address() -> UInt64 {
      switch random.number(below: 16) {
      case 0: Self.nobody + random.number(below: 1 << 18) << 12
      case 1: Self.device
      case 2: 0xffff_0000
      case 3: 0xf_ffff_f000
      case 4: random.next() & 0xf_ffff_f000
      case 5: 0x1_0000_0000 + random.number(below: 1 << 18) << 12
      default: 0x20_0000 + random.number(below: 32) << 12
      }
    }
    var registers = PagingOracle.Registers.all(mode).shuffled(using: &random)
    var translated = 0
    var faulted = 0
    /// An entry, two in 32-bit paging; most are present and have no reserved bits.
    func pokeEntry(_ place: UInt64) {
      let flags = random.next() & (random.oneIn(8) ? .max : 0x67) | (random.oneIn(10) ? 0 : 7)
      fixture.poke64(place, mode == .pae ? address() | flags : address() | flags | (address() | 7) << 32)
    }
    for place in 0..<(32 * 512) as Range<UInt64> { pokeEntry(0x20_0000 + place * 8) }
    for round in 0..<3000 {
      for _ in 0..<8 { pokeEntry(0x20_0000 + random.number(below: 32 * 512) * 8) }
      if round % 200 == 0 {
        // The PDPTEs must be valid for paging to start; afterwards they may be what they are.
        for index in 0..<4 as Range<UInt64> { fixture.poke64(0x20_0000 + index * 8, address() | 1) }
        try fixture.startPaging(registers.removeLast(), cr3: 0x20_0000)
      }
      if random.oneIn(20) { _ = fixture.moveToCR3(address() | random.number(below: 4096)) }
      // Now and then back to entries that make sense.
      if random.oneIn(20) {
        for index in 0..<4 as Range<UInt64> { fixture.poke64(0x20_0000 + index * 8, address() | 1) }
        _ = fixture.moveToCR3(0x20_0000)
      }
      let linear = UInt32(truncatingIfNeeded: random.next())
      let bytes = 1 << Int(random.number(below: 4))
      let user = random.oneIn(2)
      for outcome in [
        fixture.load(linear, bytes: bytes, user: user),
        fixture.store(linear, bytes: bytes, random.next(), user: user), fixture.fetch(linear, user: user),
      ] {
        switch outcome {
        case .value: translated += 1
        case .fault(let fault):
          faulted += 1
          let distance = fault.linear &- linear
          #expect(fault.vector == .pageFault && distance < 8, "seed \(seed), round \(round)")
          #expect(fault.errorCode & ~0x1f == 0)
        }
      }
    }
    #expect(translated > 100 && faulted > 100, "seed \(seed): \(translated) translated, \(faulted) faulted")
  }
}
