/// Where things are in a binary trace. docs/trace-format.md is the specification.
enum TraceLayout {
  static let magic = Array("PWTRACE\n".utf8)
  /// Magic, version, lengths, checksum.
  static let preambleSize = 32
  static let blockMagic: UInt32 = 0x4b42_5750  // "PWBK"
  static let blockHeaderSize = 56
  static let footerMagic: UInt32 = 0x5446_5750  // "PWFT"
  static let footerHeaderSize = 24
  static let trailerMagic = Array("PWTREND\n".utf8)
  static let trailerSize = 16

  /// A block ends after this many bytes of events and times, or after this many cycles.
  static let blockBytes = 512 << 10
  static let blockCycles: UInt64 = 1 << 28
  /// More than this is damage, whatever a header says.
  static let maxBlockBytes: UInt32 = 1 << 24
  static let maxHeaderBytes: UInt32 = 1 << 26
  static let maxFooterBytes: UInt32 = 1 << 26
  /// Blocks named in the index: beyond, only every second of them stays.
  static let maxIndexEntries = 4096
  /// Places named in the footer.
  static let maxPlaces = 16384
  /// Bytes of a place's source line; a longer one is left out.
  static let maxPlaceBytes = 1024
}

/// One line of the index.
struct IndexEntry: Hashable {
  var offset: UInt64
  var firstEvent: UInt64
  var firstCycle: UInt64
}

/// An index of constant size: when it is full, every second entry goes.
struct BlockIndex {
  private(set) var entries: [IndexEntry] = []
  private var step: UInt64 = 1
  private var blocks: UInt64 = 0

  mutating func add(_ entry: IndexEntry) {
    defer { blocks += 1 }
    guard blocks % step == 0 else { return }
    if entries.count == TraceLayout.maxIndexEntries {
      entries = entries.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
      step *= 2
      guard blocks % step == 0 else { return }
    }
    entries.append(entry)
  }
}
