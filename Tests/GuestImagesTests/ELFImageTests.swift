import TestSupport
import Testing

@testable import GuestImages

@Suite("ELF images")
struct ELFImageTests {
  @Test func readsSegmentsEntryAndSections() throws {
    let bytes = ELFBuilder.sample().build()
    let image = try ELFImage(file: "sample.elf", bytes: bytes)
    #expect(image.entry == 0x10_0010)
    #expect(image.segments.map(\.physical) == [0x10_0000, 0x10_2000])
    #expect(image.segments.map(\.virtual) == [0xC010_0000, 0xC010_2000])
    #expect(image.segments.map(\.memorySize) == [64, 0x1000])
    #expect(image.segments[0].flags == [.read, .write, .execute])
    #expect(image.segments[1].flags == [.read, .write])
    #expect(Array(image.bytes[image.segments[1].fileRange]) == [1, 2, 3])
    #expect(image.sections.map(\.name) == ["", ".text", ".symtab", ".strtab", ".shstrtab"])
    #expect(image.sections.map(\.isLoaded) == [false, true, false, false, false])
    #expect(image.sectionNamesIndex == 4)
  }

  @Test func aStrippedImageHasNoSymbols() throws {
    var builder = ELFBuilder.sample()
    builder.stripped = true
    let image = try ELFImage(file: "s", bytes: builder.build())
    #expect(image.segments.count == 2)
    #expect(image.sections.isEmpty)
    #expect(image.symbols.symbols.isEmpty)
    #expect(image.symbols.symbol(at: 0xC010_0020) == nil)
  }

  @Test func entryMayBeLinearOrPhysical() throws {
    var builder = ELFBuilder.sample()
    builder.entry = 0xC010_0010
    #expect(try ELFImage(file: "s", bytes: builder.build()).entry == 0x10_0010)
    builder.entry = 0x10_2FFF
    #expect(try ELFImage(file: "s", bytes: builder.build()).entry == 0x10_2FFF)
  }

  /// Every way a file can be wrong, what is said, and how it comes about.
  static let refusals: [(GuestImageError.Reason, String, @Sendable (inout [UInt8]) -> Void)] = [
    (.notELF, "it is empty", { $0 = [] }),
    (.notELF, "it begins with the text \"# Page\"", { $0 = Array("# Page\nwalk".utf8) }),
    (.notELF, "it begins with the bytes 1f 8b 08 00", { $0 = [0x1F, 0x8B, 8, 0, 1] }),
    (.truncated, "header is cut off after 51 bytes", { $0 = Array($0.prefix(51)) }),
    (.wrongClass, "64-bit", { $0[4] = 2 }),
    (.wrongClass, "unknown class 9", { $0[4] = 9 }),
    (.wrongByteOrder, "big-endian", { $0[5] = 2 }),
    (.wrongByteOrder, "unknown byte order", { $0[5] = 7 }),
    (.wrongMachine, "e_machine is 62", { $0[18] = 62 }),
    (.wrongType, "not linked", { $0[16] = 1 }),
    (.wrongType, "position-independent", { $0[16] = 3 }),
    (.wrongType, "core dump", { $0[16] = 4 }),
    (.wrongType, "unknown type 77", { $0[16] = 77 }),
    (.wrongType, "interpreter", { $0.set32(52 + 32, 3) }),
    (.malformed, "version 2", { $0.set32(20, 2) }),
    (.malformed, "program headers are 31 bytes", { $0[42] = 31 }),
    (.malformed, "section headers are 64 bytes", { $0[46] = 64 }),
    (.truncated, "program header table", { $0.set32(28, 0x7FFF_FFFF) }),
    (.truncated, "section header table", { $0.set32(32, 0x7FFF_FFFF) }),
    (.truncated, "section header table", { $0[49] = 0xF0 }),
    (.truncated, "segment 0 (64 bytes at offset", { $0.set32(52 + 4, 0xFFFF_FFF0) }),
    (.truncated, "segment 1 (268435456 bytes", { $0.set32(84 + 16, 0x1000_0000) }),
    (.absurdSize, "has 3 bytes in the file for 2 bytes", { $0.set32(84 + 20, 2) }),
    (.absurdSize, "past 4 GiB", { $0.set32(84 + 20, 0xFFFF_0000) }),
    (
      .overlappingSegments, "segments 0 (physical 0x100000-0x10003f) and 1 (0x100030-0x10102f) overlap",
      { $0.set32(84 + 12, 0x10_0030) }
    ),
    (
      .noLoadableSegment, "no loadable segment",
      {
        $0.set32(52, 4); $0.set32(84, 4)
      }
    ),
    (.noLoadableSegment, "no loadable segment", { $0[44] = 0 }),
    (.entryOutsideSegments, "0x200000 is in none", { $0.set32(24, 0x20_0000) }),
  ]

  @Test(arguments: refusals.indices) func refuses(_ index: Int) throws {
    let (reason, text, damage) = Self.refusals[index]
    var bytes = ELFBuilder.sample().build()
    damage(&bytes)
    let error = #expect(throws: GuestImageError.self) { try GuestImage(file: "bad.elf", bytes: bytes) }
    let sentence = error.map(String.init(describing:)) ?? ""
    #expect(error?.reason == reason, "\(sentence)")
    #expect(sentence.contains(text), "\(sentence)")
    #expect(sentence.hasPrefix("bad.elf: "))
    #expect(sentence.contains("; expected "))
    #expect(!sentence.contains("\n"))
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = ELFBuilder.sample(multibootFlags: 3).build()
    for length in 0..<bytes.count {
      #expect(throws: GuestImageError.self, "cut to \(length) bytes") {
        try GuestImage(file: "cut.elf", bytes: Array(bytes.prefix(length)))
      }
    }
    _ = try GuestImage(file: "whole.elf", bytes: bytes)
  }

  @Test func unreadableFilesAreNamed() {
    for (path, reason) in [
      ("/nonexistent/kernel.elf", GuestImageError.Reason.unreadable), ("/", .notAFile),
      ("/dev/null", .notAFile),
    ] {
      let error = #expect(throws: GuestImageError.self) { try GuestImage(reading: path) }
      #expect(error?.reason == reason)
      #expect(error?.file == path)
    }
  }
}

