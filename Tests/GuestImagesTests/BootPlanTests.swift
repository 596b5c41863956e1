import Testing

@testable import GuestImages

/// What a PC with `megabytes` of RAM tells its guest: the hole from A0000h to 1 MiB, and one below 4 GiB.
func pcMemory(megabytes: UInt64) -> [BootPlan.MemoryRegion] {
  let total = megabytes << 20
  let hole: UInt64 = 0xC000_0000
  var memory = [
    BootPlan.MemoryRegion(range: 0..<0xA_0000, usable: true),
    BootPlan.MemoryRegion(range: 0xA_0000..<0x10_0000, usable: false),
  ]
  if total > 1 << 20 {
    memory.append(BootPlan.MemoryRegion(range: 0x10_0000..<min(total, hole), usable: true))
  }
  memory.append(BootPlan.MemoryRegion(range: 0xFFFF_0000..<0x1_0000_0000, usable: false))
  if total > hole {
    memory.append(BootPlan.MemoryRegion(range: 0x1_0000_0000..<0x1_0000_0000 + total - hole, usable: true))
  }
  return memory
}

/// A plan applied to a sparse memory, as a guest would read it.
struct PlannedMemory {
  let plan: BootPlan

  func byte(_ address: UInt64) -> UInt8 {
    for write in plan.writes where write.range.contains(address) {
      return write.bytes[write.bytes.startIndex + Int(address - write.address.rawValue)]
    }
    return 0
  }

