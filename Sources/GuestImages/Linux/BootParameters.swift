import HostFiles
import IA32

/// `boot_params`, the "zero page" that a Linux kernel is handed in ESI, and what it points to. Linux,
/// `Documentation/arch/x86/zero-page.rst` and `boot.rst`, "32-bit Boot Protocol".
struct BootParameters {
  /// Where the structure is: what goes into ESI.
  let address: UInt32
  let writes: [BootPlan.Write]

  private static let size = 4096
  /// Below the data area of the BIOS there is nothing to hit; 90000h is where boot loaders have always had it.
  private static let preferredAddress: UInt64 = 0x9_0000
  private static let maxMapEntries = 128
  /// What a kernel that has no setup header any more, its ELF file, takes.
  private static let defaultMaxCommandLine = 2047

  init(
    image: GuestImage, commandLine: String, modules: [BootPlan.Module], memory: [BootPlan.MemoryRegion],
    placement: inout Placement
  ) throws(GuestImageError) {
    let line = HostName.bytes(commandLine).filter { $0 != 0 }
    let maxLine = image.linux?.maxCommandLine ?? Self.defaultMaxCommandLine
    guard line.count <= maxLine else {
      throw GuestImageError(
        file: image.file, .noRoom, "its command line of \(line.count) characters is too long",
        expected: "at most \(maxLine) characters")
    }
    guard
      let base = placement.place(
        size: UInt64(Self.size + line.count + 1), alignment: 4096, from: Self.preferredAddress)
    else {
      throw GuestImageError(
        file: image.file, .noRoom, "no free RAM below 4 GiB for its boot parameters",
        expected: "a machine with more memory")
    }
    var page = [UInt8](repeating: 0, count: Self.size)
    Self.describeScreen(&page)
    Self.describeMemory(memory, &page)
    if let header = image.linux {
      page.replaceSubrange(LinuxHeader.offset..<LinuxHeader.offset + header.bytes.count, with: header.bytes)
    } else {
      Self.writeHeader(entry: image.entry, &page)
    }
    page[0x210] = 0xFF  // type_of_loader: one without a number
    page.replaceDoubleword(at: 0x228, with: UInt32(base) + UInt32(Self.size))
    var writes: [BootPlan.Write] = []
    if let disk = try RAMDisk(modules) {
      let start = try disk.place(
        behind: Self.end(of: image), below: image.linux?.maxRAMDiskAddress, &placement)
      writes += disk.writes(at: start)
      page.replaceDoubleword(at: 0x218, with: UInt32(start))
      page.replaceDoubleword(at: 0x21C, with: UInt32(disk.size))
    } else {
      page.replaceDoubleword(at: 0x218, with: 0)
      page.replaceDoubleword(at: 0x21C, with: 0)
    }
    writes.append(BootPlan.Write(address: PhysicalAddress(base), bytes: (page + line + [0])[...]))
    address = UInt32(base)
    self.writes = writes
  }

  /// Where the kernel's own memory ends, also that which it unpacks itself to.
  private static func end(of image: GuestImage) -> UInt64 {
    max(image.segments.map(\.physicalRange.upperBound).max() ?? 0, image.linux?.runRange.upperBound ?? 0)
  }

  /// `screen_info`: the VGA's text mode 3, as the BIOS would leave it.
  private static func describeScreen(_ page: inout [UInt8]) {
    page[0x06] = 3  // orig_video_mode
    page[0x07] = 80  // orig_video_cols
    page[0x0E] = 25  // orig_video_lines
    page[0x0F] = 1  // orig_video_isVGA
    page[0x10] = 16  // orig_video_points
  }

  /// The memory map, and the sizes that kernels read before there was one.
  private static func describeMemory(_ memory: [BootPlan.MemoryRegion], _ page: inout [UInt8]) {
    let high = BootPlan.MemoryRegion.usableRanges(memory).first { $0.contains(1 << 20) }
    let kibibytes = high.map { ($0.upperBound - (1 << 20)) >> 10 } ?? 0
    page[0x02] = UInt8(truncatingIfNeeded: min(kibibytes, 0xFFFF))
    page[0x03] = UInt8(truncatingIfNeeded: min(kibibytes, 0xFFFF) >> 8)
    page.replaceDoubleword(at: 0x1E0, with: UInt32(clamping: kibibytes))
    var entries: [UInt8] = []
    for region in memory.prefix(maxMapEntries) {
      entries.append(littleEndian: region.range.lowerBound)
      entries.append(littleEndian: region.range.upperBound - region.range.lowerBound)
      entries.append(littleEndian: UInt32(region.usable ? 1 : 2))
    }
    page[0x1E8] = UInt8(min(memory.count, maxMapEntries))
    page.replaceSubrange(0x2D0..<0x2D0 + entries.count, with: entries)
  }

  /// The fields of a setup header that a kernel's ELF file has not, as its bzImage would have them.
  private static func writeHeader(entry: UInt32, _ page: inout [UInt8]) {
    page[0x1FE] = 0x55
    page[0x1FF] = 0xAA
    page.replaceSubrange(0x202..<0x206, with: "HdrS".utf8)
    page[0x206] = 0x0C  // version 2.12
    page[0x207] = 0x02
    page[0x211] = 1  // loaded high
    page.replaceDoubleword(at: 0x214, with: entry)
    page.replaceDoubleword(at: 0x22C, with: 0x7FFF_FFFF)
    page.replaceDoubleword(at: 0x238, with: UInt32(defaultMaxCommandLine))
  }
}
