import Foundation
import GuestImages
import Testing

@testable import Emulator

/// Missing flushes: every planted bug is found and its cause named, and what is right gives no report.
@Suite("Stale translations")
struct StaleCheckTests {
  /// A guest of `images/missing-flush` and what must be said of it.
  struct Bug: CustomTestStringConvertible, Sendable {
    let name: String
    let level: StaleReport.Level
    let missing: StaleReport.Missing
    /// The symbol at the access; nil where the page itself is executed.
    var use: String? = "stale_use"
    /// The page, from 40000000h on.
    var page: UInt32 = 0
    var testDescription: String { name }
  }

  static let bugs = [
    Bug(name: "missing-invlpg", level: .pte, missing: .invlpg),
    Bug(name: "wrong-address", level: .pte, missing: .invlpg),
    Bug(name: "flush-before-store", level: .pte, missing: .invlpg),
    Bug(name: "alias", level: .pte, missing: .invlpg),
    Bug(name: "write-protect", level: .pte, missing: .invlpg, use: "stale_store"),
    Bug(name: "unmap-free", level: .pte, missing: .invlpg, use: "stale_store"),
    Bug(name: "user-revoked", level: .pte, missing: .invlpg, use: "stale_use_in_ring3"),
    Bug(name: "no-execute", level: .pte, missing: .invlpg, use: nil),
    Bug(name: "dirty-cleared", level: .pte, missing: .invlpg, use: "stale_store"),
    Bug(name: "code-fetch", level: .pte, missing: .invlpg, use: nil),
    Bug(name: "string-move", level: .pte, missing: .invlpg, use: "stale_use_string", page: 1),
    Bug(name: "last-page-forgotten", level: .pte, missing: .invlpg, page: 15),
    Bug(name: "global-over-cr3", level: .pte, missing: .invlpgOrPGE),
    Bug(name: "directory-rights", level: .pde, missing: .invlpg, use: "stale_store", page: 2),
    Bug(name: "directory-change", level: .pde, missing: .invlpg, page: 3),
    Bug(name: "large-half-flushed", level: .pde, missing: .invlpg, page: 1),
    Bug(name: "pdpte-no-reload", level: .pdpte, missing: .movCR3),
    Bug(name: "pdpte-tlb", level: .pdpte, missing: .movCR3),
    Bug(name: "pdpte-new", level: .pdpte, missing: .movCR3),
    Bug(name: "global-between-spaces", level: .cr3, missing: .invlpgOrPGE),
  ]

  private func reports(_ image: String, _ timing: TimingLevel) throws -> (StopReason, [StaleReport]) {
    let machine = try TimedGuest(image: image).machine(timing)
    var reports: [StaleReport] = []
    machine.checkStale { reports.append($0) }
    return (machine.run(untilCycle: 400_000_000), reports)
  }

  @Test("every planted bug is found, once, and named", arguments: bugs)
  func bug(_ bug: Bug) throws {
    let path = TimedGuest.folder.appending(path: "missing-flush/\(bug.name).elf").path
    let symbols = try #require(try GuestImage(reading: path).elf).symbols
    let va = 0x4000_0000 + bug.page << 12
    for timing in TimingLevel.allCases {
      let (stop, reports) = try reports("missing-flush/\(bug.name)", timing)
      #expect(stop == .exit(0), "\(timing): the guest's own verdict")
      try #require(reports.count == 1, "\(timing): \(reports)")
      let report = reports[0]
      #expect(report.level == bug.level && report.missing == bug.missing, "\(timing): \(report)")
      #expect(report.linear & ~0xfff == va, "\(timing)")
      #expect(report.use.linear == bug.use.map { symbols.named($0)?.address } ?? va, "\(timing)")
      guard bug.level != .cr3 else {
        #expect(report.cr3Load != nil && report.store == nil)
        continue
      }
      let store = try #require(report.store)
      #expect(store.moment.cycle < report.use.cycle)
      // The store of NX is to the high half, which `bad_store` does not change.
      if bug.name != "no-execute" { #expect(store.moment.linear == symbols.named("bad_store")?.address) }
    }
  }

  @Test("the corrected guests give no report", arguments: bugs)
  func corrected(_ bug: Bug) throws {
    for timing in TimingLevel.allCases {
      let (stop, reports) = try reports("missing-flush/\(bug.name)-fixed", timing)
      #expect(stop == .exit(0) && reports.isEmpty, "\(timing): \(stop) \(reports)")
    }
  }

  @Test(
    "what needs no flush gives no report",
    arguments: [
      "missing-flush/fine-widening", "missing-flush/fine-presence", "missing-flush/fine-change-and-back",
      "hello",
      "minikernel", "tlb-probe",
    ])
  func fine(_ image: String) throws {
    let (stop, reports) = try reports(image, .full)
    #expect(reports.isEmpty && stop != .tripleFault, "\(reports)")
  }

  @Test("near misses are named")
  func nearMisses() throws {
    let wrong = try #require(try reports("missing-flush/wrong-address", .full).1.first)
    #expect(
      wrong.nearMisses.contains { if case .otherPage(0x40000, _) = $0 { true } else { false } })
    let early = try #require(try reports("missing-flush/flush-before-store", .full).1.first)
    #expect(early.nearMisses.contains { if case .tooEarly = $0 { true } else { false } })
    let global = try #require(try reports("missing-flush/global-over-cr3", .full).1.first)
    #expect(global.nearMisses.contains { if case .keptGlobal = $0 { true } else { false } })
    let register = try #require(try reports("missing-flush/pdpte-no-reload", .full).1.first)
    #expect(register.nearMisses.contains { if case .notForPDPTE = $0 { true } else { false } })
  }

  @Test("a check that begins late finds what is stale by then")
  func late() throws {
    let path = TimedGuest.folder.appending(path: "missing-flush/missing-invlpg.elf").path
    let symbols = try #require(try GuestImage(reading: path).elf).symbols
    let machine = try TimedGuest(image: "missing-flush/missing-invlpg").machine(.full)
    let use = try #require(symbols.named("stale_use")).address
    machine.breakpoints = [use]
    #expect(machine.run() == .breakpoint(use))
    var reports: [StaleReport] = []
    machine.checkStale { reports.append($0) }
    #expect(machine.run(passingBreakpoint: true) == .exit(0))
    #expect(reports.count == 1 && reports.first?.store == nil, "the store came before the check")
  }
}
