import IA32
import Testing

@testable import Emulator

/// Moves to CR0, CR3, CR4 and EFER: what they do to translations and to the PDPTE registers. SDM vol. 3A,
/// 4.4.1, 4.10.4.
@Suite("PagingRegisters")
struct PagingRegisterTests {
  private static let paging: CR0 = [.protectionEnable, .paging, .writeProtect]
  private static let pae: CR4 = .physicalAddressExtension
  private static let frame: UInt64 = 0x40_0000

  /// Page 5 and, global, page 6 of small pages, and the large pages at 2 MiB and, global, 4 MiB: all four
  /// held as data and all but two as code.
  private func makeFixture(globalPages: Bool = true) throws -> PagingFixture {
    let fixture = try PagingFixture()
    fixture.map(5, to: Self.frame | 0x67)
    fixture.map(6, to: Self.frame | 0x167)
    fixture.poke64(PagingFixture.directory + 8, Self.frame | 0xe7)
    fixture.poke64(PagingFixture.directory + 16, Self.frame | 0x1e7)
    try fixture.startPAE(globalPages: globalPages)
    touch(fixture)
    return fixture
  }

  private func touch(_ fixture: PagingFixture) {
    for linear in [0x5000, 0x6000, 0x20_0000, 0x40_0000] as [UInt32] {
      #expect(fixture.load(linear) == .value(0) && fixture.fetch(linear) == .value(Self.frame))
    }
  }

  private func held(_ fixture: PagingFixture) -> [[UInt32]] {
    TLBArrayName.allCases.map { fixture.pages($0) }
  }
  private let everything: [[UInt32]] = [[5, 6], [1, 2], [5, 6], [1, 2]]
  private let globals: [[UInt32]] = [[6], [2], [6], [2]]
  private let nothing: [[UInt32]] = [[], [], [], []]

  @Test("A load of CR3 removes all but global entries")
  func cr3() throws {
    let fixture = try makeFixture()
    #expect(held(fixture) == everything)
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    #expect(held(fixture) == globals)
    let counters = fixture.machine.counters.paging
    touch(fixture)
    #expect(fixture.machine.counters.paging.walks == counters.walks + 4)
    #expect(counters.cr3Loads == 2)
  }

  @Test("Without CR4.PGE, G means nothing")
  func cr3WithoutGlobalPages() throws {
    let fixture = try makeFixture(globalPages: false)
    #expect(held(fixture) == everything)
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    #expect(held(fixture) == nothing)
  }

  @Test("A change of PGE, PSE or PAE removes everything")
  func cr4() throws {
    let fixture = try makeFixture()
    let all: CR4 = [.physicalAddressExtension, .pageGlobalEnable]
    for value in [Self.pae, all, all.union(.pageSizeExtensions), all] {
      #expect(fixture.moveToCR4(value) == .done)
      #expect(held(fixture) == nothing, "CR4 = \(value)")
      touch(fixture)
      #expect(held(fixture) == everything)
    }
    #expect(fixture.moveToCR4(.pageGlobalEnable) == .done)
    #expect(held(fixture) == nothing)
    #expect(fixture.moveToCR4(all) == .done)
    touch(fixture)
  }

  @Test("The other bits of CR0, CR4 and EFER remove nothing")
  func nothingRemoved() throws {
    let fixture = try makeFixture()
    let all: CR4 = [.physicalAddressExtension, .pageGlobalEnable]
    for bit in [.timeStampDisable, .debuggingExtensions, .performanceCounterEnable] as [CR4] {
      #expect(fixture.moveToCR4(all.union(bit)) == .done && fixture.moveToCR4(all) == .done)
    }
    for bits in [
      .taskSwitched, .monitorCoprocessor, .emulation, .alignmentMask, .numericError, .cacheDisable,
      [.cacheDisable, .notWriteThrough],
    ] as [CR0] {
      #expect(fixture.moveToCR0(Self.paging.union(bits)) == .done && fixture.moveToCR0(Self.paging) == .done)
    }
    #expect(fixture.moveToCR0(Self.paging.subtracting(.writeProtect)) == .done)
    #expect(fixture.moveToCR0(Self.paging) == .done)
    #expect(fixture.moveToCR4(all) == .done, "a write that changes nothing")
    try fixture.machine.writeEFER(EFER.noExecuteEnable)
    try fixture.machine.writeEFER(0)
    #expect(held(fixture) == everything)
  }

