import Debugger
import Emulator
import Foundation
import IA32
import Reports
import Testing

@testable import WebView

@Suite("What a page is told")
struct DocumentTests {
  @Test("The stale story of stale.elf: store, use, what was missing, the code of each")
  func story() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let stale = try WebGuest.read(guest.source.stale())
    #expect(number(stale, "total") == 4)
    let story = at(stale, "stories", 0)
    #expect(string(story, "linear") == "0x40000000")
    #expect(string(story, "missing") == "INVLPG")
    #expect(string(story, "used") == "0x000108000")
    #expect(string(story, "memory") == "000109000")
    let scenes = list(story, "scenes")
    #expect(scenes.map { string($0, "role") } == ["store", "use"])
    #expect(string(scenes[0], "new") == "0x0000000000109003")
    #expect(string(scenes[0], "code", 0, "text")?.hasPrefix("mov") == true)
    let second = at(stale, "stories", 1)
    #expect(string(second, "missing") == "MOV CR3" && string(second, "level") == "PDPTE")
  }

  @Test(
    "Going back shows the disagreement at the use, in TLB, address space and tables; before the store there is none"
  )
  func moments() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let report = try #require(guest.source.recorder.stale.first)
    let store = try #require(report.store)
    try guest.session.go(to: report.use.cycle)
    let use = try WebGuest.read(guest.source.moment())
    #expect(list(use, "disagreements").count == 1)
    #expect(string(use, "disagreements", 0, "linear") == "0x40000000")
    let held = list(use, "tlb").filter { string($0, "linear") == "0x40000000" }
    #expect(held.count == 1 && string(held.first, "stale") != nil)
    let range = list(use, "space", "ranges").first { string($0, "from") == "0x40000000" }
    #expect(string(range, "physical") == "0x000109000" && string(range, "kind") == "kernel")
    let table = list(use, "tables").first {
      string($0, "linear") == "0x40000000" && string($0, "level") == "PTE"
    }
    #expect(string(table, "entries", 0, 1) == "0x0000000000109003")

    try guest.session.go(to: store.moment.cycle)
    let before = try WebGuest.read(guest.source.moment())
    #expect(list(before, "disagreements").isEmpty)
    #expect(string(before, "console")?.contains("1. A page-table entry") == true)
    #expect(string(before, "console")?.contains("2. A PDPTE") == false)
  }

  @Test("A PDPTE register that differs from memory is told for its whole GiB")
  func pointerTable() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let report = try #require(guest.source.recorder.stale.first { $0.level == .pdpte })
    try guest.session.go(to: report.use.cycle)
    let rows = list(try WebGuest.read(guest.source.disagreements))
    let gib = rows.first { number($0, "bytes") == 1 << 30 }
    #expect(string(gib, "source") == "PDPTE register 1")
    #expect(string(gib, "rule") == "SDM 3A 4.4.1")
  }

  @Test("Ranges of the address space cover what the walker maps, page by page")
  func space() throws {
    let guest = try WebGuest("vmalloc-tour", mebibytes: 128)
    try guest.session.run()
    let machine = guest.session.machine
    let space = guest.source.addressSpace(limit: 100_000)
    let mapped = space.ranges.filter { $0.physical != nil }
    #expect(!mapped.isEmpty)
    for range in mapped {
      for linear in [range.from, UInt32(truncatingIfNeeded: range.end - 4096)] {
        let walk = machine.walk(LinearAddress(linear), PageAccess(.read, user: false))
        let found = try #require(walk.translation)
        let physical = found.physical(of: linear, largePageShift: machine.pagingControl.largePageShift)
        #expect(
          physical & ~0xfff == (range.physical ?? 0) + UInt64(linear - range.from), "\(LinearAddress(linear))"
        )
      }
    }
    let cut = AddressSpace(machine, [], in: 0...UInt32.max, limit: 1)
    #expect(cut.ranges.count <= 1)
  }

  @Test("Frames of the mini-kernel add up, and its page tables are among them")
  func frames() throws {
    let guest = try WebGuest("vmalloc-tour", mebibytes: 128)
    try guest.session.run()
    let document = try WebGuest.read(guest.source.frames(limit: 1_000_000))
    let rows = list(document, "rows").compactMap { $0 as? [NSNumber] }
    #expect(rows.reduce(0) { $0 + $1[1].intValue } == number(document, "frames"))
    let owners = list(document, "owners").compactMap { $0 as? String }
    let totals = list(document, "totals").compactMap { ($0 as? NSNumber)?.intValue }
    #expect(totals[try #require(owners.firstIndex(of: "table"))] > 2)
    #expect(totals[try #require(owners.firstIndex(of: "free"))] > 0)
    let cells = try WebGuest.read(guest.source.frames(limit: 16))
    #expect(list(cells, "rows").count <= 16 && string(cells, "form") == "cells")
  }

  @Test("A walk's ladder says where each entry was read")
  func ladder() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let walks = try WebGuest.read(guest.source.walks())
    #expect(number(walks, "total", "walks") == guest.source.recorder.log.timelineCount(.walk))
    let walk = list(walks, "costliest").first { list($0, "steps").count == 3 }
    #expect(list(walk, "steps").map { string($0, "source") } == ["register", "memory", "memory"])
    #expect(list(walk, "steps").map { string($0, "format") } == ["pae.pdpte", "pae.pde", "pae.pte"])
    let event = try #require(number(walk, "event"))
    #expect(string(try WebGuest.read(guest.source.walk(event: event)), "linear") == string(walk, "linear"))
  }

  @Test("Formats of entries name each bit once")
  func formats() {
    for format in EntryFormat.all {
      let width: UInt64 = format.name.hasPrefix("pae") ? 64 : 32
      for bit in 0..<width {
        let fields = format.fields.filter { ($0.low...$0.high).contains(bit) }
        #expect(fields.count == 1, "\(format.name), bit \(bit)")
      }
    }
  }
}

extension EventLog {
  func timelineCount(_ kind: LoggedKind) -> Int { (0..<count).filter { self[$0].kind == kind }.count }
}
