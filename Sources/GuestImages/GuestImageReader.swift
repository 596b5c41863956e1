/// Finds out what a file is and how it is started.
struct GuestImageReader {
  /// What was found.
  struct Parts {
    var elf: ELFImage?
    var multiboot: MultibootHeader?
    var multiboot2: Multiboot2Header?
    var linux: LinuxHeader?
    var bootProtocol = BootProtocol.plain
    var segments: [Segment] = []
    var entry: UInt32 = 0
  }

  let file: String
  let bytes: [UInt8]

  private var isELF: Bool { bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) }

  func read(_ start: StartChoice) throws(GuestImageError) -> Parts {
    if let address = start.loadAddress { return try flat(at: address, start.bootProtocol) }
    switch start.bootProtocol {
    case .multiboot: return try byMultiboot()
    case .multiboot2: return try byMultiboot2()
    case .linux: return try LinuxHeader.isOne(bytes) ? bzImage() : ofELF(.linux)
    case .pvh: return try ofELF(.pvh)
    case .plain: return try ofELF(.plain)
    case .bootSector: return try bootSector()
    case nil: return try byContents()
    }
  }

  /// The protocol that the contents show. Multiboot 1 comes before 2 where there are both: its loaders are the older ones.
  private func byContents() throws(GuestImageError) -> Parts {
    if !isELF, LinuxHeader.isOne(bytes) { return try bzImage() }
    if MultibootHeader.find(in: bytes) != nil { return try byMultiboot() }
    if Multiboot2Header.find(in: bytes) != nil { return try byMultiboot2() }
    let elf = try ELFImage(file: file, bytes: bytes)
    return try ofELF(elf.isLinux ? .linux : elf.pvhEntry == nil ? .plain : .pvh, elf)
  }

  private func byMultiboot() throws(GuestImageError) -> Parts {
    guard let header = MultibootHeader.find(in: bytes) else {
      throw lacks("a Multiboot header", because: "\(MultibootHeader.whyNone(in: bytes))")
    }
    try header.checkRequirements(file: file)
    var parts = Parts(multiboot: header, bootProtocol: .multiboot)
    if let addresses = header.addresses {
      parts.elf = isELF ? try ELFImage(file: file, bytes: bytes) : nil
      let (segment, entry) = try addresses.segment(
        file: file, header: "Multiboot", at: header.offset, length: bytes.count)
      parts.segments = [segment]
      parts.entry = entry
    } else {
      try parts.take(ELFImage(file: file, bytes: bytes))
    }
    return parts
  }

  private func byMultiboot2() throws(GuestImageError) -> Parts {
    guard let header = Multiboot2Header.find(in: bytes) else {
      throw lacks("a Multiboot 2 header", because: "there is none for i386 in the first 32768 bytes")
    }
    try header.checkRequirements(file: file)
    var parts = Parts(multiboot2: header, bootProtocol: .multiboot2)
    if let addresses = header.addresses {
      parts.elf = isELF ? try ELFImage(file: file, bytes: bytes) : nil
      let (segment, entry) = try addresses.segment(
        file: file, header: "Multiboot 2", at: header.offset, length: bytes.count)
      parts.segments = [segment]
      parts.entry = entry
    } else {
      try parts.take(ELFImage(file: file, bytes: bytes))
      if let entry = header.entry {
        guard parts.segments.contains(where: { $0.physicalRange.contains(UInt64(entry)) }) else {
          throw GuestImageError(
            file: file, .entryOutsideSegments,
            "the entry tag's address 0x\(hex(entry)) is in none of its segments",
            expected: "the physical address of an instruction in a loaded segment")
        }
        parts.entry = entry
      }
    }
    return parts
  }

  private func bzImage() throws(GuestImageError) -> Parts {
    let header = try LinuxHeader(file: file, bytes: bytes)
    return Parts(
      linux: header, bootProtocol: .linux, segments: [try header.segment(in: bytes.count, file: file)],
      entry: header.loadAddress)
  }

  /// An ELF file without Multiboot.
  private func ofELF(_ bootProtocol: BootProtocol, _ known: ELFImage? = nil) throws(GuestImageError) -> Parts
  {
    let elf = if let known { known } else { try ELFImage(file: file, bytes: bytes) }
    var parts = Parts(bootProtocol: bootProtocol)
    parts.take(elf)
    if bootProtocol == .pvh {
      guard let entry = elf.pvhEntry else {
        throw lacks("a PVH note", because: "there is no note 18 of owner Xen")
      }
      guard parts.segments.contains(where: { $0.physicalRange.contains(UInt64(entry)) }) else {
        throw GuestImageError(
          file: file, .entryOutsideSegments,
          "the PVH note's entry 0x\(hex(entry)) is in none of its segments",
          expected: "the physical address of an instruction in a loaded segment")
      }
      parts.entry = entry
    }
    return parts
  }

  /// Bytes without a format.
  private func flat(at address: UInt32, _ bootProtocol: BootProtocol?) throws(GuestImageError) -> Parts {
    guard bootProtocol == nil || bootProtocol == .plain else {
      throw GuestImageError(
        file: file, .unsupportedProtocol, "what is loaded at an address of one's own has no boot protocol",
        expected: "either a load address or a protocol")
    }
    guard !bytes.isEmpty else {
      throw GuestImageError(file: file, .noLoadableSegment, "it is empty", expected: "something to load")
    }
    guard UInt64(address) + UInt64(bytes.count) <= 1 << 32 else {
      throw GuestImageError(
        file: file, .absurdSize, "\(bytes.count) bytes at 0x\(hex(address)) reach past 4 GiB",
        expected: "an end below 4 GiB")
    }
    let segment = Segment(
      index: 0, physical: address, virtual: address, fileRange: 0..<bytes.count,
      memorySize: UInt32(bytes.count),
      flags: [.read, .write, .execute])
    return Parts(segments: [segment], entry: address)
  }

  /// A disk. What the machine gets of it is what the guest reads.
  private func bootSector() throws(GuestImageError) -> Parts {
    guard bytes.count >= 512, bytes[510] == 0x55, bytes[511] == 0xAA else {
      throw GuestImageError(
        file: file, .unsupportedProtocol, "its first sector does not end with 55h AAh, so nothing boots it",
        expected: "a disk with a boot sector")
    }
    return Parts(bootProtocol: .bootSector, entry: 0x7C00)
  }

  private func lacks(_ what: String, because reason: String) -> GuestImageError {
    GuestImageError(
      file: file, .unsupportedProtocol, "it can't be started that way: \(reason)",
      expected: "an image with \(what), or no choice of a protocol")
  }
}

extension GuestImageReader.Parts {
  fileprivate mutating func take(_ elf: ELFImage) {
    self.elf = elf
    segments = elf.segments
    entry = elf.entry
  }
}
