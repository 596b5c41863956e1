import Emulator
import IA32
import Testing

@testable import Traces

/// Two builds of one guest: the second has more code in front, so that everything lies elsewhere.
@Suite("Traces of two builds")
struct ProjectionTests {
  static func map(_ shift: UInt32) -> ImageMap {
    var map = ImageMap()
    map.parts = [ImageMap.Part(linear: 0xc010_0000, physical: 0x10_0000, size: 0x8000)]
    map.names = [
      ImageMap.Name(address: 0xc010_0000, size: 0x100, isCode: true, name: "start"),
      ImageMap.Name(address: 0xc010_0200 + shift, size: 0x100, isCode: true, name: "map_page"),
      ImageMap.Name(address: 0xc010_0300 + shift, size: 0x40, isCode: true, name: "flush_page"),
      ImageMap.Name(address: 0xc010_4000 + shift, size: 0x1000, isCode: false, name: "page_table"),
    ]
    return map
  }

  static func moment(_ linear: UInt32, _ time: UInt64) -> EventMoment {
    EventMoment(cycle: time * 13, instruction: time, eip: linear, linear: linear)
  }

  /// A store to a page table of the image, and a flush if it is not forgotten.
  static func events(_ shift: UInt32, flushes: Bool = true, entry: UInt32 = 8) -> [(
    MachineEvent, EventMoment
  )] {
    let at = 0x10_4000 + shift + entry
    let store = EntryStoreEvent(
      address: UInt64(at), old: 0, new: 0x1234_5063, writer: .instruction, linear: 0xc000_0000 + at)
    var events: [(MachineEvent, EventMoment)] = [
      (.pteStore(store), moment(0xc010_0210 + shift * 2, 10 + UInt64(shift)))
    ]
    if flushes { events.append((.flush(.page(0xd000_0000)), moment(0xc010_0308 + shift, 12))) }
    events.append(
      (.fault(FaultEvent(vector: 14, errorCode: 2, linear: 0xd000_0123)), moment(0xc010_0000, 20)))
    return events
  }

  func verify(_ run: [(MachineEvent, EventMoment)], shift: UInt32) throws -> TraceVerifier {
    let file = TraceFileTests()
    defer { file.remove() }
    let writer = try TraceWriter(path: file.path, header: TraceFileTests.header(), map: Self.map(0))
    for event in Self.events(0) { writer.append(event.0, event.1) }
    var ending = TraceFileTests.ending
    ending.events = writer.count
    try writer.finish(ending)
    let map = Self.map(shift)
    let verifier = try TraceVerifier(
      golden: try TraceFile.open(file.path), timing: .off, isSameBuild: false, map: map,
      symbol: { map.symbol(at: $0) })
    for (event, moment) in run { _ = verifier.take(event, moment) }
    verifier.finish(ending)
    #expect(verifier.failure == nil)
    return verifier
  }

  @Test func whatMovedIsTheSame() throws {
    let verifier = try verify(Self.events(0x50), shift: 0x50)
    #expect(verifier.divergence == nil)
    #expect(verifier.compared == 3)
  }

  @Test func aMissingFlushIsFoundAllTheSame() throws {
    let divergence = try #require(try verify(Self.events(0x50, flushes: false), shift: 0x50).divergence)
    #expect(divergence.number == 2)
    let report = DivergenceReport(
      divergence, isExact: true, golden: { Self.map(0).symbol(at: $0) }, run: { _ in nil })
    #expect(
      report.lines[1]
        == "  missing flush: the golden has INVLPG of d0000000 here, in flush_page+0x8; the run has not")
  }

  @Test func anotherEntryOfTheTableIsADifference() throws {
    let divergence = try #require(try verify(Self.events(0x50, entry: 16), shift: 0x50).divergence)
    guard case .fields(let names) = divergence.kind else {
      Issue.record("\(divergence)")
      return
    }
    #expect(names == ["at", "linear"])
  }

  @Test func swiftsNamesAreShort() {
    let cases = [
      ("main", "main"), ("operator new(unsigned int)", "operator new"),
      ("Guest.showMachine(Guest.Kernel<Guest.Processor>) -> ()", "Guest.showMachine"),
      (
        "generic specialization <Guest.Processor> of Guest.Kernel.(vunmapTableRange in _4FA1E229EC32900FD5DEB22A3AC03FD4)"
          + "(Guest.KernelAddress) -> ()", "Guest.Kernel.vunmapTableRange"
      ),
      ("two\nlines", "two\\nlines"), ("", ""),
    ]
    for (name, short) in cases { #expect(ShortName.of(name) == short) }
  }
}