  func word(_ address: UInt32) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(byte(UInt64(address) + UInt64($1))) << UInt32(8 * $1) }
  }

  func quad(_ address: UInt32) -> UInt64 { UInt64(word(address)) | UInt64(word(address + 4)) << 32 }

  func string(_ address: UInt32) -> String {
    var bytes: [UInt8] = []
    var next = UInt64(address)
    while byte(next) != 0 { bytes.append(byte(next)); next += 1 }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Nothing overlaps, and all of it is usable RAM.
  func expectSound(in memory: [BootPlan.MemoryRegion], _ comment: Comment? = nil) {
    let ranges = (plan.writes.map(\.range) + plan.zeroFills).sorted { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(ranges, ranges.dropFirst()) { #expect(a.upperBound <= b.lowerBound, comment) }
    for range in ranges {
      let inside = memory.contains {
        $0.usable && $0.range.lowerBound <= range.lowerBound && range.upperBound <= $0.range.upperBound
      }
      #expect(inside, comment)
    }
  }
}

@Suite("Boot plans")
struct BootPlanTests {
  let memory = pcMemory(megabytes: 6144)

  func image(flags: UInt32? = 3) throws -> GuestImage {
    try GuestImage(file: "k.elf", bytes: ELFBuilder.sample(multibootFlags: flags).build())
  }

  @Test func loadsSegmentsAndZeroesTheRest() throws {
    let plan = try BootPlan(image: image(flags: nil), memory: memory)
    #expect(plan.bootProtocol == .plain)
    #expect((plan.entry, plan.eax, plan.ebx) == (0x10_0010, 0, 0))
    #expect(plan.writes.map(\.address.rawValue) == [0x10_0000, 0x10_2000, 0, 0x400])
    #expect(plan.zeroFills == [0x10_2003..<0x10_3000])
    PlannedMemory(plan: plan).expectSound(in: memory)
  }

  @Test func multibootInformationSaysEverything() throws {
    let modules = [
      BootPlan.Module(
        file: "a", bytes: [UInt8](repeating: 0xAA, count: 5000), string: "initrd root=/dev/ram"),
      BootPlan.Module(file: "b", bytes: [], string: ""),
    ]
    let plan = try BootPlan(
      image: image(), commandLine: "console=ttyS0 quiet", modules: modules, memory: memory)
    let guest = PlannedMemory(plan: plan)
    guest.expectSound(in: memory)
    #expect(plan.bootProtocol == .multiboot)
    #expect(plan.eax == 0x2BAD_B002)
    let info = plan.ebx
    #expect(guest.word(info) == 1 << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 9)
    #expect(guest.word(info + 4) == 640)
    #expect(guest.word(info + 8) == 3 * 1024 * 1024 - 1024)
    #expect(guest.string(guest.word(info + 16)) == "console=ttyS0 quiet")
    #expect(guest.string(guest.word(info + 64)) == "Pagewalk")

    #expect(guest.word(info + 20) == 2)
    let table = guest.word(info + 24)
    let first = guest.word(table)
    #expect(first % 0x1000 == 0)
    #expect(guest.word(table + 4) == first + 5000)
    #expect((0..<5000).allSatisfy { guest.byte(UInt64(first) + $0) == 0xAA })
    #expect(guest.string(guest.word(table + 8)) == "initrd root=/dev/ram")
    #expect(guest.word(table + 16) % 0x1000 == 0)
    #expect(guest.word(table + 16) == guest.word(table + 20))
    #expect(guest.string(guest.word(table + 24)) == "")

    var entry = guest.word(info + 48)
    let end = entry + guest.word(info + 44)
    var map: [BootPlan.MemoryRegion] = []
    while entry < end {
      let start = guest.quad(entry + 4)
      map.append(
        .init(range: start..<start + guest.quad(entry + 12), usable: guest.word(entry + 20) == 1))
      entry += guest.word(entry) + 4
    }
    #expect(map == memory)
    #expect(map.last?.range == 0x1_0000_0000..<0x1_C000_0000)
  }

  /// The guest can name its own functions from what it is handed.
  @Test func symbolsReachTheGuest() throws {
    let plan = try BootPlan(image: image(), memory: memory)
    let guest = PlannedMemory(plan: plan)
    let (count, size, table) = (
      guest.word(plan.ebx + 28), guest.word(plan.ebx + 32), guest.word(plan.ebx + 36)
    )
    #expect((count, size) == (5, 40))
    #expect(guest.word(plan.ebx + 40) == 4)
    let symbols = guest.word(table + 2 * 40 + 12)
    let strings = guest.word(table + 3 * 40 + 12)
    let names = (0..<guest.word(table + 2 * 40 + 20) / 16).map {
      guest.string(strings + guest.word(symbols + 16 * $0))
    }
    #expect(names == ["", "start", "$e4main3fooyyF", "inner", "table"])
    #expect(guest.word(table + 40 + 12) == 0xC010_0000, "a loaded section keeps its address")
    let sectionNames = guest.word(table + 4 * 40 + 12)
    #expect(guest.string(sectionNames + guest.word(table + 2 * 40)) == ".symtab")
  }

  @Test func informationMovesOutOfTheKernelsWay() throws {
    // The kernel covers all of low memory that is usable, and where the structure would go.
    var builder = ELFBuilder.sample(multibootFlags: 3)
    builder.segments.append(.init(physical: 0x1000, virtual: 0x1000, bytes: [1], memorySize: 0x9_F000))
    let plan = try BootPlan(image: GuestImage(file: "k", bytes: builder.build()), memory: memory)
    #expect(plan.ebx >= 0x10_0000)
    PlannedMemory(plan: plan).expectSound(in: memory)
  }

  @Test func aSmallMachineBoots() throws {
    let memory = pcMemory(megabytes: 2)
    let plan = try BootPlan(image: image(), memory: memory)
    PlannedMemory(plan: plan).expectSound(in: memory)
    #expect(PlannedMemory(plan: plan).word(plan.ebx + 8) == 1024)
  }

  @Test func refusesWhatDoesNotFit() throws {
    func reason(
      _ megabytes: UInt64, _ modules: [BootPlan.Module] = [], edit: (inout ELFBuilder) -> Void = { _ in }
    )
      -> (GuestImageError.Reason, String)?
    {
      var builder = ELFBuilder.sample(multibootFlags: 3)
      edit(&builder)
      do {
        let image = try GuestImage(file: "k.elf", bytes: builder.build())
        _ = try BootPlan(image: image, modules: modules, memory: pcMemory(megabytes: megabytes))
        return nil
      } catch {
        return (error.reason, error.description)
      }
    }
    let beyond = try #require(reason(1))
    #expect(beyond.0 == .outsideMemory)
    #expect(beyond.1.contains("reaches beyond the machine's RAM"))
    #expect(beyond.1.contains("0x0-0x9ffff"))
    let rom = try #require(reason(16) { $0.segments[1].physical = 0xF_0000 })
    #expect(rom.0 == .outsideMemory)
    #expect(rom.1.contains("covers 0xa0000-0xfffff, which is reserved"))
    let across = try #require(reason(16) { $0.segments[1].physical = 0x9_FFF0 })
    #expect(across.0 == .outsideMemory)
    let big = BootPlan.Module(file: "big.img", bytes: [UInt8](repeating: 0, count: 4 << 20), string: "")
    let module = try #require(reason(4, [big]))
    #expect(module.0 == .noRoom)
    #expect(module.1.hasPrefix("big.img: "))
    #expect(reason(8, [big]) == nil)
  }

  @Test func optionsThatCanNotReachTheGuestAreRefused() throws {
    let plain = try image(flags: nil)
    for (line, modules) in [("x", []), ("", [BootPlan.Module(file: "m", bytes: [1], string: "")])] {
      let error = #expect(throws: GuestImageError.self) {
        try BootPlan(image: plain, commandLine: line, modules: modules, memory: memory)
      }
      #expect(error?.reason == .unsupportedMultiboot)
    }
  }
}

@Suite("Multiboot headers")
struct MultibootHeaderTests {
  @Test func areFoundAtMultiplesOfFourInTheFirst8KiB() {
    for (offset, found) in [(0, true), (4, true), (6, false), (8180, true), (8184, false), (12000, false)] {
      var bytes = [UInt8](repeating: 0, count: 16384)
      bytes.replaceSubrange(offset..<offset + 12, with: multibootHeader(flags: 3))
      #expect((MultibootHeader.find(in: bytes)?.offset == offset) == found, "at \(offset)")
    }
  }

  @Test func aWrongChecksumIsNoHeader() {
    var bytes = multibootHeader(flags: 3)
    bytes[8] ^= 1
    #expect(MultibootHeader.find(in: bytes) == nil)
    // A decoy in front doesn't hide the real one.
    #expect(MultibootHeader.find(in: bytes + multibootHeader(flags: 0))?.offset == 12)
    #expect(MultibootHeader.find(in: []) == nil)
    #expect(MultibootHeader.find(in: [2, 0xB0, 0xAD, 0x1B]) == nil)
  }

  @Test func unknownRequirementsAreRefused() {
    for bit in UInt32(0)..<32 where bit != 16 {
      let bytes = ELFBuilder.sample(multibootFlags: 1 << bit).build()
      let error = Result { try GuestImage(file: "k", bytes: bytes) }.failure as? GuestImageError
      // Bits 0 to 2 are known, 3-15 must be, and 17-31 may be ignored.
      #expect((error?.reason == .unsupportedMultiboot) == (3...15).contains(bit), "bit \(bit)")
    }
  }

  /// A flat binary: header at 8, loaded at 1 MiB.
  func flat(
    header: UInt32 = 0x10_0008, load: UInt32 = 0x10_0000, loadEnd: UInt32 = 0, bssEnd: UInt32 = 0,
    entry: UInt32 = 0x10_0030
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xCC, count: 8) + multibootHeader(flags: 0x1_0003)
    for value in [header, load, loadEnd, bssEnd, entry] { bytes.append32(value) }
    return bytes + [UInt8](repeating: 0x90, count: 100 - bytes.count)
  }

  @Test func loadAddressesAreHonoured() throws {
    let image = try GuestImage(file: "flat.bin", bytes: flat(loadEnd: 0x10_0040, bssEnd: 0x10_2000))
    #expect(image.elf == nil)
    let memory = pcMemory(megabytes: 16)
    let plan = try BootPlan(image: image, memory: memory)
    #expect(plan.entry == 0x10_0030)
    #expect(plan.writes[0].range == 0x10_0000..<0x10_0040)
    #expect(plan.zeroFills == [0x10_0040..<0x10_2000])
    PlannedMemory(plan: plan).expectSound(in: memory)
    #expect(PlannedMemory(plan: plan).word(plan.ebx) & 1 << 5 == 0, "a flat binary has no sections")

    let whole = try GuestImage(file: "flat.bin", bytes: flat())
    #expect(whole.segments[0].physicalRange == 0x10_0000..<0x10_0064)
    let late = try GuestImage(file: "flat.bin", bytes: flat(header: 0x10_0008, load: 0x10_0008))
    #expect(late.segments[0].fileRange == 8..<100)
  }

  @Test func contradictoryLoadAddressesAreRefused() {
    for (bytes, reason) in [
      (flat(load: 0x10_0010), GuestImageError.Reason.malformed),
      (flat(load: 0x0F_0000), .malformed),
      (flat(loadEnd: 0x10_0000), .malformed),
      (flat(loadEnd: 0x10_0040, bssEnd: 0x10_003F), .malformed),
      (flat(loadEnd: 0x20_0000), .truncated),
      (flat(header: 0xFFFF_FFF8, load: 0xFFFF_FFF0), .absurdSize),
      (flat(entry: 0x10_0064), .entryOutsideSegments),
      (flat(entry: 0x0F_FFFF), .entryOutsideSegments),
    ] {
      let error = Result { try GuestImage(file: "flat.bin", bytes: bytes) }.failure as? GuestImageError
      #expect(error?.reason == reason, "\(String(describing: error))")
    }
  }
}

extension Result {
  var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
