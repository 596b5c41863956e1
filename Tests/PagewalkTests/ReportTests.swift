import Foundation
import Testing

@testable import pagewalk

@Suite("Reports")
struct ReportTests {
  let statistics = RunStatistics(
    instructions: 1_234_567, cycles: 7_654_321, idleCycles: 21,
    tlb: [
      .init(name: "ITLB 4K", hits: 99_999, misses: 1), .init(name: "DTLB 4M", hits: 0, misses: 0),
    ],
    walks: .init(count: 12, references: 30), faults: [.init(vector: 14, name: "#PF", count: 3)],
    interrupts: 8,
    mmio: .init(reads: 1, writes: 2), ports: .init(reads: 300, writes: 4000))

  @Test func textIsAligned() {
    #expect(
      StatisticsReport(statistics: statistics).text() == """

        instructions  1,234,567
        cycles        7,654,321  of them     21  idle
        ITLB 4K          99,999  hits         1  misses      99.99 % hits
        DTLB 4M               0  hits         0  misses
        page walks           12  walks       30  references
        faults #PF            3
        interrupts            8
        MMIO                  1  reads        2  writes
        ports               300  reads    4,000  writes

        """)
  }

  /// The keys are an interface: scripts read them.
  @Test func jsonHasStableKeys() throws {
    let json = StatisticsReport(statistics: statistics).json()
    #expect(
      json == """
        {"cycles":7654321,"faults":[{"count":3,"name":"#PF","vector":14}],"idleCycles":21,"instructions":1234567,"interrupts":8,\
        "mmio":{"reads":1,"writes":2},"ports":{"reads":300,"writes":4000},\
        "tlb":[{"hits":99999,"misses":1,"name":"ITLB 4K"},{"hits":0,"misses":0,"name":"DTLB 4M"}],\
        "walks":{"count":12,"references":30}}
        """)
    #expect(try JSONDecoder().decode(RunStatistics.self, from: Data(json.utf8)) == statistics)
  }

  @Test func numbersAreGrouped() {
    for (value, text) in [
      (0, "0"), (999, "999"), (1000, "1,000"), (1_000_000, "1,000,000"),
      (UInt64.max, "18,446,744,073,709,551,615"),
    ] { #expect(StatisticsReport.grouped(value) == text) }
    #expect(StatisticsReport.percent(1, of: 1) == "100.00 %")
    #expect(StatisticsReport.percent(.max - 1, of: .max) == "99.99 %")
    #expect(StatisticsReport.percent(1, of: 3) == "33.33 %")
    #expect(StatisticsReport.percent(5, of: 0) == "0.00 %")
  }

  @Test func aTripleFaultLeavesAPostMortem() {
    let postMortem = PostMortem(
      position: GuestPosition(eip: 0x10_0014, symbol: "kernel_main+0x14", cycle: 99),
      faults: [
        .init(vector: .pageFault, errorCode: 2, linear: 0xC000_0000),
        .init(vector: .generalProtection, errorCode: 0x72), .init(vector: .doubleFault, errorCode: 0),
      ],
      cr0: 0x8000_0011, cr2: 0xC000_0000, cr3: 0x10_3000, cr4: 0x20,
      failedWalk: ["PDPTE[3]  register  0000000000000000  not present"])
    let outcome = RunOutcome.tripleFault(postMortem)
    #expect(outcome.exitStatus == 3)
    #expect(
      outcome.message == """
        pagewalk: triple fault at 00100014 kernel_main+0x14, cycle 99
          first   #PF  error code 0002  linear address c0000000
          second  #GP  error code 0072
          third   #DF  error code 0000
          CR0 80000011  CR2 c0000000  CR3 00103000  CR4 00000020
          the walk that failed:
            PDPTE[3]  register  0000000000000000  not present

        """)
  }

  @Test func everyOutcomeHasItsStatus() {
    let position = GuestPosition(eip: 0xC010_0000, symbol: nil, cycle: 5)
    #expect(RunOutcome.exited(0).exitStatus == 0)
    #expect(RunOutcome.exited(255).exitStatus == 255)
    #expect(RunOutcome.exited(1).message == nil)
    #expect(RunOutcome.interrupted(position).exitStatus == 130)
    #expect(RunOutcome.interrupted(position).message == "pagewalk: stopped at c0100000, cycle 5\n")
    #expect(RunOutcome.cycleLimit(position).exitStatus == 4)
    #expect(RunOutcome.halted(position).exitStatus == 5)
    let violated = RunOutcome.violated(["guard-page: the guard page is mapped"], position)
    #expect(violated.exitStatus == 7)
    #expect(
      violated.message
        == "pagewalk: audit failed at c0100000, cycle 5\n  guard-page: the guard page is mapped\n")
  }
}
