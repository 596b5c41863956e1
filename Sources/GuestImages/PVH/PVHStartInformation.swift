import HostFiles
import IA32

/// `hvm_start_info`, which a kernel with a PVH note is handed in EBX, and what it points to. Xen,
/// `public/arch-x86/hvm/start_info.h`, version 1.
struct PVHStartInformation {
  static let magic: UInt32 = 0x336E_C578
  /// Where the structure is: what goes into EBX.
  let address: UInt32
  let writes: [BootPlan.Write]

  private static let structureSize = 56
  private static let moduleEntrySize = 32
  private static let mapEntrySize = 24
  private static let preferredAddress: UInt64 = 0x9000

  init(
    image: GuestImage, commandLine: String, modules: [BootPlan.Module], memory: [BootPlan.MemoryRegion],
    placement: inout Placement
  ) throws(GuestImageError) {
    let strings = [commandLine] + modules.map(\.string)
    let size =
      Self.structureSize + modules.count * Self.moduleEntrySize + memory.count * Self.mapEntrySize
      + strings.reduce(0) { $0 + HostName.bytes($1).count + 1 }
    let base = try placement.placeInformation(size: size, from: Self.preferredAddress, file: image.file)
    var writes: [BootPlan.Write] = []
    let placed = try placement.place(modules, behind: image.segments, writes: &writes)
    address = UInt32(base)

    let moduleTable = base + UInt64(Self.structureSize)
    let map = moduleTable + UInt64(modules.count * Self.moduleEntrySize)
    let stringBase = map + UInt64(memory.count * Self.mapEntrySize)
    var bytes: [UInt8] = []
    var text: [UInt8] = []
    func place(_ string: String) -> UInt64 {
      defer { text += HostName.bytes(string).filter { $0 != 0 } + [0] }
      return stringBase + UInt64(text.count)
    }
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: UInt32(1))  // version
    bytes.append(littleEndian: UInt32(0))  // flags
    bytes.append(littleEndian: UInt32(modules.count))
    bytes.append(littleEndian: modules.isEmpty ? 0 : moduleTable)
    bytes.append(littleEndian: place(commandLine))
    bytes.append(littleEndian: UInt64(0))  // no RSDP
    bytes.append(littleEndian: map)
    bytes.append(littleEndian: UInt32(memory.count))
    bytes.append(littleEndian: UInt32(0))
    for module in placed {
      bytes.append(littleEndian: UInt64(module.start))
      bytes.append(littleEndian: UInt64(module.end - module.start))
      bytes.append(littleEndian: place(module.string))
      bytes.append(littleEndian: UInt64(0))
    }
    for region in memory {
      bytes.append(littleEndian: region.range.lowerBound)
      bytes.append(littleEndian: region.range.upperBound - region.range.lowerBound)
      bytes.append(littleEndian: UInt32(region.usable ? 1 : 2))
      bytes.append(littleEndian: UInt32(0))
    }
    writes.append(BootPlan.Write(address: PhysicalAddress(base), bytes: (bytes + text)[...]))
    self.writes = writes
  }
}
