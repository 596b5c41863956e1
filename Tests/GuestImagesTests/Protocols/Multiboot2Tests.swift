import Testing

@testable import GuestImages

/// Multiboot 2, written against its specification.
@Suite("Multiboot 2")
struct Multiboot2Tests {
  let memory = pcMemory(megabytes: 6144)

  /// A header with these tags: type, optional, contents.
  static func header(_ tags: [(UInt16, Bool, [UInt32])], architecture: UInt32 = 0) -> [UInt8] {
    var list: [UInt8] = []
    for (type, isOptional, words) in tags + [(0, false, [])] {
      list.append16(type)
      list.append16(isOptional ? 1 : 0)
      list.append32(UInt32(8 + 4 * words.count))
      for word in words { list.append32(word) }
      while list.count % 8 != 0 { list.append(0) }
    }
    var bytes: [UInt8] = []
    let length = UInt32(16 + list.count)
    for word in [0xE852_50D6, architecture, length, 0 &- 0xE852_50D6 &- architecture &- length] {
      bytes.append32(word)
    }
    return bytes + list
  }

  /// A kernel with the header at an offset of its text, which is at offset 116 of the file.
  func kernel(_ header: [UInt8]) -> ELFBuilder {
    var builder = ELFBuilder.sample()
    builder.segments[0].bytes =
      [UInt8](repeating: 0x90, count: 4) + header + [UInt8](repeating: 0x90, count: 64)
    return builder
  }

  func image(_ tags: [(UInt16, Bool, [UInt32])] = []) throws(GuestImageError) -> GuestImage {
    try GuestImage(file: "k", bytes: kernel(Self.header(tags)).build())
  }

  /// The information's tags: type and where the contents begin.
  func tags(_ guest: PlannedMemory) -> [(type: UInt32, contents: UInt32, size: UInt32)] {
    let start = guest.plan.ebx
    var found: [(UInt32, UInt32, UInt32)] = []
    var at = start + 8
    while at < start + guest.word(start) {
      found.append((guest.word(at), at + 8, guest.word(at + 4) - 8))
      at = (at + guest.word(at + 4) + 7) & ~7
    }
    return found
  }

  @Test func informationSaysEverything() throws {
    let image = try self.image([(1, false, [1, 2, 3, 4, 6, 9]), (6, false, []), (4, false, [3])])
    #expect(image.bootProtocol == .multiboot2)
    let modules = [
      BootPlan.Module(file: "a", bytes: [UInt8](repeating: 0xAA, count: 5000), string: "first"),
      BootPlan.Module(file: "b", bytes: [], string: ""),
    ]
    let plan = try BootPlan(image: image, commandLine: "one two", modules: modules, memory: memory)
    let guest = PlannedMemory(plan: plan)
    guest.expectSound(in: memory)
    #expect(plan.eax == 0x36D7_6289 && plan.ebx % 8 == 0)
    let tags = tags(guest)
    #expect(tags.map(\.type) == [1, 2, 3, 3, 4, 6, 8, 9, 0])
    #expect(guest.word(plan.ebx + 4) == 0)
    #expect(guest.string(tags[0].contents) == "one two" && guest.string(tags[1].contents) == "Pagewalk")
    let start = guest.word(tags[2].contents)
    #expect(start % 4096 == 0 && guest.word(tags[2].contents + 4) == start + 5000)
    #expect((0..<5000).allSatisfy { guest.byte(UInt64(start) + $0) == 0xAA })
    #expect(guest.string(tags[2].contents + 8) == "first")
    #expect(guest.word(tags[4].contents) == 640 && guest.word(tags[4].contents + 4) == 3 * 1024 * 1024 - 1024)
    #expect(guest.word(tags[5].contents) == 24)
    let map = (0..<(tags[5].size - 8) / 24).map { index -> BootPlan.MemoryRegion in
      let entry = tags[5].contents + 8 + 24 * index
      let start = guest.quad(entry)
      return .init(range: start..<start + guest.quad(entry + 8), usable: guest.word(entry + 16) == 1)
    }
    #expect(map == memory)
    #expect(guest.quad(tags[6].contents) == 0xB_8000 && guest.byte(UInt64(tags[6].contents) + 21) == 2)
    #expect(guest.word(tags[7].contents) == 5 && guest.word(tags[7].contents + 4) == 40)
    let symbols = tags[7].contents + 12 + 2 * 40
    #expect(guest.word(symbols + 4) == 2, "a symbol table")
    let strings = guest.word(tags[7].contents + 12 + 3 * 40 + 12)
    #expect(guest.string(strings + guest.word(guest.word(symbols + 12) + 16)) == "start")
  }

