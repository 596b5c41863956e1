import CElf
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

  /// A module, or the symbols, where they came to lie.
  private struct Placed {
    let start: UInt32
    let end: UInt32
    let string: String
  }

  init(
    image: GuestImage, commandLine: String, modules: [BootPlan.Module], memory: [BootPlan.MemoryRegion],
    placement: inout Placement
  ) throws(GuestImageError) {
    var writes: [BootPlan.Write] = []
    let behindKernel = image.segments.map(\.physicalRange.upperBound).max() ?? 0
    // Room is asked for in this order: the structure is small and has the best claim to low memory.
    let strings = [commandLine, Self.loaderName] + modules.map(\.string)
    let size =
      Self.structureSize + modules.count * Self.moduleEntrySize + memory.count * Self.mapEntrySize
      + strings.reduce(0) { $0 + HostName.bytes($1).count + 1 }
    guard let base = placement.place(size: UInt64(size), alignment: 16, from: Self.preferredAddress) else {
      throw GuestImageError(
        file: image.file, .noRoom, "no free RAM below 4 GiB for \(size) bytes of boot information",
        expected: "a machine with more memory, or a shorter command line")
    }
    address = UInt32(base)

    var placedModules: [Placed] = []
    for module in modules {
      // An empty module still gets an address of its own.
      guard
        let start = placement.place(
          size: UInt64(max(module.bytes.count, 1)), alignment: 0x1000, from: max(behindKernel, 1 << 20))
      else {
        throw GuestImageError(
          file: module.file, .noRoom,
          "no free RAM below 4 GiB for this module of \(module.bytes.count) bytes",
          expected: "a machine with more memory, or a smaller module")
      }
      if !module.bytes.isEmpty {
        writes.append(BootPlan.Write(address: PhysicalAddress(start), bytes: module.bytes[...]))
      }
      placedModules.append(
        Placed(start: UInt32(start), end: UInt32(start + UInt64(module.bytes.count)), string: module.string))
    }
    let sections = Self.placeSections(of: image, behind: behindKernel, placement: &placement, writes: &writes)
    let bytes = Self.serialise(
      at: base, commandLine: commandLine, modules: placedModules, memory: memory, sections: sections)
    writes.append(BootPlan.Write(address: PhysicalAddress(base), bytes: bytes[...]))
    self.writes = writes
  }

  // MARK: The structure

  /// The structure, then its tables, then its strings.
  private static func serialise(
    at base: UInt64, commandLine: String, modules: [Placed], memory: [BootPlan.MemoryRegion],
    sections: SectionTable?
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
  private static func memorySizes(_ memory: [BootPlan.MemoryRegion]) -> (lower: UInt32, upper: UInt32) {
    let usable = BootPlan.MemoryRegion.usableRanges(memory)
    let low = usable.first { $0.contains(0) }.map { min($0.upperBound, 640 << 10) } ?? 0
    let high = usable.first { $0.contains(1 << 20) }.map { $0.upperBound - (1 << 20) } ?? 0
    return (UInt32(low >> 10), UInt32(clamping: high >> 10))
  }

  // MARK: Symbols for the guest

  /// The section header table as the guest finds it.
  private struct SectionTable {
    let address: UInt32
    let count: UInt32
    let namesIndex: UInt32
  }

  /// Places the section header table, symbol table and string tables of an ELF image, with `sh_addr` of those that
  /// the image itself doesn't load set to where they went. A convenience for the guest's backtraces: where there is no
  /// room, the guest boots without.
  private static func placeSections(
    of image: GuestImage, behind kernelEnd: UInt64, placement: inout Placement, writes: inout [BootPlan.Write]
  ) -> SectionTable? {
    guard let elf = image.elf, image.multiboot?.addresses == nil, !elf.sections.isEmpty else { return nil }
    var attempt = placement
    var placed: [BootPlan.Write] = []
    var table = Array(elf.bytes[elf.sectionHeaderRange])
    let from = max(kernelEnd, 1 << 20)
    for (index, section) in elf.sections.enumerated() {
      guard section.type == UInt32(SHT_SYMTAB) || section.type == UInt32(SHT_STRTAB) else { continue }
      guard !section.isLoaded, !section.fileRange.isEmpty else { continue }
      guard let start = attempt.place(size: UInt64(section.fileRange.count), alignment: 16, from: from) else {
        return nil
      }
      placed.append(BootPlan.Write(address: PhysicalAddress(start), bytes: elf.bytes[section.fileRange]))
      table.replaceDoubleword(at: index * 40 + 12, with: UInt32(start))
    }
    guard let start = attempt.place(size: UInt64(table.count), alignment: 16, from: from) else { return nil }
    placed.append(BootPlan.Write(address: PhysicalAddress(start), bytes: table[...]))
    placement = attempt
    writes += placed
    return SectionTable(
      address: UInt32(start), count: UInt32(elf.sections.count), namesIndex: UInt32(elf.sectionNamesIndex))
  }
}
