import GuestImages
import IA32

/// Where an image's names lie: kept in a trace, so that it can be compared with the run of another build.
public struct ImageMap: Hashable, Sendable {
  /// A loaded segment.
  public struct Part: Hashable, Sendable {
    /// Where it is linked.
    public var linear: UInt32
    /// Where it is loaded.
    public var physical: UInt32
    /// Bytes in memory.
    public var size: UInt32

    /// As traces have it.
    var text: String {
      "\(hexadecimal(UInt64(linear), digits: 8)) \(hexadecimal(UInt64(physical), digits: 8)) \(size)"
    }
  }

  /// A symbol.
  public struct Name: Hashable, Sendable {
    /// Where it is linked.
    public var address: UInt32
    /// Bytes; 0 where the image doesn't say.
    public var size: UInt32
    /// Code: where in it something happens moves with every change.
    public var isCode: Bool
    /// As traces have it: short, printable, on one line.
    public var name: String
  }

  /// The segments in the image's order.
  public var parts: [Part] = []
  /// In the order of addresses.
  public var names: [Name] = []

  /// How many bytes of an image's names are kept.
  static let maxTextBytes = 32 << 20

  /// A map without segments and names.
  public init() {}

  /// The map of an image.
  public init(_ image: GuestImage) {
    parts = image.segments.map { Part(linear: $0.virtual, physical: $0.physical, size: $0.memorySize) }
    var room = Self.maxTextBytes
    for symbol in image.symbols.symbols {
      let name = ShortName.of(symbol.displayName)
      room -= name.utf8.count + 32
      if room < 0 { break }
      guard !name.isEmpty else { continue }
      names.append(
        Name(address: symbol.address, size: symbol.size, isCode: symbol.kind != .object, name: name))
    }
    sort()
  }

  /// The lines of the section that keeps it.
  var text: String {
    parts.map { "part \($0.text)\n" }.joined()
      + names.map {
        "\($0.isCode ? "code" : "data") \(hexadecimal(UInt64($0.address), digits: 8)) \($0.size) \($0.name)\n"
      }.joined()
  }

  /// nil for what `text` never gives.
  init?(lines: some Sequence<Substring>) {
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count == 4, let address = UInt32(words[1], radix: 16), PrintableText.isPrintable(words[3])
      else { return nil }
      switch words[0] {
      case "part":
        guard let part = Part(line.dropFirst(5)) else { return nil }
        parts.append(part)
      case "code", "data":
        guard let size = UInt32(words[2]) else { return nil }
        names.append(Name(address: address, size: size, isCode: words[0] == "code", name: String(words[3])))
      default: return nil
      }
    }
    sort()
  }

  /// By address; at one address the smallest comes last, as the one that says most, and names without a size first.
  private mutating func sort() {
    names.sort {
      ($0.address, $1.size &- 1, $0.isCode ? 1 : 0, $0.name) < (
        $1.address, $0.size &- 1, $1.isCode ? 1 : 0, $1.name
      )
    }
  }

  /// The name that a linked address lies in, or follows.
  public func name(at address: UInt32) -> (name: Name, offset: UInt32)? {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if names[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    var index = low - 1
    // Back to one that covers it; not far, since names hardly nest.
    for _ in 0..<64 where index >= 0 {
      let name = names[index]
      if name.size == 0 || UInt64(name.address) + UInt64(name.size) > UInt64(address) {
        return (name, address - name.address)
      }
      index -= 1
    }
    return nil
  }

  /// The linked address of a physical one inside the image.
  func linked(ofPhysical address: UInt64) -> UInt32? {
    parts.first { address >= UInt64($0.physical) && address - UInt64($0.physical) < UInt64($0.size) }
      .map { $0.linear &+ UInt32(truncatingIfNeeded: address - UInt64($0.physical)) }
  }

  /// Whether the linked address lies in a segment.
  public func contains(linear: UInt32) -> Bool {
    parts.contains { linear >= $0.linear && linear - $0.linear < $0.size }
  }
}

/// Tells one image from another by what the guest sees of it: entry point, segments, the boot protocol. Names, line tables and
/// the paths in them don't count, so the same source gives the same digest wherever it is built.
public enum ImageDigest {
  /// The digest, 64 hexadecimal digits.
  public static func hexadecimal(of image: GuestImage) -> String {
    var hash = SHA256()
    var words: [UInt8] = []
    words.append(little: image.entry)
    let number: UInt8 =
      switch image.bootProtocol {
      case .plain: 0
      case .multiboot: 1
      case .multiboot2: 2
      case .linux: 3
      case .pvh: 4
      case .bootSector: 5
      }
    words.append(number)
    hash.update(words[...])
    for segment in image.segments.sorted(by: { $0.physical < $1.physical }) {
      var words: [UInt8] = []
      words.append(little: segment.physical)
      words.append(little: segment.memorySize)
      words.append(little: UInt32(segment.fileRange.count))
      hash.update(words[...])
      hash.update(image.bytes[segment.fileRange])
    }
    return hash.finish()
  }
}

extension ImageMap.Part {
  /// nil for what `text` never gives.
  init?(_ text: some StringProtocol) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, let linear = UInt32(words[0], radix: 16),
      let physical = UInt32(words[1], radix: 16), let size = UInt32(words[2])
    else { return nil }
    self.init(linear: linear, physical: physical, size: size)
  }
}
