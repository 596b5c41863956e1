/// The Multiboot header that an image carries in its first 8 KiB. Multiboot Specification 0.6.96, 3.1.
public struct MultibootHeader: Hashable, Sendable {
  /// The magic number of the header.
  public static let magic: UInt32 = 0x1BAD_B002
  /// What EAX holds when a Multiboot kernel is entered.
  public static let bootloaderMagic: UInt32 = 0x2BAD_B002
  /// The header lies wholly within this many bytes of the file's start.
  public static let maxSearchLength = 8192

  /// What a kernel asks for in its header.
  public struct Flags: OptionSet, Hashable, Sendable {
    /// The header's `flags` field.
    public let rawValue: UInt32
    /// The flags in `rawValue`, as the header has them.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Bit 0: modules on page boundaries.
    public static let pageAlignedModules = Flags(rawValue: 1 << 0)
    /// Bit 1: memory sizes and the memory map.
    public static let memoryInformation = Flags(rawValue: 1 << 1)
    /// Bit 2: a video mode and its description.
    public static let videoMode = Flags(rawValue: 1 << 2)
    /// Bit 16: load addresses in the header, used in place of ELF segments (the "a.out kludge").
    public static let loadAddresses = Flags(rawValue: 1 << 16)
    /// Bits 0-15: a loader that doesn't know one of them must refuse.
    static let required = Flags(rawValue: 0xFFFF)
  }

  /// The physical addresses of a header with `Flags.loadAddresses`.
  public struct Addresses: Hashable, Sendable {
    /// `header_addr`: where the header itself is loaded.
    public let header: UInt32
    /// `load_addr`: where loading starts.
    public let load: UInt32
    /// 0: everything up to the end of the file is loaded.
    public let loadEnd: UInt32
    /// 0: nothing follows that has to be zero.
    public let bssEnd: UInt32
    /// `entry_addr`: the first instruction.
    public let entry: UInt32
  }

  /// The header's offset in the file.
  public let offset: Int
  /// What the kernel asks for.
  public let flags: Flags
  /// Present if `flags` has `loadAddresses`.
  public let addresses: Addresses?

  /// The first valid header in `bytes`: on a multiple of 4, with a checksum that brings the sum to 0.
  public static func find(in bytes: [UInt8]) -> MultibootHeader? {
    let window = bytes.prefix(maxSearchLength)
    for offset in stride(from: 0, through: window.count - 12, by: 4) {
      guard window.doubleword(at: offset) == magic,
        let flags = window.doubleword(at: offset + 4), let checksum = window.doubleword(at: offset + 8),
        magic &+ flags &+ checksum == 0
      else { continue }
      guard Flags(rawValue: flags).contains(.loadAddresses) else {
        return MultibootHeader(offset: offset, flags: Flags(rawValue: flags), addresses: nil)
      }
      // A header whose address fields are cut off isn't one.
      guard let header = window.doubleword(at: offset + 12), let load = window.doubleword(at: offset + 16),
        let loadEnd = window.doubleword(at: offset + 20), let bssEnd = window.doubleword(at: offset + 24),
        let entry = window.doubleword(at: offset + 28)
      else { continue }
      return MultibootHeader(
        offset: offset, flags: Flags(rawValue: flags),
        addresses: Addresses(header: header, load: load, loadEnd: loadEnd, bssEnd: bssEnd, entry: entry))
    }
    return nil
  }

  /// Refuses what the machine cannot provide. A request for a video mode is accepted: kernels that have it boot in text mode,
  /// too, and see from the information structure that there is no other.
  ///
  /// - Throws: `GuestImageError` with reason `unsupportedMultiboot`.
  func checkRequirements(file: String) throws(GuestImageError) {
    let known: Flags = [.pageAlignedModules, .memoryInformation, .videoMode]
    let unknown = flags.intersection(.required).subtracting(known)
    guard unknown.isEmpty else {
      throw GuestImageError(
        file: file, .unsupportedMultiboot,
        "its Multiboot header requires features that the specification does not define (flags 0x\(hex(unknown.rawValue)))",
        expected: "no other required flags than bits 0 to 2")
    }
  }
}
