import GuestImages
import IA32

/// What a person should look at twice in an image: nothing of it keeps it from being started.
public struct ImageOddities {
  private let image: GuestImage

  /// What is odd about an image that can be started.
  public init(_ image: GuestImage) { self.image = image }

  /// Sentences without a full stop; empty for most images.
  public var sentences: [String] { ImageStart(image).warnings + otherProtocols + entry + places + neighbours }

  /// Other ways in which the same file could be started.
  private var otherProtocols: [String] {
    let others = image.possibleProtocols.filter { $0 != image.bootProtocol }.map(\.rawValue)
    return others.isEmpty
      ? [] : ["it could also be started with --protocol \(others.joined(separator: " or "))"]
  }

  private var entry: [String] {
    var sentences: [String] = []
    if let elf = image.elf, elf.entry != elf.headerEntry {
      sentences.append(
        "its entry point \(hexadecimal(UInt64(elf.headerEntry), digits: 8)) is a linear address; it begins at physical "
          + hexadecimal(UInt64(elf.entry), digits: 8))
    }
    let holder = image.segments.first { $0.physicalRange.contains(UInt64(image.entry)) }
    if let holder, !holder.flags.contains(.execute) {
      sentences.append("its entry point is in segment \(holder.index), which is not executable")
    }
    return sentences
  }

  /// Segments in memory that a PC has other uses for, or that may be written and executed.
  private var places: [String] {
    image.segments.flatMap { segment -> [String] in
      let range = segment.physicalRange
      var sentences: [String] = []
      if image.elf != nil, segment.flags.isSuperset(of: [.write, .execute]) {
        sentences.append("segment \(segment.index) is writable and executable")
      }
      if range.overlaps(0..<0x500) {
        sentences.append("segment \(segment.index) lies over the interrupt vectors or the BIOS data area")
      }
      if range.overlaps(0x9_FC00..<0x10_0000) {
        sentences.append("segment \(segment.index) reaches into 0009fc00-000fffff, which is no RAM of a PC")
      }
      return sentences
    }
  }

  /// Segments with different rights on one page: paging can't tell them apart.
  private var neighbours: [String] {
    let sorted = image.segments.sorted { $0.physical < $1.physical }
    return zip(sorted, sorted.dropFirst()).compactMap { low, high in
      let last = (low.physicalRange.upperBound &- 1) >> 12
      guard low.memorySize > 0, last == UInt64(high.physical) >> 12, low.flags != high.flags else {
        return nil
      }
      return
        "segments \(low.index) and \(high.index) share the page at \(hexadecimal(last << 12, digits: 8)) with different rights"
    }
  }
}
