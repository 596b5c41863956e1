/// What a segment's pages may be used for: `p_flags`. The loader doesn't enforce it, the guest's page tables do.
public struct SegmentFlags: OptionSet, Hashable, Sendable {
  /// The bits of `p_flags`.
  public let rawValue: UInt32
  /// The flags in `rawValue`, as `p_flags` has them.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// `PF_X`.
  public static let execute = SegmentFlags(rawValue: 1)
  /// `PF_W`.
  public static let write = SegmentFlags(rawValue: 2)
  /// `PF_R`.
  public static let read = SegmentFlags(rawValue: 4)
}

/// A part of the file and the memory it fills.
public struct Segment: Hashable, Sendable {
  /// The index in the program header table, as `readelf -l` counts.
  public let index: Int
  /// `p_paddr`: where the loader puts it.
  public let physical: UInt32
  /// `p_vaddr`: where the guest sees it after it has turned paging on.
  public let virtual: UInt32
  /// The bytes in the file; fewer than `memorySize` where the rest is zeros (`.bss`).
  public let fileRange: Range<Int>
  /// `p_memsz`, in bytes; never 0.
  public let memorySize: UInt32
  /// What the pages may be used for: `p_flags`.
  public let flags: SegmentFlags

  /// A segment with these fields of its program header; they are not checked.
  public init(
    index: Int, physical: UInt32, virtual: UInt32, fileRange: Range<Int>, memorySize: UInt32,
    flags: SegmentFlags
  ) {
    self.index = index
    self.physical = physical
    self.virtual = virtual
    self.fileRange = fileRange
    self.memorySize = memorySize
    self.flags = flags
  }

  /// The physical bytes it occupies.
  public var physicalRange: Range<UInt64> { UInt64(physical)..<UInt64(physical) + UInt64(memorySize) }
  /// The linear addresses it is linked at.
  public var virtualRange: Range<UInt64> { UInt64(virtual)..<UInt64(virtual) + UInt64(memorySize) }
}

/// A section of the file: `Elf32_Shdr`, as far as loaders and debuggers care.
public struct Section: Hashable, Sendable {
  /// The name in the section name table.
  public let name: String
  /// `sh_type`.
  public let type: UInt32
  /// `sh_addr`, a linear address; 0 for sections that are not loaded.
  public let address: UInt32
  /// The bytes in the file, empty for `SHT_NOBITS`.
  public let fileRange: Range<Int>
  /// Whether the section is part of a segment: `SHF_ALLOC`.
  public let isLoaded: Bool
}

/// An ELF32 executable for i386, checked: whatever an instance says about its bytes is inside them.
public struct ELFImage: Sendable {
  /// The file's name, as the caller gave it.
  public let file: String
  /// The whole file.
  public let bytes: [UInt8]
  /// `e_entry` as a physical address: see `physicalEntry`.
  public let entry: UInt32
  /// `e_entry` as it stands in the file.
  public let headerEntry: UInt32
  /// The loadable segments, in the order of the program header table. At least one; no two overlap physically.
  public let segments: [Segment]
  /// The notes of its PT_NOTE segments.
  public let notes: [ELFNote]
  /// All sections, by their index; empty in a stripped image.
  public let sections: [Section]
  /// The bytes of the section header table in the file, entries of 40 bytes.
  public let sectionHeaderRange: Range<Int>
  /// The index of the section that holds the section names: `e_shstrndx`.
  public let sectionNamesIndex: Int
  /// The symbols of `.symtab`; empty in a stripped image.
  public let symbols: SymbolTable

  /// The file at `path`.
  ///
  /// - Throws: `GuestImageError` if it can't be read or is not a valid ELF32 i386 executable.
  public init(reading path: String) throws(GuestImageError) {
    try self.init(file: path, bytes: HostFile.read(path))
  }

  /// The file `bytes`, called `file` in messages.
  ///
  /// - Throws: `GuestImageError` if it is not a valid ELF32 i386 executable.
  public init(file: String, bytes: [UInt8]) throws(GuestImageError) {
    let parts = try ELFReader.read(file: file, bytes: bytes)
    try Self.checkOverlaps(parts.segments, file: file)
    guard let entry = Self.physicalEntry(parts.entry, in: parts.segments) else {
      throw GuestImageError(
        file: file, .entryOutsideSegments, "the entry point 0x\(hex(parts.entry)) is in none of its segments",
        expected: "an entry point inside a loaded segment (ENTRY in the linker script)")
    }
    self.file = file
    self.bytes = bytes
    self.entry = entry
    headerEntry = parts.entry
    segments = parts.segments
    notes = parts.notes
    sections = parts.sections
    sectionHeaderRange = parts.sectionHeaderRange
    sectionNamesIndex = parts.sectionNamesIndex
    symbols = SymbolTable(parts.symbols)
  }

  /// Whether the file has a line table: source lines.
  public var hasLineTable: Bool { sections.contains { $0.name == ".debug_line" } }

  /// Where execution begins, physically.
  ///
  /// Kernels of the higher half come in both kinds: those whose `e_entry` is physical already, and those that name
  /// the linear address of their entry code, which is then translated through the segment that holds it. A physical
  /// reading comes first where both are possible.
  static func physicalEntry(_ entry: UInt32, in segments: [Segment]) -> UInt32? {
    if segments.contains(where: { $0.physicalRange.contains(UInt64(entry)) }) { return entry }
    guard let segment = segments.first(where: { $0.virtualRange.contains(UInt64(entry)) }) else { return nil }
    return segment.physical + (entry - segment.virtual)
  }

  /// The symbol at a physical address of a loaded segment: for code that runs before paging is on.
  public func symbol(atPhysical address: UInt32) -> (symbol: Symbol, offset: UInt32)? {
    linkedAddress(ofPhysical: address).flatMap { symbols.symbol(at: $0) }
  }

  /// The address at which the bytes at a physical address of a loaded segment are linked.
  public func linkedAddress(ofPhysical address: UInt32) -> UInt32? {
    guard let segment = segments.first(where: { $0.physicalRange.contains(UInt64(address)) }) else {
      return nil
    }
    return segment.virtual &+ (address - segment.physical)
  }

  /// The symbol at the linear address of an instruction. Before paging is on, code runs at its physical addresses; code
  /// may stay at these when it is. nil outside the image.
  public func symbol(at linear: UInt32, isPaged: Bool) -> (symbol: Symbol, offset: UInt32)? {
    let isInside = segments.contains { segment in
      segment.virtualRange.contains(UInt64(linear)) || segment.physicalRange.contains(UInt64(linear))
    }
    guard isInside else { return nil }
    return isPaged
      ? symbols.symbol(at: linear) ?? symbol(atPhysical: linear)
      : symbol(atPhysical: linear) ?? symbols.symbol(at: linear)
  }

  private static func checkOverlaps(_ segments: [Segment], file: String) throws(GuestImageError) {
    let sorted = segments.sorted { ($0.physical, $0.index) < ($1.physical, $1.index) }
    for (a, b) in zip(sorted, sorted.dropFirst())
    where a.physicalRange.upperBound > b.physicalRange.lowerBound {
      throw GuestImageError(
        file: file, .overlappingSegments,
        "segments \(a.index) (physical \(describe(a.physicalRange))) and \(b.index) "
          + "(\(describe(b.physicalRange))) overlap",
        expected: "segments apart from each other (AT in the linker script)")
    }
  }
}
