/// A file that the machine can boot: an ELF32 i386 executable (with a Multiboot header, a PVH note or neither), a flat binary
/// whose Multiboot header holds load addresses, a Linux bzImage, or any bytes with an address to load them at.
public struct GuestImage: Sendable {
  /// The file's name, as the caller gave it.
  public let file: String
  /// The whole file.
  public let bytes: [UInt8]
  /// The ELF view; nil for a flat binary and a bzImage.
  public let elf: ELFImage?
  /// The Multiboot header that the image is started by; nil where it is started otherwise.
  public let multiboot: MultibootHeader?
  /// The Multiboot 2 header that the image is started by; nil where it is started otherwise.
  public let multiboot2: Multiboot2Header?
  /// The setup header of a bzImage.
  public let linux: LinuxHeader?
  /// How it is started.
  public let bootProtocol: BootProtocol
  /// What is loaded: the ELF segments, unless a Multiboot header's load addresses take their place.
  public let segments: [Segment]
  /// The physical address of the first instruction.
  public let entry: UInt32

  /// The image's symbols; none for a flat binary.
  public var symbols: SymbolTable { elf?.symbols ?? SymbolTable() }

  /// Whether a Multiboot header's load addresses take the place of ELF segments.
  var usesLoadAddresses: Bool { (multiboot?.addresses ?? multiboot2?.addresses) != nil }

  /// The protocols that the file's contents show, those by which it is not started included.
  public var possibleProtocols: [BootProtocol] {
    var found: [BootProtocol] = []
    if MultibootHeader.find(in: bytes) != nil { found.append(.multiboot) }
    if Multiboot2Header.find(in: bytes) != nil { found.append(.multiboot2) }
    if linux != nil || elf?.isLinux == true { found.append(.linux) }
    if elf?.pvhEntry != nil { found.append(.pvh) }
    return found
  }

  /// The file at `path`.
  ///
  /// - Throws: `GuestImageError` if it can't be read or booted.
  public init(reading path: String, start: StartChoice = StartChoice()) throws(GuestImageError) {
    // Of a disk that may be larger than all memory.
    let bytes =
      start.bootProtocol == .bootSector ? try HostFile.read(path, first: 512) : try HostFile.read(path)
    try self.init(file: path, bytes: bytes, start: start)
  }

  /// The file `bytes`, called `file` in messages.
  ///
  /// - Throws: `GuestImageError` if it can't be booted.
  public init(file: String, bytes: [UInt8], start: StartChoice = StartChoice()) throws(GuestImageError) {
    let parts = try GuestImageReader(file: file, bytes: bytes).read(start)
    self.file = file
    self.bytes = bytes
    elf = parts.elf
    multiboot = parts.multiboot
    multiboot2 = parts.multiboot2
    linux = parts.linux
    bootProtocol = parts.bootProtocol
    segments = parts.segments
    entry = parts.entry
  }
}
