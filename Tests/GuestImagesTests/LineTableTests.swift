import Foundation
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

  @Test("Bytes of line tables that mean nothing are no trap") func damaged() throws {
    guard let whole = try? HostFile.read(Self.image) else { return }
    let sound = try ELFImage(file: "hello.elf", bytes: whole)
    let sections = sound.sections.filter { $0.name.hasPrefix(".debug") }
    var state: UInt64 = 1
    for _ in 0..<300 {
      var bytes = whole
      for section in sections where !section.fileRange.isEmpty {
        for _ in 0..<4 {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          let place = section.fileRange.lowerBound + Int(state >> 33) % section.fileRange.count
          bytes[place] = UInt8(truncatingIfNeeded: state >> 24)
        }
      }
      guard let elf = try? ELFImage(file: "damaged.elf", bytes: bytes) else { continue }
      let lines = LineTable(of: elf)
      _ = lines.place(at: elf.entry)
    }
  }
}
