import IA32

/// How an image is started, and why in that way: what a person is told in one line before it runs.
public struct ImageStart: Hashable, Sendable {
  /// Why an image is started without the Multiboot protocol.
  public enum PlainReason: Hashable, Sendable {
    /// No word of the file has the magic number of a Multiboot header.
    case noHeader
    /// A header at this offset whose checksum does not bring the sum to 0, and the checksum that would.
    case wrongChecksum(offset: Int, found: UInt32, right: UInt32)
    /// A whole header at this offset, which is behind the bytes in which a loader looks.
    case tooLate(offset: Int)
    /// A whole header at this offset, which is not a multiple of 4.
    case unaligned(offset: Int)
    /// A header at this offset that ends before its fields do.
    case cutOff(offset: Int)
  }

  /// How an image is started.
  public enum Way: Hashable, Sendable {
    /// By the header at this offset of the file; with the load addresses in it, or else with the ELF file's segments.
    case multiboot(offset: Int, usesLoadAddresses: Bool)
    /// By the Multiboot 2 header at this offset of the file.
    case multiboot2(offset: Int, usesLoadAddresses: Bool)
    /// By Linux's 32-bit boot protocol: a bzImage with this version's text, which unpacks itself.
    case linuxImage(version: String)
    /// By Linux's 32-bit boot protocol: the kernel's ELF file.
    case linuxELF
    /// By the entry point of its PVH note.
    case pvh
    case plain(PlainReason)
    /// A disk, by its first sector.
    case bootSector
    /// Bytes without a format, at an address that a person chose.
    case flat
  }

  /// The file's name, as the caller gave it.
  public let file: String
  /// How it is started.
  public let way: Way
  /// Physical address of the first instruction.
  public let entry: UInt32
  /// How many segments are loaded, and the physical addresses from the first byte of the lowest to the last of the highest.
  public let segmentCount: Int
  /// The physical addresses from the first loaded byte to the last.
  public let span: Range<UInt64>
  /// The header asks for a video mode, which is not given: the information structure says nothing of video.
  public let asksForVideo: Bool

  /// - Parameter image: an image that can be booted.
  public init(_ image: GuestImage) {
    file = image.file
    entry = image.entry
    segmentCount = image.segments.count
    let ranges = image.segments.map(\.physicalRange)
    let low = ranges.map(\.lowerBound).min() ?? 0
    span = low..<max(low, ranges.map(\.upperBound).max() ?? 0)
    asksForVideo = image.multiboot?.flags.contains(.videoMode) ?? image.multiboot2?.asksForVideo ?? false
    way = Self.way(of: image)
  }

  private static func way(of image: GuestImage) -> Way {
    if let header = image.multiboot {
      return .multiboot(offset: header.offset, usesLoadAddresses: header.addresses != nil)
    }
    if let header = image.multiboot2 {
      return .multiboot2(offset: header.offset, usesLoadAddresses: header.addresses != nil)
    }
    if let header = image.linux { return .linuxImage(version: header.kernelVersion) }
    return switch image.bootProtocol {
    case .linux: .linuxELF
    case .pvh: .pvh
    case .bootSector: .bootSector
    default: image.elf == nil ? .flat : .plain(MultibootHeader.whyNone(in: image.bytes))
    }
  }

  /// One sentence: `Multiboot, its header at offset 4096; 3 segments at 00100000-00104fff, entry 00100010`.
  public var sentence: String {
    let how =
      switch way {
      case .multiboot(let offset, let usesLoadAddresses):
        "Multiboot, its header at offset \(offset)" + (usesLoadAddresses ? " with load addresses" : "")
      case .multiboot2(let offset, let usesLoadAddresses):
        "Multiboot 2, its header at offset \(offset)" + (usesLoadAddresses ? " with load addresses" : "")
      case .linuxImage(let version):
        "Linux bzImage" + (version.isEmpty ? "" : " of \(version.prefix { $0 != " " })")
          + ", which unpacks itself, by the 32-bit boot protocol"
      case .linuxELF: "Linux ELF, by the 32-bit boot protocol"
      case .pvh: "ELF with a PVH note"
      case .bootSector: "disk"
      case .flat: "flat binary with EAX and EBX 0"
      case .plain(let reason): "plain ELF with EAX and EBX 0, because \(reason)"
      }
    if way == .bootSector { return "disk, its boot sector entered at 0000:7c00 in real mode" }
    let segments = segmentCount == 1 ? "1 segment" : "\(segmentCount) segments"
    let last = span.isEmpty ? span.lowerBound : span.upperBound - 1
    return
      "\(how); \(segments) at \(hexadecimal(span.lowerBound, digits: 8))-\(hexadecimal(last, digits: 8)), entry \(LinearAddress(entry))"
  }

  /// What a person should know beside; empty for most images.
  public var warnings: [String] {
    asksForVideo
      ? multiboot2Warning ?? [
        "its Multiboot header asks for a video mode; it is started in text mode, without the video fields"
      ]
      : []
  }

  private var multiboot2Warning: [String]? {
    guard case .multiboot2 = way else { return nil }
    return ["its Multiboot 2 header asks for a frame buffer; it gets the one of the text mode, type 2"]
  }
}

extension ImageStart.PlainReason: CustomStringConvertible {
  /// Fit to follow "because".
  public var description: String {
    switch self {
    case .noHeader: "it has no Multiboot header"
    case .wrongChecksum(let offset, let found, let right):
      "the checksum of the Multiboot header at offset \(offset) is 0x\(hex(found)), not 0x\(hex(right))"
    case .tooLate(let offset):
      "its Multiboot header, at offset \(offset), is not within the first \(MultibootHeader.maxSearchLength) bytes"
    case .unaligned(let offset):
      "its Multiboot header is at offset \(offset), which is not a multiple of 4"
    case .cutOff(let offset):
      "the Multiboot header at offset \(offset) is cut off at byte \(MultibootHeader.maxSearchLength)"
    }
  }
}

extension MultibootHeader {
  /// Why `find(in:)` finds nothing in these bytes.
  static func whyNone(in bytes: [UInt8]) -> ImageStart.PlainReason {
    bytes.withUnsafeBytes { buffer in
      func word(_ offset: Int) -> UInt32? {
        offset + 4 <= buffer.count
          ? UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) : nil
      }
      var wrong: ImageStart.PlainReason?
      var late: ImageStart.PlainReason?
      for offset in 0..<max(0, buffer.count - 11) where word(offset) == magic {
        guard let flags = word(offset + 4), let checksum = word(offset + 8) else { continue }
        let right = 0 &- (magic &+ flags)
        let isInside = offset + 12 <= maxSearchLength
        if checksum != right {
          // A number that happens to equal the magic one is not a header; one where a header belongs most likely is.
          if isInside && offset % 4 == 0 && wrong == nil {
            wrong = .wrongChecksum(offset: offset, found: checksum, right: right)
          }
        } else if offset % 4 != 0 {
          late = late ?? .unaligned(offset: offset)
        } else {
          late = late ?? (isInside ? .cutOff(offset: offset) : .tooLate(offset: offset))
        }
      }
      return late ?? wrong ?? .noHeader
    }
  }
}