@Suite("Symbols")
struct SymbolTests {
  let table: SymbolTable

  init() throws { table = try ELFImage(file: "s", bytes: ELFBuilder.sample().build()).symbols }

  @Test func areFoundByAddress() {
    func at(_ address: UInt32) -> String {
      table.symbol(at: address).map { "\($0.symbol.name)+\($0.offset)" } ?? "none"
    }
    #expect(at(0xC010_000F) == "none")
    #expect(at(0xC010_0010) == "start+0")
    #expect(at(0xC010_001F) == "start+15")
    #expect(at(0xC010_0020) == "$e4main3fooyyF+0")
    #expect(at(0xC010_0024) == "inner+0")
    #expect(at(0xC010_0028) == "$e4main3fooyyF+8")
    #expect(at(0xC010_0030) == "none")
    #expect(at(0xC010_2007) == "table+7")
    #expect(at(0xFFFF_FFFF) == "none")
    #expect(at(0) == "none")
  }

  @Test func areFoundByName() {
    #expect(table.named("table")?.address == 0xC010_2000)
    #expect(table.named("table")?.kind == .object)
    #expect(table.named("inner")?.isGlobal == false)
    #expect(table.named("nobody") == nil)
  }

  @Test func areFoundByPhysicalAddressBeforePaging() throws {
    let image = try ELFImage(file: "s", bytes: ELFBuilder.sample().build())
    let found = try #require(image.symbol(atPhysical: 0x10_0024))
    #expect(found.symbol.name == "inner")
    #expect(found.offset == 0)
    #expect(image.symbol(atPhysical: 0xC010_0024) == nil)
  }

  @Test func functionsComeFirstAtOneAddress() {
    let table = SymbolTable([
      Symbol(name: "label", address: 16, size: 0, kind: .label, isGlobal: true),
      Symbol(name: "function", address: 16, size: 0, kind: .function, isGlobal: false),
      Symbol(name: "object", address: 16, size: 4, kind: .object, isGlobal: true),
    ])
    #expect(table.symbol(at: 17)?.symbol.name == "object")
    #expect(table.symbol(at: 16)?.symbol.name == "object")
    #expect(table.symbol(at: 40)?.symbol.name == "function")
  }

  /// Against a search that looks at every symbol.
  @Test func lookupAgreesWithAFullSearch() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      let symbols = (0..<Int.random(in: 0...30, using: &random)).map { number in
        Symbol(
          name: "s\(number)", address: .random(in: 0..<64, using: &random),
          size: .random(in: 0..<16, using: &random),
          kind: .function, isGlobal: true)
      }
      let table = SymbolTable(symbols)
      for address in UInt32(0)..<90 {
        let covering = symbols.filter { $0.address <= address && address < $0.address + $0.size }
        let found = table.symbol(at: address)?.symbol
        if let innermost = covering.map(\.address).max() {
          #expect(found?.address == innermost)
          #expect(found.map { covering.contains($0) } == true)
        } else if let nearest = symbols.filter({ $0.address <= address }).map(\.address).max() {
          let hasSizeless = symbols.contains { $0.address == nearest && $0.size == 0 }
          #expect(found == nil || (found!.address == nearest && found!.size == 0 && hasSizeless))
        } else {
          #expect(found == nil)
        }
      }
    }
  }

  @Test(arguments: [
    ("$s4main3fooyyF", 0), ("$e10MiniKernel14BuddyAllocatorV8allocate5orders6UInt32VSgAG_tF", 1),
    ("$s4main1fyyACAcDtF", 3), ("$s4main1fyyA3C_tF", 3), ("$s4main1fyyA12_A0_tF", 2), ("$s4main012ACAC", 0),
    ("$s4mainA", 0), ("$s99AC", 0), ("$s4main5AAAAAACAC", 2), ("$s4mainq1_ACAC", 2),
  ]) func backReferencesAreCounted(_ name: String, _ count: Int) {
    #expect(backReferences(in: Array(name.utf8)) == count)
  }

  @Test func swiftNamesAreDemangled() {
    func letter(_ index: Int) -> String {
      index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : index == 26 ? "_" : "\(index - 27)_"
    }
    #expect(demangle("$s4main3fooyyF") == "main.foo() -> ()")
    #expect(demangle("$e4main3fooyyF") == "main.foo() -> ()")
    #expect(demangle("start") == nil)
    #expect(demangle("$s") == nil)
    #expect(demangle("$s" + String(repeating: "x", count: 100_000)) == nil)
    // References to earlier types, each type twice the one before: 30 of them would fill 60 GB.
    let types = (0..<30).map { "SDyA\(letter($0 + 2))A\(letter($0 + 2))G" }.joined()
    #expect(demangle("$s4main1fyySDySiSiG_" + types + "tF") == nil)
    #expect(demangle("$s4main1fyySDySiSiG_SDyACACGtF") != nil)
    #expect(table.symbol(at: 0xC010_0020)?.symbol.displayName == "main.foo() -> ()")
    #expect(table.symbol(at: 0xC010_0010)?.symbol.displayName == "start")
  }
}
