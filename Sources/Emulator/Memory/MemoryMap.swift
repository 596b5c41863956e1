import IA32

/// Where RAM lies in the physical address space of a PC: a function of its size alone.
///
/// The first 640 KiB are RAM, then comes the window that the PC has kept for video memory and ROM since 1981,
/// then RAM from 1 MiB up to 3 GiB. The last GiB below 4 GiB belongs to devices and the boot ROM; the RAM that it
/// would hide is remapped above 4 GiB, where only PAE and PSE-36 reach it.
///
///     0 - 640 KiB       RAM
///     640 KiB - 1 MiB   legacy window (the RAM behind it is lost, as on the PC)
///     1 MiB - 3 GiB     RAM, as far as it goes
///     3 GiB - 4 GiB     device hole
///     4 GiB - ...       RAM beyond 3 GiB
public struct MemoryMap: Sendable, Hashable {
  /// The smallest machine: 1 MiB.
  public static let minimumBytes: UInt64 = 1 << 20
  /// The largest machine: 64 GiB.
  public static let maximumBytes: UInt64 = 64 << 30
  /// The window for video memory and option ROMs, A0000h to FFFFFh.
  public static let legacyWindow: Range<UInt64> = 0xA_0000..<0x10_0000
  /// The hole below 4 GiB for devices and the boot ROM.
  public static let deviceHole: Range<UInt64> = (3 << 30)..<(4 << 30)

  /// The size the machine was asked to have.
  public let bytes: UInt64
  /// The ranges of RAM, ascending; from one to three of them.
  public let ramRanges: [Range<UInt64>]

  /// The map of a machine with `bytes` of RAM.
  ///
  /// - Throws: `MemoryError.sizeOutOfRange` or `.sizeNotWholePages`.
  public init(bytes: UInt64) throws(MemoryError) {
    guard (Self.minimumBytes...Self.maximumBytes).contains(bytes) else {
      throw .sizeOutOfRange(bytes: bytes)
    }
    guard bytes % 4096 == 0 else { throw .sizeNotWholePages(bytes: bytes) }
    self.bytes = bytes
    let low = 0..<Self.legacyWindow.lowerBound
    let extended = Self.legacyWindow.upperBound..<min(bytes, Self.deviceHole.lowerBound)
    let beyond = bytes > extended.upperBound ? bytes - extended.upperBound : 0
    let high = Self.deviceHole.upperBound..<(Self.deviceHole.upperBound + beyond)
    ramRanges = [low, extended, high].filter { !$0.isEmpty }
  }

  /// The first physical address above all RAM.
  public var top: UInt64 { ramRanges.last?.upperBound ?? 0 }
  /// RAM between 1 MiB and 3 GiB, in bytes.
  public var bytesBelow4GiB: UInt64 { min(bytes, Self.deviceHole.lowerBound) - Self.legacyWindow.upperBound }
  /// RAM remapped above 4 GiB, in bytes.
  public var bytesAbove4GiB: UInt64 {
    bytes > Self.deviceHole.lowerBound ? bytes - Self.deviceHole.lowerBound : 0
  }
}

/// Why there is no such memory.
public enum MemoryError: Error, Equatable {
  /// The size isn't between 1 MiB and 64 GiB.
  case sizeOutOfRange(bytes: UInt64)
  /// The size isn't a multiple of 4 KiB.
  case sizeNotWholePages(bytes: UInt64)
  /// The host refused the address space; `code` is its `errno`.
  case hostRefused(bytes: UInt64, code: Int32)
  /// Some of the `count` bytes from `address` on aren't RAM.
  case notRAM(address: UInt64, count: UInt64)
}

extension MemoryError: CustomStringConvertible {
  /// For people: what was wrong and what would be right.
  public var description: String {
    switch self {
    case .sizeOutOfRange(let bytes):
      "memory size of \(bytes) bytes: must be between 1 MiB and 64 GiB"
    case .sizeNotWholePages(let bytes):
      "memory size of \(bytes) bytes: must be a multiple of 4 KiB"
    case .hostRefused(let bytes, let code):
      "the host gave no address space for \(bytes) bytes of memory (errno \(code))"
    case .notRAM(let address, let count):
      "\(count) bytes at physical \(PhysicalAddress(address)) are not all RAM"
    }
  }
}
