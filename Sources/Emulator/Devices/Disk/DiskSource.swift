/// Where the contents of a disk come from: a file of the host, which no one changes while a machine uses it.
public final class DiskSource: Sendable {
  /// Bytes of a sector.
  public static let sectorSize = 512

  /// How many sectors there are.
  public let sectorCount: UInt64
  /// Reads a sector; nil if the host can't.
  public let read: @Sendable (_ sector: UInt64) -> [UInt8]?

  /// A source of `sectorCount` sectors.
  public init(sectorCount: UInt64, read: @escaping @Sendable (_ sector: UInt64) -> [UInt8]?) {
    self.sectorCount = sectorCount
    self.read = read
  }
}

/// The sectors that a guest has written: what its disk holds beside what it was plugged in with.
struct WrittenSectors: Sendable, Equatable {
  private var contents: [UInt64: [UInt8]] = [:]

  subscript(sector: UInt64) -> [UInt8]? {
    get { contents[sector] }
    set { contents[sector] = newValue }
  }

  /// With their numbers, ascending.
  var sectors: [(sector: UInt64, bytes: [UInt8])] {
    contents.sorted { $0.key < $1.key }.map { (sector: $0.key, bytes: $0.value) }
  }
}

extension WrittenSectors: CustomReflectable {
  /// How many there are: a listing of devices has no use for their contents.
  var customMirror: Mirror { Mirror(self, children: ["count": contents.count], displayStyle: .struct) }
}
