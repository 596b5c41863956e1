/// The Multiboot 2 header that an image carries in its first 32 KiB. Multiboot2 Specification 2.0, 3.1.
public struct Multiboot2Header: Hashable, Sendable {
  /// The magic number of the header.
  public static let magic: UInt32 = 0xE852_50D6
  /// What EAX holds when a Multiboot 2 kernel is entered.
  public static let bootloaderMagic: UInt32 = 0x36D7_6289
  /// The header lies wholly within this many bytes of the file's start.
  public static let maxSearchLength = 32768

  /// What a tag of the header is, in the specification's numbers.
  enum TagType: UInt16 {
    case end = 0
    case informationRequest = 1
    case address = 2
    case entryAddress = 3
    case consoleFlags = 4
    case framebuffer = 5
    case moduleAlignment = 6
    case efiBootServices = 7
    case efi32Entry = 8
    case efi64Entry = 9
    case relocatable = 10
  }

  /// The header's offset in the file.
  public let offset: Int
  /// The physical addresses that take the place of ELF segments: the address tag, with the entry tag's address.
  public let addresses: MultibootHeader.Addresses?
  /// The entry tag's address, which takes the place of the ELF file's.
  public let entry: UInt32?
  /// Whether the kernel asks for a frame buffer.
  public let asksForVideo: Bool
  /// Whether the image may be moved, and so is told where it is.
  public let isRelocatable: Bool
  /// Types of information tags that the kernel can't do without.
  let requiredInformation: [UInt32]
  /// A tag that is not optional and that the specification does not define, or that asks for what a PC without EFI has not.
  let unknownTag: UInt16?
  /// The address tag without an entry tag, which the specification forbids.
  let lacksEntry: Bool

  /// The first valid header for i386 in `bytes`: on a multiple of 8, with a checksum that brings the sum to 0.
  public static func find(in bytes: [UInt8]) -> Multiboot2Header? {
    let window = bytes.prefix(maxSearchLength)
    for offset in stride(from: 0, through: window.count - 16, by: 8)
    where window.doubleword(at: offset) == magic {
      guard let architecture = window.doubleword(at: offset + 4),
        let length = window.doubleword(at: offset + 8),
        let checksum = window.doubleword(at: offset + 12),
        magic &+ architecture &+ length &+ checksum == 0, architecture == 0, length >= 16,
        offset + Int(length) <= window.count
      else { continue }
      return Multiboot2Header(offset: offset, tags: window[offset + 16..<offset + Int(length)])
    }
    return nil
  }

  private init(offset: Int, tags: ArraySlice<UInt8>) {
    self.offset = offset
    var address: [UInt32]?
    var entry: UInt32?
    var video = false
    var relocatable = false
    var required: [UInt32] = []
    var unknown: UInt16?
    var rest = tags
    while let kind = rest.doubleword(at: 0), let size = rest.doubleword(at: 4), size >= 8,
      Int(size) <= rest.count
    {
      let (type, isOptional) = (UInt16(truncatingIfNeeded: kind), kind & 1 << 16 != 0)
      func word(_ index: Int) -> UInt32? { 4 * index + 4 <= Int(size) ? rest.doubleword(at: 4 * index) : nil }
      var isKnown = true
      switch TagType(rawValue: type) {
      case .end: break
      case .informationRequest:
        if !isOptional { required += (2..<max(2, Int(size) / 4)).compactMap(word) }
      case .address: address = (2..<6).compactMap(word)
      case .entryAddress: entry = word(2)
      case .framebuffer: video = true
      case .relocatable: relocatable = true
      // Every module is on a page boundary, and the console is a PC's text mode: both are given anyway. The EFI entry points
      // are for firmware that this machine doesn't have.
      case .consoleFlags, .moduleAlignment, .efi32Entry, .efi64Entry: break
      case .efiBootServices: isKnown = false
      case nil: isKnown = false
      }
      if !isKnown, !isOptional { unknown = unknown ?? type }
      if TagType(rawValue: type) == .end { break }
      rest = rest.dropFirst((Int(size) + 7) & ~7)
    }
    self.entry = entry
    asksForVideo = video
    isRelocatable = relocatable
    requiredInformation = required
    unknownTag = unknown
    lacksEntry = address?.count == 4 && entry == nil
    guard let address, address.count == 4, let entry else {
      addresses = nil
      return
    }
    // A load address of FFFFFFFFh: from the beginning of the file.
    let load = address[1] == .max ? address[0] &- UInt32(truncatingIfNeeded: offset) : address[1]
    addresses = MultibootHeader.Addresses(
      header: address[0], load: load, loadEnd: address[2], bssEnd: address[3], entry: entry)
  }

  /// Refuses what the machine cannot provide.
  ///
  /// - Throws: `GuestImageError` with reason `unsupportedMultiboot`.
  func checkRequirements(file: String) throws(GuestImageError) {
    if let unknownTag {
      throw GuestImageError(
        file: file, .unsupportedMultiboot,
        "its Multiboot 2 header requires tag \(unknownTag), which this machine has not",
        expected: "no other required tags than 1 to 6 and 10")
    }
    if let type = requiredInformation.first(where: { !Multiboot2Information.types.contains($0) }) {
      throw GuestImageError(
        file: file, .unsupportedMultiboot,
        "its Multiboot 2 header requires information of type \(type), which this machine has not",
        expected:
          "types \(Multiboot2Information.types.map(String.init).joined(separator: ", ")), or the rest optional"
      )
    }
    if lacksEntry {
      throw GuestImageError(
        file: file, .malformed, "its Multiboot 2 header has an address tag without an entry tag",
        expected: "both, or neither")
    }
  }
}
