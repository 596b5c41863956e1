import Testing

@testable import GuestImages

/// How an image is started is told in one sentence.
@Suite("How an image is started")
struct ImageStartTests {
  /// A kernel whose text is `text`, at the file's offset 84.
  private func start(_ text: [UInt8]) throws -> ImageStart {
    let builder = ELFBuilder(
      entry: 0x10_0010, segments: [.init(physical: 0x10_0000, virtual: 0xC010_0000, bytes: text)])
    return ImageStart(try GuestImage(file: "k.elf", bytes: builder.build()))
  }

  private func text(_ count: Int, _ header: [UInt8], at offset: Int) -> [UInt8] {
    var text = [UInt8](repeating: 0x90, count: count)
    text.replaceSubrange(offset..<offset + header.count, with: header)
    return text
  }

  @Test func byMultiboot() throws {
    let start = try start(text(64, multibootHeader(flags: 3), at: 0))
    #expect(start.way == .multiboot(offset: 84, usesLoadAddresses: false) && start.warnings == [])
    #expect(
      start.sentence == "Multiboot, its header at offset 84; 1 segment at 00100000-0010003f, entry 00100010")
  }

  @Test func withoutAHeader() throws {
    let start = try start(text(64, [], at: 0))
    #expect(start.way == .plain(.noHeader))
    #expect(
      start.sentence
        == "plain ELF with EAX and EBX 0, because it has no Multiboot header; 1 segment at 00100000-0010003f, entry 00100010"
    )
  }

  @Test func aWrongChecksumIsNamed() throws {
    var header = multibootHeader(flags: 3)
    header[8] ^= 0x10
    let start = try start(text(64, header, at: 4))
    #expect(start.way == .plain(.wrongChecksum(offset: 88, found: 0xE452_4FEB, right: 0xE452_4FFB)))
    #expect(
      start.sentence.contains(
        "because the checksum of the Multiboot header at offset 88 is 0xe4524feb, not 0xe4524ffb"))
  }

  @Test func aHeaderBehindTheFirst8KiBIsNamed() throws {
    let start = try start(text(16384, multibootHeader(flags: 0), at: 12204))
    #expect(start.way == .plain(.tooLate(offset: 12288)))
    #expect(
      start.sentence.contains(
        "because its Multiboot header, at offset 12288, is not within the first 8192 bytes"))
    // The last place that counts, and the first that doesn't.
    #expect(
      try self.start(text(16384, multibootHeader(flags: 0), at: 8180 - 84)).way
        == .multiboot(offset: 8180, usesLoadAddresses: false))
    #expect(
      try self.start(text(16384, multibootHeader(flags: 0), at: 8184 - 84)).way
        == .plain(.tooLate(offset: 8184)))
  }

  @Test func otherReasons() throws {
    #expect(try start(text(64, multibootHeader(flags: 0), at: 2)).way == .plain(.unaligned(offset: 86)))
    // Its fields would end behind the first 8 KiB.
    #expect(
      try start(text(16384, multibootHeader(flags: 0x1_0000), at: 8180 - 84)).way
        == .plain(.cutOff(offset: 8180)))
    // The magic number alone, as code that looks for it has it, is no header behind the first 8 KiB.
    #expect(try start(text(16384, [0x02, 0xB0, 0xAD, 0x1B], at: 12204)).way == .plain(.noHeader))
    #expect(MultibootHeader.whyNone(in: []) == .noHeader)
    #expect(MultibootHeader.whyNone(in: [2, 0xB0, 0xAD, 0x1B]) == .noHeader)
  }

  @Test func aWishForVideoIsNoReasonToRefuse() throws {
    let start = try start(text(64, multibootHeader(flags: 4) + [UInt8](repeating: 0, count: 20), at: 0))
    #expect(start.asksForVideo)
    #expect(
      start.warnings == [
        "its Multiboot header asks for a video mode; it is started in text mode, without the video fields"
      ])
    let image = try GuestImage(
      file: "k", bytes: ELFBuilder.sample(multibootFlags: 4).build())
    let plan = try BootPlan(image: image, memory: pcMemory(megabytes: 16))
    let guest = PlannedMemory(plan: plan)
    #expect(guest.word(plan.ebx) & (1 << 11 | 1 << 12) == 0, "no VBE, no framebuffer")
    #expect((72..<116).allSatisfy { guest.byte(UInt64(plan.ebx) + $0) == 0 })
  }
}