  @Test func entryAndAddressesTakeThePlaceOfTheELFFiles() throws {
    #expect(try image([(3, false, [0x10_0030])]).entry == 0x10_0030)
    #expect(throws: GuestImageError.self) { try self.image([(3, false, [0x20_0030])]) }
    let kludge = Self.header([(2, false, [0x20_0000, 0x20_0000, 0, 0x20_8000]), (3, false, [0x20_0060])])
    let flat = kludge + [UInt8](repeating: 0x90, count: 100)
    let image = try GuestImage(file: "k", bytes: flat)
    #expect(image.elf == nil && image.entry == 0x20_0060)
    #expect(image.segments[0].physicalRange == 0x20_0000..<0x20_8000)
    #expect(ImageStart(image).sentence.hasPrefix("Multiboot 2, its header at offset 0 with load addresses"))
    // A load address of FFFFFFFFh: the file's beginning.
    let late = Self.header([(2, false, [0x20_0008, .max, 0, 0]), (3, false, [0x20_0060])])
    let moved = try GuestImage(file: "k", bytes: [UInt8](repeating: 0, count: 8) + late + flat)
    #expect(moved.segments[0].physical == 0x20_0000 && moved.segments[0].fileRange.lowerBound == 0)
    let alone = Self.header([(2, false, [0x20_0000, 0x20_0000, 0, 0])])
    #expect(throws: GuestImageError.self) { try GuestImage(file: "k", bytes: alone) }
  }

  @Test func aRelocatableKernelIsToldWhereItIs() throws {
    let moved = try self.image([(10, false, [0x10_0000, 0x100_0000, 4096, 0])])
    let guest = PlannedMemory(plan: try BootPlan(image: moved, memory: memory))
    let tag = try #require(tags(guest).first { $0.type == 21 })
    #expect(guest.word(tag.contents) == 0x10_0000)
  }

  @Test func whatThisMachineHasNotIsRefused() throws {
    for (tags, isRefused): ([(UInt16, Bool, [UInt32])], Bool) in [
      ([(5, false, [1024, 768, 32])], false), ([(7, false, [])], true), ([(7, true, [])], false),
      ([(11, false, [])], true), ([(11, true, [])], false), ([(1, false, [7])], true),
      ([(1, true, [7])], false),
      ([(8, false, [0x10_0000])], false),
    ] {
      let error = Result { try self.image(tags) }.failure as? GuestImageError
      #expect((error?.reason == .unsupportedMultiboot) == isRefused, "\(tags)")
    }
    #expect(ImageStart(try image([(5, true, [0, 0, 0])])).warnings.count == 1)
  }

  @Test func aWrongHeaderIsNone() {
    var bytes = Self.header([])
    #expect(Multiboot2Header.find(in: bytes)?.offset == 0)
    #expect(Multiboot2Header.find(in: [0, 0, 0, 0] + bytes) == nil, "not on a multiple of 8")
    #expect(Multiboot2Header.find(in: [UInt8](repeating: 0, count: 32744) + bytes)?.offset == 32744)
    #expect(Multiboot2Header.find(in: [UInt8](repeating: 0, count: 32752) + bytes) == nil)
    #expect(Multiboot2Header.find(in: Self.header([], architecture: 4)) == nil, "MIPS")
    bytes[12] ^= 1
    #expect(Multiboot2Header.find(in: bytes) == nil)
    #expect(Multiboot2Header.find(in: []) == nil)
  }

  @Test func multiboot1ComesFirstUnlessAnotherIsChosen() throws {
    var bytes = kernel(Self.header([])).build()
    bytes += multibootHeader(flags: 0)
    #expect(try GuestImage(file: "k", bytes: bytes).bootProtocol == .multiboot)
    #expect(
      try GuestImage(file: "k", bytes: bytes, start: StartChoice(bootProtocol: .multiboot2)).bootProtocol
        == .multiboot2)
  }
}
