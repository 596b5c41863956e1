import HostFiles
import IA32

/// The boot information that a Multiboot 2 kernel is handed in EBX, a list of tags. Multiboot2 Specification 2.0, 3.6.
struct Multiboot2Information {
  /// Where the list is: what goes into EBX.
  let address: UInt32
  let writes: [BootPlan.Write]

  /// The types of tags that a kernel may be given: command line, loader's name, modules, memory sizes, memory map, frame buffer,
  /// ELF sections, load address.
  static let types: [UInt32] = [1, 2, 3, 4, 6, 8, 9, 21]
  private static let preferredAddress: UInt64 = 0x9000

  init(
    image: GuestImage, commandLine: String, modules: [BootPlan.Module], memory: [BootPlan.MemoryRegion],
    placement: inout Placement
  ) throws(GuestImageError) {
    var writes: [BootPlan.Write] = []
    let wide = modules.map { HostName.bytes($0.string).count + 24 }.reduce(0, +)
    // The list's size is known when it is written; its place has to be before. An upper bound does.
    let size =
      wide + HostName.bytes(commandLine).count + memory.count * 24
      + (image.elf?.sectionHeaderRange.count ?? 0) + 256
    let base = try placement.placeInformation(size: size, from: Self.preferredAddress, file: image.file)
    let placed = try placement.place(modules, behind: image.segments, writes: &writes)
    let sections = GuestSections.place(of: image, placement: &placement, writes: &writes)

    var list = TagList()
    list.add(1) { $0 += Self.string(commandLine) }
    list.add(2) { $0 += Self.string(MultibootInformation.loaderName) }
    for module in placed {
      list.add(3) {
        $0.append(littleEndian: module.start)
        $0.append(littleEndian: module.end)
        $0 += Self.string(module.string)
      }
    }
    let (lower, upper) = MultibootInformation.memorySizes(memory)
    list.add(4) {
      $0.append(littleEndian: lower)
      $0.append(littleEndian: upper)
    }
    list.add(6) {
      $0.append(littleEndian: UInt32(24))  // an entry's size
      $0.append(littleEndian: UInt32(0))  // its version
      for region in memory {
        $0.append(littleEndian: region.range.lowerBound)
        $0.append(littleEndian: region.range.upperBound - region.range.lowerBound)
        $0.append(littleEndian: UInt32(region.usable ? 1 : 2))
        $0.append(littleEndian: UInt32(0))
      }
    }
    list.add(8) { Self.describeScreen(&$0) }
    if let sections {
      list.add(9) {
        $0.append(littleEndian: sections.count)
        $0.append(littleEndian: UInt32(40))
        $0.append(littleEndian: sections.namesIndex)
        $0 += sections.table
      }
    }
    if image.multiboot2?.isRelocatable == true {
      list.add(21) { $0.append(littleEndian: image.segments.map(\.physical).min() ?? 0) }
    }
    let bytes = list.finish()
    writes.append(BootPlan.Write(address: PhysicalAddress(base), bytes: bytes[...]))
    address = UInt32(base)
    self.writes = writes
  }

  /// A NUL ends the string for the guest, so one inside would only hide the rest.
  private static func string(_ text: String) -> [UInt8] { HostName.bytes(text).filter { $0 != 0 } + [0] }

  /// The "EGA text" frame buffer: type 2, in cells.
  private static func describeScreen(_ bytes: inout [UInt8]) {
    bytes.append(littleEndian: UInt64(0xB_8000))
    bytes.append(littleEndian: UInt32(160))  // bytes of a line
    bytes.append(littleEndian: UInt32(80))
    bytes.append(littleEndian: UInt32(25))
    bytes += [16, 2, 0, 0]  // bits of a cell, type, reserved
  }
}

/// Tags one behind the other, each on a multiple of 8.
private struct TagList {
  private var bytes = [UInt8](repeating: 0, count: 8)

  mutating func add(_ type: UInt32, _ contents: (inout [UInt8]) -> Void) {
    let start = bytes.count
    bytes.append(littleEndian: type)
    bytes.append(littleEndian: UInt32(0))
    contents(&bytes)
    bytes.replaceDoubleword(at: start + 4, with: UInt32(bytes.count - start))
    while bytes.count % 8 != 0 { bytes.append(0) }
  }

  /// With the end tag, and the whole size in front.
  consuming func finish() -> [UInt8] {
    add(0) { _ in }
    bytes.replaceDoubleword(at: 0, with: UInt32(bytes.count))
    return bytes
  }
}
