import IA32
import TestSupport
import Testing

@testable import Emulator

/// What removes translations and what leaves them. SDM vol. 3A, 4.10.4.
@Suite("PagingInvalidation")
struct PagingInvalidationTests {
  // Physical pages, each with its own mark.
  static let first: UInt64 = 0x40_0000
  static let second: UInt64 = 0x40_1000
  static let mark1 = PagingOutcome.value(0x1111)
  static let mark2 = PagingOutcome.value(0x2222)
  private static let dataArrays: [TLBArrayName] = [.data4K, .dataLarge]

  /// PAE with page 5 at `first` (present, writable, user, A and D set) and page 6 at `second`, global.
  private func makeFixture(globalPages: Bool = true, noExecute: Bool = false) throws -> PagingFixture {
    let fixture = try PagingFixture()
    fixture.poke32(Self.first, 0x1111)
    fixture.poke32(Self.second, 0x2222)
    fixture.map(5, to: Self.first | 0x67)
    fixture.map(6, to: Self.second | 0x167)
    try fixture.startPAE(globalPages: globalPages, noExecute: noExecute)
    return fixture
  }

  /// Brings pages 5 and 6 into both sides' arrays.
  private func touchBoth(_ fixture: PagingFixture) {
    #expect(fixture.load(0x5000) == Self.mark1 && fixture.load(0x6000) == Self.mark2)
    #expect(fixture.fetch(0x5000) == .value(Self.first) && fixture.fetch(0x6000) == .value(Self.second))
    #expect(fixture.pages(.data4K) == [5, 6] && fixture.pages(.instruction4K) == [5, 6])
  }

  // MARK: What the TLB may hold

  @Test("An entry holds the rights of all levels together and the leaf's D and G")
  func contents() throws {
    let fixture = try makeFixture()
    for pde in [1, 3, 5, 7] as [UInt64] {
      for pte in [1, 3, 5, 7] as [UInt64] {
        fixture.poke64(PagingFixture.directory, PagingFixture.table | pde)
        fixture.map(7, to: Self.first | pte)
        fixture.machine.invalidatePage(LinearAddress(0x7000))
        #expect(fixture.load(0x7000) == Self.mark1)
        let entry = try #require(fixture.machine.tlb(.data4K).first).entry
        #expect(entry.translation.isWritable == (pde & pte & 2 != 0))
        #expect(entry.translation.isUser == (pde & pte & 4 != 0))
        #expect(!entry.translation.isDirty && !entry.translation.isGlobal)
        #expect(fixture.peek64(PagingFixture.table + 7 * 8) == Self.first | pte | 0x20, "A is set first")
      }
    }
  }

