import HostFiles
import IA32

/// The information structure that a Multiboot kernel is handed, and all it points to, placed in free RAM.
/// Multiboot Specification 0.6.96, 3.3.
///
/// Present: memory sizes (flags bit 0), command line (2), modules (3), ELF section headers with symbol and string
/// tables (5) for an ELF image that has them, the memory map (6) and the loader's name (9). Absent: the boot device and
/// all of BIOS, drives, APM and video (also where the header asks for a mode: the guest has the text mode of a PC).
struct MultibootInformation {
  /// Where the structure is: what goes into EBX.
  let address: UInt32
  let writes: [BootPlan.Write]

  static let loaderName = "Pagewalk"
  private static let structureSize = 116
  private static let moduleEntrySize = 16
  private static let mapEntrySize = 24
  /// Where the structure goes if it is free: RAM that kernels leave alone until they have read it, above what the
  /// BIOS of a PC keeps for itself.
  private static let preferredAddress: UInt64 = 0x9000

  init(
    image: GuestImage, commandLine: String, modules: [BootPlan.Module], memory: [BootPlan.MemoryRegion],
    placement: inout Placement
  ) throws(GuestImageError) {
    var writes: [BootPlan.Write] = []
    // Room is asked for in this order: the structure is small and has the best claim to low memory.
    let strings = [commandLine, Self.loaderName] + modules.map(\.string)
    let size =
      Self.structureSize + modules.count * Self.moduleEntrySize + memory.count * Self.mapEntrySize
      + strings.reduce(0) { $0 + HostName.bytes($1).count + 1 }
    let base = try placement.placeInformation(size: size, from: Self.preferredAddress, file: image.file)
    address = UInt32(base)

    let placedModules = try placement.place(modules, behind: image.segments, writes: &writes)
    let sections = GuestSections.place(of: image, placement: &placement, writes: &writes)
    let bytes = Self.serialise(
      at: base, commandLine: commandLine, modules: placedModules, memory: memory, sections: sections)
    writes.append(BootPlan.Write(address: PhysicalAddress(base), bytes: bytes[...]))
    self.writes = writes
  }

  // MARK: The structure

  /// The structure, then its tables, then its strings.
  private static func serialise(
    at base: UInt64, commandLine: String, modules: [PlacedModule], memory: [BootPlan.MemoryRegion],
    sections: GuestSections?
  ) -> [UInt8] {
    let moduleTable = UInt32(base) + UInt32(structureSize)
    let map = moduleTable + UInt32(modules.count * moduleEntrySize)
    var tables: [UInt8] = []
    var strings: [UInt8] = []
    let stringBase = map + UInt32(memory.count * mapEntrySize)
    func place(_ string: String) -> UInt32 {
      let address = stringBase + UInt32(strings.count)
      // A NUL ends the string for the guest, so one inside would only hide the rest.
      strings += HostName.bytes(string).filter { $0 != 0 }
      strings.append(0)
      return address
    }

    let commandLineAddress = place(commandLine)
    let loaderNameAddress = place(loaderName)
    for module in modules {
      tables.append(littleEndian: module.start)
      tables.append(littleEndian: module.end)
      tables.append(littleEndian: place(module.string))
      tables.append(littleEndian: UInt32(0))
    }
    for region in memory {
      tables.append(littleEndian: UInt32(mapEntrySize - 4))
      tables.append(littleEndian: region.range.lowerBound)
      tables.append(littleEndian: region.range.upperBound - region.range.lowerBound)
      tables.append(littleEndian: UInt32(region.usable ? 1 : 2))
    }

    let (lower, upper) = memorySizes(memory)
    let present: [UInt32] = [0, 2, 6, 9] + (modules.isEmpty ? [] : [3]) + (sections == nil ? [] : [5])
    var fields: [UInt8] = []
    func field(_ value: UInt32) { fields.append(littleEndian: value) }
    field(present.reduce(0) { $0 | 1 << $1 })
    field(lower)
    field(upper)
    field(0)  // boot_device
    field(commandLineAddress)
    field(UInt32(modules.count))
    field(modules.isEmpty ? 0 : moduleTable)
    field(sections?.count ?? 0)
    field(sections == nil ? 0 : 40)
    field(sections?.address ?? 0)
    field(sections?.namesIndex ?? 0)
    field(UInt32(memory.count * mapEntrySize))
    field(map)
    for _ in 0..<3 { field(0) }  // drives, ROM configuration table
    field(loaderNameAddress)
    fields += [UInt8](repeating: 0, count: structureSize - fields.count)
    return fields + tables + strings
  }

  /// mem_lower and mem_upper in KiB: RAM from 0, at most 640, and from 1 MiB up to the first hole.
  static func memorySizes(_ memory: [BootPlan.MemoryRegion]) -> (lower: UInt32, upper: UInt32) {
    let usable = BootPlan.MemoryRegion.usableRanges(memory)
    let low = usable.first { $0.contains(0) }.map { min($0.upperBound, 640 << 10) } ?? 0
    let high = usable.first { $0.contains(1 << 20) }.map { $0.upperBound - (1 << 20) } ?? 0
    return (UInt32(low >> 10), UInt32(clamping: high >> 10))
  }
}
