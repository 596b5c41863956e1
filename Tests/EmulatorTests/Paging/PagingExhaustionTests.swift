import IA32
import Testing

@testable import Emulator

@Suite("PagingExhaustion")
struct PagingExhaustionTests {
  static let addressWidths = [36, 40, 52]

  /// PAE, 4 KiB pages: every combination of P, R/W, U/S, A, D, G, NX in the PDE and of those and the bit that
  /// would be PAT in the PTE. 3,145,728 cases.
  @Test("PAE, 4 KiB pages: all flags at both levels")
  func pae4K() throws {
    let directory = EntrySet(base: PAELayout.tableAddress, flags: [0, 1, 2, 5, 6, 8, 63])
    let table = EntrySet(base: PAELayout.frame, flags: [0, 1, 2, 5, 6, 7, 8, 63])
    var sweep = try PagingSweep(.pae)
    sweep.run(PagingOracle.Registers.all(.pae), directory, table)
    #expect(sweep.caseCount == 3_145_728)
    try sweep.checkOnMachine()
  }

  @Test("PAE, 2 MiB pages: all flags, each reserved bit", arguments: addressWidths)
  func pae2M(addressWidth: Int) throws {
    let reserved = Array(13...20) + Array(addressWidth...62)
    let directory = EntrySet(
      base: PAELayout.largeFrame | 1 << 7, flags: [0, 1, 2, 5, 6, 8, 12, 63], oneOf: reserved)
    var sweep = try PagingSweep(.pae, addressWidth: addressWidth)
    sweep.run(PagingOracle.Registers.all(.pae, addressWidth: addressWidth), directory, EntrySet(base: 0))
    #expect(sweep.caseCount == 16 * 6 * 256 * (reserved.count + 1))
    try sweep.checkOnMachine()
  }

  @Test("PAE, 4 KiB pages: each reserved bit at each level", arguments: addressWidths)
  func pae4KReserved(addressWidth: Int) throws {
    let reserved = Array(addressWidth...62)
    let flags = [0, 1, 2, 63]
    let registers = PagingOracle.Registers.all(.pae, addressWidth: addressWidth)
    var sweep = try PagingSweep(.pae, addressWidth: addressWidth)
    sweep.run(
      registers, EntrySet(base: PAELayout.tableAddress, flags: flags, oneOf: reserved),
      EntrySet(base: PAELayout.frame, flags: flags))
    sweep.run(
      registers, EntrySet(base: PAELayout.tableAddress, flags: flags),
      EntrySet(base: PAELayout.frame, flags: flags, oneOf: reserved))
    #expect(sweep.caseCount == 2 * 16 * 6 * 256 * (reserved.count + 1))
    try sweep.checkOnMachine()
  }

  /// 32-bit paging: with CR4.PSE the half of the PDEs with bit 7 set maps 4 MiB pages, without it all are
  /// pointers.
  @Test("32-bit paging: all flags at both levels")
  func bits32() throws {
    let directory = EntrySet(base: Bits32Layout.tableAddress, flags: [0, 1, 2, 5, 6, 7, 8])
    let table = EntrySet(base: Bits32Layout.frame, flags: [0, 1, 2, 5, 6, 7, 8])
    var sweep = try PagingSweep(.bits32)
    sweep.run(PagingOracle.Registers.all(.bits32), directory, table)
    #expect(sweep.caseCount == 1_572_864)
    try sweep.checkOnMachine()
  }

  @Test("32-bit paging, 4 MiB pages: all flags, each bit of PSE-36", arguments: addressWidths)
  func bits32Large(addressWidth: Int) throws {
    let directory = EntrySet(
      base: Bits32Layout.largeFrame | 1 << 7, flags: [0, 1, 2, 5, 6, 8, 12], oneOf: Array(13...21))
    var sweep = try PagingSweep(.bits32, addressWidth: addressWidth)
    let registers = PagingOracle.Registers.all(.bits32, addressWidth: addressWidth)
    sweep.run(
      registers.filter(\.pageSizeExtensions), directory, EntrySet(base: Bits32Layout.frame, flags: [0, 1, 2]))
    #expect(sweep.caseCount == 8 * 6 * 128 * 10 * 8)
    try sweep.checkOnMachine()
  }

  /// All flags at both levels together with each reserved bit at each, in each width.
  @Test("PAE, 4 KiB pages: the full product", .enabled(if: PagingSweep.isSlowRun), arguments: addressWidths)
  func fullProduct(addressWidth: Int) throws {
    let reserved = Array(addressWidth...62)
    var sweep = try PagingSweep(.pae, addressWidth: addressWidth)
    let registers = PagingOracle.Registers.all(.pae, addressWidth: addressWidth)
    let all = EntrySet(base: PAELayout.tableAddress, flags: [0, 1, 2, 5, 6, 8, 63])
    let allPages = EntrySet(base: PAELayout.frame, flags: [0, 1, 2, 5, 6, 7, 8, 63])
    sweep.run(registers, all.with(oneOf: reserved), allPages)
    sweep.run(registers, all, allPages.with(oneOf: reserved))
    try sweep.checkOnMachine()
  }
}