  @Test("Nothing not present is ever held: P from 0 to 1 needs no invalidation")
  func presentNeedsNothing() throws {
    let fixture = try makeFixture()
    fixture.map(7, to: Self.first | 6)
    for _ in 0..<2 { #expect(fixture.load(0x7000) == .pageFault([], 0x7000)) }
    fixture.map(7, to: Self.first | 7)
    #expect(fixture.load(0x7000) == Self.mark1)
    // The PDE's P as well.
    #expect(fixture.load(0x20_0000) == .pageFault([], 0x20_0000))
    fixture.poke64(PagingFixture.directory + 8, PagingFixture.table | 7)
    #expect(fixture.load(0x20_5000) == Self.mark1)
  }

  @Test("A reserved bit taken away needs no invalidation, one added does")
  func reservedBits() throws {
    let fixture = try makeFixture()
    fixture.map(7, to: Self.first | 7 | 1 << 36)
    #expect(fixture.load(0x7000) == .pageFault([.present, .reservedBit], 0x7000))
    fixture.map(7, to: Self.first | 7)
    #expect(fixture.load(0x7000) == Self.mark1)
    fixture.map(7, to: Self.first | 7 | 1 << 36)
    #expect(fixture.load(0x7000) == Self.mark1)
    fixture.machine.invalidatePage(LinearAddress(0x7fff))
    #expect(fixture.load(0x7000) == .pageFault([.present, .reservedBit], 0x7000))
  }

  @Test("A from 0 to 1 needs no invalidation; A cleared under a held entry stays clear")
  func accessed() throws {
    let fixture = try makeFixture()
    touchBoth(fixture)
    fixture.map(5, to: Self.first | 7)
    #expect(fixture.load(0x5000) == Self.mark1)
    #expect(fixture.peek64(PagingFixture.table + 5 * 8) == Self.first | 7)
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    #expect(fixture.load(0x5000) == Self.mark1)
    #expect(fixture.peek64(PagingFixture.table + 5 * 8) == Self.first | 0x27)
  }

  @Test("D is set by the first write, and not again while an entry with D is held")
  func dirty() throws {
    let fixture = try makeFixture()
    fixture.map(7, to: Self.first | 7)
    let entry = PagingFixture.table + 7 * 8
    #expect(fixture.load(0x7000) == Self.mark1 && fixture.peek64(entry) & 0x60 == 0x20)
    #expect(fixture.store(0x7000, 0x1111) == .done && fixture.peek64(entry) & 0x60 == 0x60)
    fixture.map(7, to: Self.first | 0x27)
    #expect(fixture.store(0x7000, 0x1111) == .done && fixture.peek64(entry) & 0x60 == 0x20)
    fixture.machine.invalidatePage(LinearAddress(0x7000))
    #expect(fixture.store(0x7000, 0x1111) == .done && fixture.peek64(entry) & 0x60 == 0x60)
  }

  // MARK: Staleness

  @Test("A moved frame and a cleared P are not seen until INVLPG")
  func staleFrame() throws {
    let fixture = try makeFixture()
    touchBoth(fixture)
    fixture.map(5, to: Self.second | 0x67)
    fixture.map(6, to: 0)
    #expect(fixture.load(0x5000) == Self.mark1 && fixture.load(0x6000) == Self.mark2)
    #expect(fixture.fetch(0x5000) == .value(Self.first) && fixture.fetch(0x6000) == .value(Self.second))
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    fixture.machine.invalidatePage(LinearAddress(0x6000))
    #expect(fixture.load(0x5000) == Self.mark2 && fixture.fetch(0x5000) == .value(Self.second))
    #expect(fixture.load(0x6000) == .pageFault([], 0x6000) && fixture.fetch(0x6000) == .pageFault([], 0x6000))
  }

  @Test("A right taken away, at either level, is still there until INVLPG", arguments: [0, 1])
  func staleRights(level: Int) throws {
    let fixture = try makeFixture()
    func set(_ flags: UInt64) {
      if level == 0 {
        fixture.poke64(PagingFixture.directory, PagingFixture.table | 0x60 | flags)
      } else {
        fixture.map(5, to: Self.first | 0x60 | flags)
      }
    }
    #expect(fixture.store(0x5000, 0x1111, user: true) == .done)
    set(1)
    #expect(fixture.store(0x5000, 0x1111, user: true) == .done)
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    #expect(fixture.load(0x5000, user: true) == .pageFault([.present, .user], 0x5000))
    #expect(fixture.store(0x5000) == .pageFault([.present, .write], 0x5000))
  }

  /// Right, access before, access that needs the right, and the bits of the error code.
  @Test(
    "A right given gives one spurious page fault, which removes the entry", arguments: [2, 4] as [UInt64],
    [0, 1])
  func spuriousFault(right: UInt64, level: Int) throws {
    let fixture = try makeFixture()
    func set(_ flags: UInt64) {
      if level == 0 {
        fixture.poke64(PagingFixture.directory, PagingFixture.table | 0x20 | flags)
      } else {
        fixture.map(5, to: Self.first | 0x60 | flags)
      }
    }
    set(7 & ~right)
    #expect(fixture.load(0x5000) == Self.mark1)
    set(7)
    func access() -> PagingOutcome {
      right == 2 ? fixture.store(0x5000, 0x1111) : fixture.load(0x5000, user: true)
    }
    #expect(access() == .pageFault(right == 2 ? [.present, .write] : [.present, .user], 0x5000))
    #expect(fixture.pages(.data4K).isEmpty)
    #expect(access() == (right == 2 ? .done : Self.mark1))
    #expect(access() == (right == 2 ? .done : Self.mark1))
  }

  @Test("A page fault removes the page from every array, and no other page")
  func faultRemoves() throws {
    let fixture = try makeFixture()
    touchBoth(fixture)
    fixture.map(5, to: Self.first | 1)
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    #expect(fixture.load(0x5000) == Self.mark1 && fixture.fetch(0x5000) == .value(Self.first))
    #expect(fixture.store(0x5abc) == .pageFault([.present, .write], 0x5abc))
    #expect(fixture.pages(.data4K) == [6] && fixture.pages(.instruction4K) == [6])
    // A page fault removes global entries too.
    #expect(fixture.fetch(0x6000, user: true) == .value(Self.second))
    fixture.map(6, to: Self.second | 0x121)
    fixture.machine.invalidatePage(LinearAddress(0x6000))
    #expect(fixture.load(0x6000) == Self.mark2)
    #expect(fixture.load(0x6004, user: true) == .pageFault([.present, .user], 0x6004))
    #expect(fixture.pages(.data4K).isEmpty)
  }

  // MARK: INVLPG

  @Test("INVLPG removes the page from both sides, global or not, and leaves its neighbours")
  func invlpg() throws {
    let fixture = try makeFixture()
    for offset in [0, 1, 0x800, 0xfff] as [UInt32] {
      for page in [5, 6] as [UInt32] {
        touchBoth(fixture)
        fixture.machine.invalidatePage(LinearAddress(page << 12 | offset))
        #expect(fixture.pages(.data4K) == [11 - page] && fixture.pages(.instruction4K) == [11 - page])
      }
    }
    #expect(fixture.machine.counters.paging.pageInvalidations == 8)
  }

  @Test("INVLPG of any address in a large page removes it", arguments: PagingOracle.Mode.allCases)
  func invlpgLarge(mode: PagingOracle.Mode) throws {
    let fixture = try PagingFixture()
    fixture.poke32(Self.first, 0x1111)
    let size: UInt32 = mode == .pae ? 0x20_0000 : 0x40_0000
    if mode == .pae {
      try fixture.startPAE(globalPages: true)
      fixture.poke64(PagingFixture.directory + 3 * 8, Self.first | 0x1e7)
    } else {
      try fixture.start32Bit(globalPages: true)
      fixture.poke32(PagingFixture.directory + 3 * 4, UInt32(Self.first | 0x1e7))
    }
    var random = SeededGenerator(seed: 3)
    let offsets =
      [0, 1, 0xfff, 0x1000, size / 2, size - 1]
      + (0..<50).map { _ in UInt32(random.number(below: UInt64(size))) }
    for offset in offsets {
      #expect(fixture.load(3 * size) == Self.mark1 && fixture.fetch(3 * size) == .value(Self.first))
      // A piece elsewhere in the page, so that the filter knows of two.
      #expect(fixture.load(3 * size + 0x3000) == .value(0))
      fixture.machine.invalidatePage(LinearAddress(3 * size + offset))
      #expect(fixture.pages(.dataLarge).isEmpty && fixture.pages(.instructionLarge).isEmpty)
    }
    let before = fixture.machine.counters.paging.walks
    #expect(fixture.load(3 * size) == Self.mark1)
    fixture.machine.invalidatePage(LinearAddress(4 * size))
    fixture.machine.invalidatePage(LinearAddress(3 * size - 1))
    #expect(fixture.load(3 * size + 0x3000) == .value(0))
    #expect(fixture.machine.counters.paging.walks == before + 1, "its neighbours are other pages")
  }

  // MARK: Page sizes

  @Test("After a change of page size a small and a large entry live side by side; INVLPG takes both")
  func coexistence() throws {
    let fixture = try makeFixture()
    #expect(fixture.load(0x5000) == Self.mark1)
    fixture.poke32(0x60_5000, 0x5555)
    fixture.poke32(0x60_6000, 0x6666)
    fixture.poke64(PagingFixture.directory, 0x60_00e7)
    #expect(fixture.load(0x6000) == .value(0x6666), "this page was not held: the walk finds the large page")
    #expect(fixture.load(0x5000) == Self.mark1, "this one was")
    #expect(fixture.pages(.data4K) == [5] && fixture.pages(.dataLarge) == [0])
    fixture.machine.invalidatePage(LinearAddress(0x5123))
    #expect(fixture.pages(.data4K).isEmpty && fixture.pages(.dataLarge).isEmpty)
    #expect(fixture.load(0x5000) == .value(0x5555))
    // And back: the large entry answers for all pages of it until it goes.
    fixture.poke64(PagingFixture.directory, PagingFixture.table | 0x27)
    #expect(fixture.load(0x5000) == .value(0x5555) && fixture.load(0x6000) == .value(0x6666))
    fixture.machine.invalidatePage(LinearAddress(0x6000))
    #expect(fixture.load(0x5000) == Self.mark1 && fixture.load(0x6000) == Self.mark2)
  }

  /// A write that hits a small entry with D clear walks, and finds the large page that another access has
  /// brought in already: the array must not get it twice, or INVLPG would leave one of the two behind.
  @Test("A large page is held once, however its walks came about")
  func largePageHeldOnce() throws {
    let fixture = try makeFixture()
    fixture.map(5, to: Self.first | 0x27)
    #expect(fixture.load(0x5000) == Self.mark1)
    fixture.poke64(PagingFixture.directory, 0x60_00e7)
    #expect(fixture.load(0x6000) == .value(0))
    #expect(fixture.store(0x5000, 0x5555) == .done)
    #expect(fixture.peek32(0x60_5000) == 0x5555)
    #expect(fixture.pages(.dataLarge) == [0] && fixture.pages(.data4K).isEmpty)
    // The walk that found it again replaced what was held, for the filter as well: here by another frame.
    fixture.map(5, to: Self.first | 0x27)
    fixture.poke64(PagingFixture.directory, PagingFixture.table | 0x27)
    fixture.machine.invalidatePage(LinearAddress(0x5000))
    #expect(fixture.load(0x5000) == Self.mark1)
    fixture.poke32(0x60_6000, 0x6666)
    fixture.poke32(0x80_6000, 0x8888)
    fixture.poke64(PagingFixture.directory, 0x60_00e7)
    #expect(fixture.load(0x6000) == .value(0x6666))
    fixture.poke64(PagingFixture.directory, 0x80_00e7)
    #expect(fixture.load(0x6000) == .value(0x6666))
    #expect(fixture.store(0x5000, 0x5555) == .done)
    #expect(fixture.peek32(0x80_5000) == 0x5555)
    #expect(fixture.load(0x6000) == .value(0x8888))
    #expect(fixture.machine.tlb(.dataLarge).map(\.entry.translation.frame) == [0x80_0000])
    fixture.machine.invalidatePage(LinearAddress(0))
    #expect(fixture.pages(.dataLarge).isEmpty)
    fixture.poke64(PagingFixture.directory, 0)
    #expect(fixture.load(0x6000) == .pageFault([], 0x6000))
  }
}
