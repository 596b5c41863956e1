import Traces

/// How a snapshot's file is laid out: a preamble, then blocks. docs/snapshots.md specifies it.
enum SnapshotLayout {
  /// As in PNG: a byte that is no ASCII, the name, and line ends that transfers of text would change.
  static let magic: [UInt8] = [0x89, 0x50, 0x57, 0x53, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Magic, version, four bytes of zero.
  static let preambleBytes = 16
  /// Kind, bytes, bytes stored, zero, checksum.
  static let blockHeaderBytes = 24
  /// The most that a block holds.
  static let maxBlock = 16 << 20
  /// The most that the state may take: what a guest has written to its disk is in it.
  static let maxState = 1 << 30
  static let pageBytes = 4096
  static let pagesInBlock = 256

  enum Kind: UInt32 {
    case header = 1
    case rom = 2
    case state = 3
    /// Frame numbers, then the pages.
    case pages = 4
    /// The number of pages in the file.
    case end = 5
  }

  static var preamble: [UInt8] {
    var bytes = magic
    bytes.append(little: SnapshotHeader.version)
    bytes.append(little: UInt32(0))
    return bytes
  }

  /// The checksum of a block: of the checksum before, its header's first 16 bytes and its stored bytes. So no block can be missing,
  /// come twice or stand elsewhere.
  static func checksum(after last: UInt64, header: [UInt8], stored: UnsafeRawBufferPointer) -> UInt64 {
    var sum = Checksum()
    var start: [UInt8] = []
    start.append(little: last)
    start += header
    start.withUnsafeBytes { sum.add($0) }
    sum.add(stored)
    return sum.value
  }
}
