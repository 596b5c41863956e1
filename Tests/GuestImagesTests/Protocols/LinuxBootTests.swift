import Testing

@testable import GuestImages

/// Linux by its 32-bit boot protocol: the bzImage and the kernel's ELF file.
@Suite("Linux boot protocol")
struct LinuxBootTests {
  let memory = pcMemory(megabytes: 6144)

  func module(_ count: Int, _ name: String = "initrd") -> BootPlan.Module {
    BootPlan.Module(file: name, bytes: [UInt8](repeating: 0xAA, count: count), string: name)
  }

  /// Why it can't be booted.
  func refusal(
    _ builder: LinuxBuilder, cut: Int = 0, line: String = "", modules: [BootPlan.Module] = [],
    megabytes: UInt64 = 64
  ) -> GuestImageError? {
    do {
      let image = try GuestImage(file: "vmlinuz", bytes: Array(builder.build().dropLast(cut)))
      _ = try BootPlan(
        image: image, commandLine: line, modules: modules, memory: pcMemory(megabytes: megabytes))
      return nil
    } catch {
      return error
    }
  }

  @Test func aBzImageIsLoadedBehindItsSetupCode() throws {
    let image = try GuestImage(file: "vmlinuz", bytes: LinuxBuilder().build())
    #expect(image.bootProtocol == .linux && image.elf == nil)
    #expect(image.linux?.kernelVersion == "6.1.0-test (someone) #1 SMP")
    #expect(image.linux?.payload == 1536 + 16..<1536 + 116)
    let plan = try BootPlan(
      image: image, commandLine: "console=ttyS0", modules: [module(5000)], memory: memory)
    let guest = PlannedMemory(plan: plan)
    guest.expectSound(in: memory)
    #expect((plan.entry, plan.eax, plan.ebx) == (0x10_0000, 0, 0))
    #expect(plan.writes[0].range == 0x10_0000..<0x10_03E8)
    let parameters = plan.esi
    #expect(parameters % 4096 == 0 && parameters < 0xA_0000)

    // The setup header is copied, with the loader's fields filled in.
    #expect(guest.word(parameters + 0x202) == 0x5372_6448, "HdrS")
    #expect(guest.word(parameters + 0x206) & 0xFFFF == 0x20F)
    #expect(guest.byte(UInt64(parameters) + 0x1F1) == 2)
    #expect(guest.byte(UInt64(parameters) + 0x210) == 0xFF)
    #expect(guest.word(parameters + 0x260) == 0x40_0000)
    #expect(guest.string(guest.word(parameters + 0x228)) == "console=ttyS0")
    let disk = guest.word(parameters + 0x218)
    #expect(guest.word(parameters + 0x21C) == 5000)
    #expect(disk % 4096 == 0 && disk >= 0x140_0000, "behind what the kernel unpacks itself to")
    #expect((0..<5000).allSatisfy { guest.byte(UInt64(disk) + $0) == 0xAA })
    // What would have been the setup code's text is not the kernel's.
    #expect(guest.byte(UInt64(parameters) + 0x380) == 0)
  }

  @Test func theMemoryMapIsTheMachines() throws {
    let plan = try BootPlan(image: GuestImage(file: "k", bytes: LinuxBuilder().build()), memory: memory)
    let guest = PlannedMemory(plan: plan)
    let count = Int(guest.byte(UInt64(plan.esi) + 0x1E8))
    let map = (0..<UInt32(count)).map { index -> BootPlan.MemoryRegion in
      let entry = plan.esi + 0x2D0 + 20 * index
      let start = guest.quad(entry)
      return .init(range: start..<start + guest.quad(entry + 8), usable: guest.word(entry + 16) == 1)
    }
    #expect(map == memory)
    #expect(guest.word(plan.esi + 0x218) == 0 && guest.word(plan.esi + 0x21C) == 0)
    // screen_info: mode 3, 80 by 25, a VGA.
    #expect([6, 7, 0xE, 0xF, 0x10].map { guest.byte(UInt64(plan.esi) + $0) } == [3, 80, 25, 1, 16])
    #expect(guest.word(plan.esi + 2) & 0xFFFF == 0xFFFF)
    #expect(guest.word(plan.esi + 0x1E0) == 3 * 1024 * 1024 - 1024)
  }

