/// A file that the machine can boot: an ELF32 i386 executable, with or without a Multiboot header, or a flat binary
/// whose Multiboot header holds load addresses.
public struct GuestImage: Sendable {
  /// The file's name, as the caller gave it.
  public let file: String
  /// The whole file.
  public let bytes: [UInt8]
  /// The ELF view; nil for a flat binary.
  public let elf: ELFImage?
  /// The Multiboot header; nil for an ELF file that boots without the protocol.
  public let multiboot: MultibootHeader?
  /// What is loaded: the ELF segments, unless the Multiboot header's load addresses take their place.
  public let segments: [Segment]
  /// The physical address of the first instruction.
  public let entry: UInt32

  /// The image's symbols; none for a flat binary.
  public var symbols: SymbolTable { elf?.symbols ?? SymbolTable() }

  /// The file at `path`.
  ///
  /// - Throws: `GuestImageError` if it can't be read or booted.
  public init(reading path: String) throws(GuestImageError) {
    try self.init(file: path, bytes: HostFile.read(path))
  }

  /// The file `bytes`, called `file` in messages.
  ///
  /// - Throws: `GuestImageError` if it can't be booted.
  public init(file: String, bytes: [UInt8]) throws(GuestImageError) {
    let header = MultibootHeader.find(in: bytes)
    try header?.checkRequirements(file: file)
    let isELF = bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46])
    if let header, let addresses = header.addresses {
      elf = isELF ? try ELFImage(file: file, bytes: bytes) : nil
      let (segment, entry) = try header.loadedSegment(addresses, file: file, length: bytes.count)
      segments = [segment]
      self.entry = entry
    } else {
      let elf = try ELFImage(file: file, bytes: bytes)
      self.elf = elf
      segments = elf.segments
      entry = elf.entry
    }
    self.file = file
    self.bytes = bytes
    multiboot = header
  }
}
