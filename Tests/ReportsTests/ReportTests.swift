import Emulator
import Foundation
import Testing

@testable import Reports

@Suite("Reports")
struct ReportTests {
  /// A run of the `tlb` level, which was in user mode for some of its cycles or not.
  static func statistics(userCycles: UInt64) -> RunStatistics {
    func mode(_ instructions: UInt64, _ cycles: UInt64, idle: UInt64) -> RunStatistics.Mode {
      .init(
        instructions: instructions, cycles: cycles,
        breakdown: .init(base: cycles - idle, walk: 0, io: 0, idle: idle),
        tlb: [
          .init(name: "ITLB 4K", hits: cycles / 100, misses: 1), .init(name: "DTLB 4M", hits: 0, misses: 0),
        ],
        walks: .init(count: 12, references: 30), dataReferences: 5)
    }
    let whole = mode(1_234_567, 7_654_321, idle: 21)
    return RunStatistics(
      timing: "tlb", instructions: whole.instructions, cycles: whole.cycles, idleCycles: 21,
      breakdown: whole.breakdown, tlb: whole.tlb, walks: whole.walks, dataReferences: 5,
      user: mode(userCycles / 10, userCycles, idle: 0),
      kernel: mode(whole.instructions - userCycles / 10, whole.cycles - userCycles, idle: 21),
      faults: [.init(vector: 14, name: "#PF", count: 3)], interrupts: 8, mmio: .init(reads: 1, writes: 2),
      ports: .init(reads: 300, writes: 4000), serialCharactersLost: 0,
      lost: .init(
        romStores: .init(count: 0), unclaimedStores: .init(count: 0), unclaimedFetches: .init(count: 0)))
  }

  @Test func textIsAligned() {
    #expect(
      StatisticsReport(statistics: Self.statistics(userCycles: 0)).text() == """

        instructions      1,234,567
        cycles            7,654,321  6.19 an instruction
          base            7,654,300              99.99 %
          walk                    0               0.00 %
          I/O                     0               0.00 %
          idle                   21               0.00 %
        ITLB 4K hits         76,543              99.99 %
        ITLB 4K misses            1
        DTLB 4M hits              0
        DTLB 4M misses            0
        page walks               12
          references             30
        loads and stores          5
        faults #PF                3
        interrupts                8
        MMIO reads                1
        MMIO writes               2
        port reads              300
        port writes           4,000

        """)
    let split = StatisticsReport(statistics: Self.statistics(userCycles: 1_000_000)).text()
    #expect(
      split.hasPrefix(
        """

                              total       user     kernel
        instructions      1,234,567    100,000  1,134,567
        cycles            7,654,321  1,000,000  6,654,321  6.19 an instruction
          base            7,654,300  1,000,000  6,654,300              99.99 %

        """), "\(split)")
  }

  /// The keys are an interface: scripts read them.
  @Test func jsonHasStableKeys() throws {
    let statistics = Self.statistics(userCycles: 1000)
    let json = StatisticsReport(statistics: statistics).json.text
    let walks = #""walks":{"count":12,"references":30}"#
    let tlb = { (hits: Int) in
      #""tlb":[{"hits":\#(hits),"misses":1,"name":"ITLB 4K"},{"hits":0,"misses":0,"name":"DTLB 4M"}]"#
    }
    #expect(
      json == """
        {"breakdown":{"base":7654300,"idle":21,"io":0,"walk":0},"cycles":7654321,"dataReferences":5,\
        "faults":[{"count":3,"name":"#PF","vector":14}],"idleCycles":21,"instructions":1234567,"interrupts":8,\
        "kernel":{"breakdown":{"base":7653300,"idle":21,"io":0,"walk":0},"cycles":7653321,"dataReferences":5,\
        "instructions":1234467,\(tlb(76533)),\(walks)},\
        "lost":{"romStores":{"count":0},"unclaimedFetches":{"count":0},"unclaimedStores":{"count":0}},\
        "mmio":{"reads":1,"writes":2},"ports":{"reads":300,"writes":4000},"serialCharactersLost":0,"timing":"tlb",\(tlb(76543)),\
        "user":{"breakdown":{"base":1000,"idle":0,"io":0,"walk":0},"cycles":1000,"dataReferences":5,\
        "instructions":100,\(tlb(10)),\(walks)},\(walks)}
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

  @Test func anEndExplainsItself() {
    let ending = RunEnding(
      .tripleFault, at: GuestPosition(eip: 0x10_0014, symbol: "kernel_main+0x14", cycle: 99),
      details: ["first: #PF(0002) of the instruction at 00100014", "  a supervisor write at c0000000"],
      remarks: ["COM1 lost 3 characters"])
    #expect(ending.exitStatus == 3)
    #expect(
      ending.lines == [
        "triple fault at 00100014 kernel_main+0x14, cycle 99",
        "  first: #PF(0002) of the instruction at 00100014", "    a supervisor write at c0000000",
        "COM1 lost 3 characters",
      ])
    #expect(
      ending.json.text == """
        {"reason":"triple-fault","status":3,"eip":"0x00100014","symbol":"kernel_main+0x14","cycle":99,\
        "details":["first: #PF(0002) of the instruction at 00100014","  a supervisor write at c0000000"],\
        "remarks":["COM1 lost 3 characters"]}
        """)
  }

  @Test(
    arguments: [
      (.exit(0), 0, nil), (.exit(255), 255, nil), (.tripleFault, 3, "triple fault at c0100000, cycle 5"),
      (.cycleLimit, 4, "cycle limit reached at c0100000, cycle 5"),
      (.halted, 5, "halted for good at c0100000, cycle 5"),
      (.reset, 6, "reset by the guest at c0100000, cycle 5"),
      (.brokenInvariant, 7, "audit failed at c0100000, cycle 5"),
      (.staleTranslation, 8, "stopped at the stale translation, c0100000, cycle 5"),
      (.interrupted, 130, "interrupted at c0100000, cycle 5"), (.observed, 0, nil),
    ] as [(StopReason, Int32, String?)])
  func everyReasonHasItsStatusAndItsSentence(_ reason: StopReason, _ status: Int32, _ sentence: String?) {
    let ending = RunEnding(reason, at: GuestPosition(eip: 0xC010_0000, symbol: nil, cycle: 5))
    #expect(ending.exitStatus == status)
    #expect(ending.lines == (sentence.map { [$0] } ?? []))
  }

  /// A guest's exit value 3 and a triple fault have the same status.
  @Test func exitsAndTripleFaultsAreToldApart() {
    #expect(StopReason.exit(3).exitStatus == StopReason.tripleFault.exitStatus)
    #expect(StopReason.exit(3).json.text == #"{"reason":"exit","value":3}"#)
    #expect(StopReason.tripleFault.json.text == #"{"reason":"triple-fault"}"#)
    #expect(StopReason.exit(3).title == "exit 3")
    #expect(StopReason.cycleLimit.title == "cycle limit" && StopReason.cycleLimit.name == "cycle-limit")
  }
}
