import IA32

/// The setup header of a Linux bzImage. Linux, `Documentation/arch/x86/boot.rst`, "The Real-Mode Kernel Header".
public struct LinuxHeader: Hashable, Sendable {
  /// The header's first byte in the file, and in `boot_params`.
  static let offset = 0x1F1
  /// Where the header may not go beyond, by its own length byte at 201h: the field is a short jump.
  static let maxEnd = 0x202 + 0x7F

  /// The boot protocol's version, such as 020Fh.
  public let version: UInt16
  /// The header's bytes, from 1F1h on.
  public let bytes: [UInt8]
  /// Bytes of the real-mode code, boot sector included: what is behind them is loaded.
  public let setupBytes: Int
  /// Where the protected-mode code may not be moved from, or is loaded if it may.
  public let loadAddress: UInt32
  /// The physical address that the kernel unpacks itself to, and how many bytes it uses there before it knows of memory.
  public let runRange: Range<UInt64>
  /// The highest address that a byte of the initial RAM disk may have.
  public let maxRAMDiskAddress: UInt32
  /// How many characters the command line may have.
  public let maxCommandLine: Int
  /// The version's text, such as "6.1.0-50-686-pae (…) #1 SMP …"; empty where there is none.
  public let kernelVersion: String
  /// Where the compressed kernel lies in the file; nil before version 2.08.
  public let payload: Range<Int>?

  /// Whether `bytes` begin as a bzImage does: a boot sector's signature and "HdrS".
  static func isOne(_ bytes: [UInt8]) -> Bool {
    bytes.count > 0x206 && bytes[0x1FE] == 0x55 && bytes[0x1FF] == 0xAA
      && bytes[0x202..<0x206].elementsEqual("HdrS".utf8)
  }

  /// - Throws: `GuestImageError` for a kernel that can't be started by the 32-bit protocol.
  init(file: String, bytes: [UInt8]) throws(GuestImageError) {
    func refusal(_ reason: GuestImageError.Reason, _ problem: String, _ expected: String) -> GuestImageError {
      GuestImageError(file: file, reason, problem, expected: expected)
    }
    let end = min(0x202 + Int(bytes[0x201]), Self.maxEnd)
    guard end <= bytes.count,
      let version = bytes.doubleword(at: 0x206).map({ UInt16(truncatingIfNeeded: $0) })
    else {
      throw refusal(.truncated, "its Linux setup header is cut off", "the whole file")
    }
    self.version = version
    guard version >= 0x202, end >= 0x22C else {
      throw refusal(
        .malformed, "a Linux kernel of boot protocol \(version >> 8).\(version & 0xFF)",
        "protocol 2.02 (Linux 2.4) or later")
    }
    // Fields that the header is too short or too old for have the value that the protocol says then.
    func field(_ offset: Int, since: UInt16) -> UInt32? {
      version >= since && offset + 4 <= end ? bytes.doubleword(at: offset) : nil
    }
    guard bytes[0x211] & 1 != 0 else {
      throw refusal(
        .malformed, "a Linux zImage, whose code is made for 10000h (bit 0 of loadflags is clear)", "a bzImage"
      )
    }
    self.bytes = Array(bytes[Self.offset..<end])
    setupBytes = (bytes[Self.offset] == 0 ? 5 : Int(bytes[Self.offset]) + 1) * 512
    guard setupBytes < bytes.count else {
      throw refusal(
        .truncated, "its protected-mode code would begin at byte \(setupBytes) of \(bytes.count)",
        "the whole file")
    }
    loadAddress = bytes.doubleword(at: 0x214) ?? 0
    let paragraphs = bytes.doubleword(at: 0x1F4) ?? 0
    let size = Int(version >= 0x204 ? paragraphs : paragraphs & 0xFFFF) * 16
    guard bytes.count - setupBytes >= size - 15 else {
      throw refusal(
        .truncated,
        "its setup header says \(size) bytes of protected-mode code, and \(bytes.count - setupBytes) are there",
        "the whole file")
    }
    let preferred = field(0x258, since: 0x20A) ?? loadAddress
    let needed = field(0x260, since: 0x20A) ?? UInt32(clamping: 4 * size)
    runRange = UInt64(preferred)..<UInt64(preferred) + UInt64(needed)
    maxRAMDiskAddress = field(0x22C, since: 0x203) ?? 0x37FF_FFFF
    maxCommandLine = Int(field(0x238, since: 0x206) ?? 255)
    kernelVersion = Self.text(in: bytes, at: 0x200 + Int((bytes.doubleword(at: 0x20E) ?? 0) & 0xFFFF))
    payload = Self.payload(
      at: field(0x248, since: 0x208), size: field(0x24C, since: 0x208), from: setupBytes, in: bytes.count)
  }

  private static func text(in bytes: [UInt8], at offset: Int) -> String {
    guard offset > 0x200, offset < bytes.count else { return "" }
    let text = bytes[offset...].prefix(200).prefix { $0 != 0 }
    return text.allSatisfy { (0x20..<0x7F).contains($0) } ? String(decoding: text, as: UTF8.self) : ""
  }

  private static func payload(at offset: UInt32?, size: UInt32?, from setup: Int, in length: Int) -> Range<
    Int
  >? {
    guard let offset, let size, size > 0 else { return nil }
    let start = setup + Int(offset)
    return start + Int(size) <= length ? start..<start + Int(size) : nil
  }

  /// The protected-mode code as the one segment that a loader loads.
  func segment(in length: Int, file: String) throws(GuestImageError) -> Segment {
    let count = length - setupBytes
    guard UInt64(loadAddress) + UInt64(count) <= 1 << 32, runRange.upperBound <= 1 << 32 else {
      throw GuestImageError(
        file: file, .absurdSize, "its setup header loads past 4 GiB",
        expected: "a kernel that ends below 4 GiB")
    }
    return Segment(
      index: 0, physical: loadAddress, virtual: loadAddress, fileRange: setupBytes..<length,
      memorySize: UInt32(count), flags: [.read, .write, .execute])
  }
}
