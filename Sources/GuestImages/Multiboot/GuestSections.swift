import CElf
import IA32

/// The section header table of an ELF image as a Multiboot kernel finds it, with its symbols: for the kernel's own backtraces.
struct GuestSections {
  /// The physical address of the table.
  let address: UInt32
  let count: UInt32
  /// The index of the section that holds the sections' names.
  let namesIndex: UInt32
  /// The table itself, entries of 40 bytes.
  let table: [UInt8]

  /// Places the section header table, symbol table and string tables of an ELF image, with `sh_addr` of those that
  /// the image itself doesn't load set to where they went. A convenience: where there is no room, the guest boots without.
  static func place(
    of image: GuestImage, placement: inout Placement, writes: inout [BootPlan.Write]
  ) -> GuestSections? {
    guard let elf = image.elf, !image.usesLoadAddresses, !elf.sections.isEmpty else { return nil }
    var attempt = placement
    var placed: [BootPlan.Write] = []
    var table = Array(elf.bytes[elf.sectionHeaderRange])
    let from = max(image.segments.map(\.physicalRange.upperBound).max() ?? 0, 1 << 20)
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
    return GuestSections(
      address: UInt32(start), count: UInt32(elf.sections.count), namesIndex: UInt32(elf.sectionNamesIndex),
      table: table)
  }
}
