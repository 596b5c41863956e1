import Foundation
import TestSupport
import Testing

@testable import GuestImages

@Suite("Line tables")
struct LineTableTests {
  static let image = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/images/hello.elf").path

  @Test(
    "Functions begin where their source says", .enabled(if: FileManager.default.fileExists(atPath: image)))
  func helloWorld() throws {
    let elf = try ELFImage(reading: Self.image)
    let lines = LineTable(of: elf)
    #expect(!lines.isEmpty)
    let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "images/hello/hello.S")
    let text = try String(contentsOf: source, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let function = try #require(elf.symbols.named("print_char"))
    let place = try #require(lines.place(at: function.address))
    #expect(place.file == "images/hello/hello.S")
    // The label has a line of its own, the first instruction follows; lines count from 1.
    let label = try #require(text.firstIndex { $0.hasPrefix("print_char:") })
    #expect(place.line == label + 2)
    #expect(lines.place(at: 0) == nil)
    #expect(lines.place(at: .max) == nil)
  }

  @Test("An image without DWARF has none") func stripped() throws {
    let elf = try ELFImage(
      file: "plain.elf",
      bytes: ELFBuilder(segments: [.init(physical: 0x10_0000, virtual: 0x10_0000, bytes: [0xf4])]).build())
    #expect(LineTable(of: elf).isEmpty)
    #expect(LineTable(of: elf).place(at: elf.entry) == nil)
  }

  @Test(
    "Damaged line tables give the lines they still have, and nothing outside the image",
    .enabled(if: FileManager.default.fileExists(atPath: image))) func damaged() throws
  {
    let whole = try HostFile.read(Self.image)
    let sound = try ELFImage(file: "hello.elf", bytes: whole)
    let sections = sound.sections.filter { $0.name.hasPrefix(".debug") && !$0.fileRange.isEmpty }
    try #require(!sections.isEmpty)
    // Every instruction boundary is among them.
    let addresses = sound.segments.flatMap { $0.virtualRange.map { UInt32($0) } }
    func places(_ lines: LineTable) -> [LineTable.Place?] { addresses.map { lines.place(at: $0) } }
    let undamaged = places(LineTable(of: sound))
    var random = SeededGenerator(seed: 1)
    var (kept, lost, changed) = (0, 0, 0)
    for trial in 0..<300 {
      var bytes = whole
      let section = sections[trial % sections.count].fileRange
      for _ in 0...trial % 4 { bytes[Int.random(in: section, using: &random)] = random.byte() }
      // Only debug sections are damaged: the image is still one.
      let lines = LineTable(of: try ELFImage(file: "damaged.elf", bytes: bytes))
      let found = places(lines)
      for place in found.compactMap({ $0 }) where place.line < 1 { Issue.record("trial \(trial): \(place)") }
      #expect(lines.place(at: 0) == nil, "trial \(trial)")
      if found == undamaged { kept += 1 } else if lines.isEmpty { lost += 1 } else { changed += 1 }
    }
    #expect(kept > 0 && lost > 0 && changed > 0, "\(kept) kept, \(lost) lost, \(changed) changed")
  }
}
