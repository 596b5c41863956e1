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

extension WrittenSectors: Codable {
  private enum Part: CodingKey {
    case numbers
    case contents
  }

  /// All contents go as one piece, in the order of the sectors.
  func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: Part.self)
    let sectors = sectors
    try parts.encode(sectors.map(\.sector), forKey: .numbers)
    try parts.encode(sectors.flatMap(\.bytes), forKey: .contents)
  }

  init(from decoder: any Swift.Decoder) throws {
    let parts = try decoder.container(keyedBy: Part.self)
    let numbers = try parts.decode([UInt64].self, forKey: .numbers)
    let bytes = try parts.decode([UInt8].self, forKey: .contents)
    let size = DiskSource.sectorSize
    guard bytes.count / size == numbers.count, bytes.count % size == 0 else {
      throw DecodingError.dataCorruptedError(
        forKey: .contents, in: parts, debugDescription: "a sector has \(size) bytes")
    }
    for (index, number) in numbers.enumerated() {
      contents[number] = Array(bytes[index * size..<(index + 1) * size])
    }
  }

  /// The highest sector written; nil for none.
  var last: UInt64? { contents.keys.max() }
}

extension WrittenSectors: CustomReflectable {
  /// How many there are: a listing of devices has no use for their contents.
  var customMirror: Mirror { Mirror(self, children: ["count": contents.count], displayStyle: .struct) }
}