  @Test("CR0.PG from 1 to 0 removes everything, also together with PE")
  func pagingOff() throws {
    for target in [.protectionEnable, []] as [CR0] {
      let fixture = try makeFixture()
      #expect(fixture.moveToCR0(target) == .done)
      #expect(held(fixture) == nothing)
      fixture.poke32(0x5000, 0x77)
      #expect(fixture.load(0x5000) == .value(0x77), "linear is physical now")
      #expect(fixture.moveToCR0(Self.paging) == .done)
      touch(fixture)
    }
  }

  @Test("CR0.WP and the ring count at the access, whatever the TLB and the filter hold")
  func writeProtectAtOnce() throws {
    let fixture = try makeFixture()
    fixture.map(7, to: Self.frame | 0x65)
    #expect(fixture.moveToCR0(Self.paging.subtracting(.writeProtect)) == .done)
    for _ in 0..<2 { #expect(fixture.store(0x7000) == .done) }
    #expect(fixture.moveToCR0(Self.paging) == .done)
    #expect(fixture.store(0x7000) == .pageFault([.present, .write], 0x7000))
    #expect(fixture.load(0x7000) == .value(0))
    #expect(fixture.moveToCR0(Self.paging.subtracting(.writeProtect)) == .done)
    for _ in 0..<2 { #expect(fixture.store(0x7000) == .done) }
    fixture.machine.cpu.setPrivilegeLevel(3)
    #expect(fixture.store(0x7000, user: true) == .pageFault([.present, .write, .user], 0x7000))
    #expect(fixture.load(0x7000, user: true) == .value(0))
  }

  // MARK: PDPTE registers

  @Test("An edit of the table has no effect until CR3 is loaded, INVLPG or not")
  func staleDirectoryPointer() throws {
    let fixture = try makeFixture()
    let other: UInt64 = 0x20_8000
    fixture.poke32(0x60_0000, 0x6666)
    fixture.poke64(other + 8, 0x60_00e7)
    fixture.poke64(PagingFixture.pointerTable, other | 1)
    for _ in 0..<2 {
      fixture.machine.invalidatePage(LinearAddress(0x20_0000))
      #expect(fixture.load(0x20_0000) == .value(0))
    }
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    #expect(fixture.load(0x20_0000) == .value(0x6666))
    fixture.poke64(PagingFixture.pointerTable, 0)
    fixture.machine.invalidatePage(LinearAddress(0x20_0000))
    #expect(fixture.load(0x20_0000) == .value(0x6666))
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    let user = fixture.store(0x20_0000, user: true)
    #expect(user == .pageFault([.write, .user], 0x20_0000), "P is 0 in the register: not present")
    fixture.poke64(PagingFixture.pointerTable, other | 1)
    #expect(fixture.load(0x20_0000) == .pageFault([], 0x20_0000), "and stays so")
  }

  @Test("They have no accessed bit")
  func noAccessedBit() throws {
    let fixture = try makeFixture()
    #expect(fixture.peek64(PagingFixture.pointerTable) == PagingFixture.directory | 1)
    #expect(fixture.machine.registers.pdpte[0] == PagingFixture.directory | 1)
  }

  @Test("Each register has its own GiB")
  func fourRegisters() throws {
    let fixture = try makeFixture()
    for index in 0..<4 as Range<UInt64> {
      let directory = 0x21_0000 + index * 4096
      fixture.poke64(PagingFixture.pointerTable + index * 8, directory | 1)
      fixture.poke64(directory, (2 + index) << 21 | 0x83)
      fixture.poke32((2 + index) << 21 | 0x1234, UInt32(index) + 77)
    }
    #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
    for index in 0..<4 as Range<UInt32> {
      #expect(fixture.load(index << 30 | 0x1234) == .value(UInt64(index) + 77))
    }
  }

  @Test("A change of CD, NW, PG, PAE, PGE or PSE loads them; other moves to CR0 and CR4 don't")
  func whoLoads() throws {
    let fixture = try makeFixture()
    let all: CR4 = [.physicalAddressExtension, .pageGlobalEnable]
    var tag: UInt64 = 0
    /// Whether the move takes over an edit of the table: its ignored bits 9-11 tell.
    func loads(_ move: () -> PagingOutcome) -> Bool {
      tag = (tag + 1) % 8
      let old = fixture.machine.registers.pdpte[0]
      fixture.poke64(PagingFixture.pointerTable, PagingFixture.directory | 1 | tag << 9)
      #expect(move() == .done)
      let new = fixture.machine.registers.pdpte[0]
      #expect(new == old || new == PagingFixture.directory | 1 | tag << 9)
      return new != old
    }
    let caching: [CR0] = [.cacheDisable, [.cacheDisable, .notWriteThrough], .cacheDisable, []]
    for bits in caching { #expect(loads { fixture.moveToCR0(Self.paging.union(bits)) }, "CR0 + \(bits)") }
    let others: [CR0] = [.taskSwitched, .monitorCoprocessor, .emulation, .alignmentMask, .numericError, []]
    for bits in others { #expect(!loads { fixture.moveToCR0(Self.paging.union(bits)) }, "CR0 + \(bits)") }
    #expect(!loads { fixture.moveToCR0(Self.paging.subtracting(.writeProtect)) })
    #expect(!loads { fixture.moveToCR0(Self.paging) })
    #expect(loads { fixture.moveToCR4(Self.pae) })
    #expect(loads { fixture.moveToCR4(all) })
    #expect(loads { fixture.moveToCR4(all.union(.pageSizeExtensions)) })
    #expect(loads { fixture.moveToCR4(all) })
    for bits in [.timeStampDisable, .debuggingExtensions, .performanceCounterEnable, []] as [CR4] {
      #expect(!loads { fixture.moveToCR4(all.union(bits)) }, "CR4 + \(bits)")
    }
    #expect(!loads { fixture.moveToCR4(.pageGlobalEnable) }, "PAE paging is off afterwards")
    #expect(loads { fixture.moveToCR4(all) })
    #expect(!loads { fixture.moveToCR0(.protectionEnable) }, "paging is off afterwards")
    #expect(!loads { fixture.moveToCR3(PagingFixture.pointerTable) }, "paging is off")
    #expect(loads { fixture.moveToCR0(Self.paging) })
    #expect(loads { fixture.moveToCR3(PagingFixture.pointerTable) })
  }

  @Test("Every bit of every entry: reserved ones raise #GP(0) and load nothing", arguments: [36, 40, 52])
  func reservedBits(addressWidth: Int) throws {
    let fixture = try PagingFixture(addressWidth: addressWidth)
    fixture.poke64(PagingFixture.directory + 8, Self.frame | 0xe7)
    try fixture.startPAE()
    let good = fixture.machine.registers
    let table = PagingFixture.pointerTable + 0x40
    for index in 0..<4 as Range<UInt64> {
      for bit in 1..<64 as Range<UInt64> {
        for present in 0..<2 as Range<UInt64> {
          for entry in 0..<4 as Range<UInt64> {
            fixture.poke64(table + entry * 8, PagingFixture.directory | 1)
          }
          fixture.poke64(table + index * 8, 1 << bit | present)
          let isReserved = bit < 3 || (5...8).contains(bit) || bit >= UInt64(addressWidth)
          #expect(fixture.load(0x20_0000) == .value(0))
          let outcome = fixture.moveToCR3(table)
          if present == 1 && isReserved {
            #expect(outcome == .generalProtection, "entry \(index), bit \(bit)")
            let now = fixture.machine.registers
            #expect(now.pdpte == good.pdpte && now.cr3 == good.cr3, "entry \(index), bit \(bit)")
            #expect(fixture.pages(.dataLarge) == [1], "nothing was removed either")
          } else {
            #expect(outcome == .done, "entry \(index), bit \(bit), P \(present)")
            #expect(fixture.machine.registers.pdpte[Int(index)] == 1 << bit | present)
            #expect(fixture.pages(.dataLarge).isEmpty)
            #expect(fixture.moveToCR3(PagingFixture.pointerTable) == .done)
          }
        }
      }
    }
  }

  @Test("#GP from the loads of MOV to CR0 and CR4 changes nothing")
  func reservedBitsInOtherMoves() throws {
    let fixture = try makeFixture()
    let before = fixture.machine.registers
    fixture.poke64(PagingFixture.pointerTable + 24, 0x21)
    let all: CR4 = [.physicalAddressExtension, .pageGlobalEnable]
    #expect(fixture.moveToCR4(all.union(.pageSizeExtensions)) == .generalProtection)
    #expect(fixture.moveToCR4(Self.pae) == .generalProtection)
    #expect(fixture.moveToCR0(Self.paging.union(.cacheDisable)) == .generalProtection)
    #expect(fixture.machine.registers == before && held(fixture) == everything)
    // These load nothing, so they work.
    #expect(fixture.moveToCR4(all.union(.timeStampDisable)) == .done)
    #expect(fixture.moveToCR0(Self.paging.union(.taskSwitched)) == .done)
    #expect(fixture.moveToCR0(.protectionEnable) == .done)
    #expect(fixture.moveToCR0(Self.paging) == .generalProtection)
    #expect(fixture.machine.registers.cr0 & CR0.paging.rawValue == 0)
  }
}