  @Test func theKernelsELFFileGetsAHeaderOfItsOwn() throws {
    let bytes = ELFBuilder.noted([ELFBuilder.pvhNote, ELFBuilder.linuxNote]).build()
    let image = try GuestImage(file: "vmlinux", bytes: bytes)
    #expect(image.bootProtocol == .linux)
    let plan = try BootPlan(
      image: image, commandLine: "quiet", modules: [module(3), module(8, "more")], memory: memory)
    let guest = PlannedMemory(plan: plan)
    guest.expectSound(in: memory)
    #expect(plan.entry == 0x10_0010)
    #expect(guest.word(plan.esi + 0x202) == 0x5372_6448)
    #expect(guest.byte(UInt64(plan.esi) + 0x210) == 0xFF)
    #expect(guest.string(guest.word(plan.esi + 0x228)) == "quiet")
    // Several RAM disks lie one behind the other, each on a multiple of 4.
    #expect(guest.word(plan.esi + 0x21C) == 12)
    let disk = UInt64(guest.word(plan.esi + 0x218))
    #expect(
      (0..<12).map { guest.byte(disk + $0) } == [0xAA, 0xAA, 0xAA, 0] + [UInt8](repeating: 0xAA, count: 8))
    // The start of the sentence says which of the two it is.
    #expect(ImageStart(image).sentence.hasPrefix("Linux ELF, by the 32-bit boot protocol; 2 segments"))
  }

  @Test func whatIsWrongIsSaid() throws {
    #expect(refusal(LinuxBuilder()) == nil)
    #expect(refusal(LinuxBuilder(version: 0x201))?.reason == .malformed)
    #expect(refusal(LinuxBuilder(loadFlags: 0))?.description.contains("zImage") == true)
    #expect(refusal(LinuxBuilder(), cut: 600)?.reason == .truncated)
    #expect(refusal(LinuxBuilder(), cut: 1000)?.reason == .truncated)
    #expect(refusal(LinuxBuilder(preferredAddress: 0xFFFF_0000))?.reason == .absurdSize)
    let small = try #require(refusal(LinuxBuilder(), megabytes: 16))
    #expect(small.reason == .outsideMemory && small.description.contains("unpacks itself to"))
    #expect(refusal(LinuxBuilder(), line: String(repeating: "x", count: 2048))?.reason == .noRoom)
    #expect(refusal(LinuxBuilder(), line: String(repeating: "x", count: 2047)) == nil)
    let disk = [module(8192)]
    #expect(refusal(LinuxBuilder(maxRAMDiskAddress: 0x140_1000), modules: disk)?.reason == .noRoom)
    #expect(refusal(LinuxBuilder(maxRAMDiskAddress: 0x140_1FFF), modules: disk) == nil)
    let named = BootPlan.Module(file: "initrd", bytes: [1], string: "root=/dev/ram0")
    #expect(refusal(LinuxBuilder(), modules: [named])?.reason == .unsupportedProtocol)
  }
}

/// Kernels with a PVH note.
@Suite("PVH")
struct PVHTests {
  let memory = pcMemory(megabytes: 6144)

  @Test func startInformationSaysEverything() throws {
    let image = try GuestImage(file: "k", bytes: ELFBuilder.noted([ELFBuilder.pvhNote]).build())
    #expect(image.bootProtocol == .pvh && image.entry == 0x10_0020)
    let module = BootPlan.Module(file: "m", bytes: [1, 2, 3], string: "first module")
    let plan = try BootPlan(image: image, commandLine: "a b", modules: [module], memory: memory)
    let guest = PlannedMemory(plan: plan)
    guest.expectSound(in: memory)
    let info = plan.ebx
    #expect((plan.entry, plan.eax, guest.word(info), guest.word(info + 4)) == (0x10_0020, 0, 0x336E_C578, 1))
    #expect(guest.word(info + 12) == 1)
    let table = guest.word(info + 16)
    let start = guest.quad(table)
    #expect((0..<3).map { guest.byte(start + $0) } == [1, 2, 3] && guest.quad(table + 8) == 3)
    #expect(guest.string(guest.word(table + 16)) == "first module")
    #expect(guest.string(guest.word(info + 24)) == "a b")
    #expect(guest.quad(info + 32) == 0, "no RSDP")
    let map = (0..<guest.word(info + 48)).map { index -> BootPlan.MemoryRegion in
      let entry = guest.word(info + 40) + 24 * index
      let start = guest.quad(entry)
      return .init(range: start..<start + guest.quad(entry + 8), usable: guest.word(entry + 16) == 1)
    }
    #expect(map == memory)
  }

  @Test func aProtocolCanBeChosen() throws {
    let both = ELFBuilder.noted([ELFBuilder.pvhNote, ELFBuilder.linuxNote]).build()
    for (chosen, entry) in [(BootProtocol.pvh, UInt32(0x10_0020)), (.linux, 0x10_0010), (.plain, 0x10_0010)] {
      let image = try GuestImage(file: "k", bytes: both, start: StartChoice(bootProtocol: chosen))
      #expect(image.bootProtocol == chosen && image.entry == entry)
    }
    for missing in [BootProtocol.multiboot, .multiboot2] {
      let error = #expect(throws: GuestImageError.self) {
        try GuestImage(file: "k", bytes: both, start: StartChoice(bootProtocol: missing))
      }
      #expect(error?.reason == .unsupportedProtocol)
    }
    let outside = ELFBuilder.noted([("Xen", 18, [0, 0, 0, 1])]).build()
    #expect(throws: GuestImageError.self) { try GuestImage(file: "k", bytes: outside) }
  }

  @Test func aFlatBinaryGoesWhereItIsTold() throws {
    let bytes: [UInt8] = [0xF4, 0xEB, 0xFD]
    let image = try GuestImage(file: "flat", bytes: bytes, start: StartChoice(loadAddress: 0x7C00))
    let plan = try BootPlan(image: image, memory: memory)
    #expect(plan.entry == 0x7C00 && plan.writes[0].range == 0x7C00..<0x7C03 && plan.bootProtocol == .plain)
    #expect(
      ImageStart(image).sentence.hasPrefix("flat binary with EAX and EBX 0; 1 segment at 00007c00-00007c02"))
    for (address, bytes, reason) in [
      (UInt32(0xFFFF_FFFF), bytes, GuestImageError.Reason.absurdSize), (0xA_0000, bytes, .outsideMemory),
      (0x7C00, [], .noLoadableSegment),
    ] {
      let error = #expect(throws: GuestImageError.self) {
        let image = try GuestImage(file: "flat", bytes: bytes, start: StartChoice(loadAddress: address))
        _ = try BootPlan(image: image, memory: memory)
      }
      #expect(error?.reason == reason)
    }
    #expect(StartChoice.parseAddress("0x7c00") == 0x7C00 && StartChoice.parseAddress("100000") == 0x10_0000)
    for text in ["", "0x", "1g", "100000000", "-1", "+1"] { #expect(StartChoice.parseAddress(text) == nil) }
  }
}
