import IA32

/// One stretch of the physical address space and what it is.
public struct MemoryRegion: Sendable, Hashable {
  /// What answers there.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Memory.
    case ram
    /// Memory that ignores writes.
    case rom
    /// A device's registers.
    case mmio
    /// Kept free by the PC's memory map; reads give all ones.
    case reserved
  }

  /// For listings.
  public let name: String
  /// Physical addresses.
  public let range: Range<UInt64>
  /// What answers there.
  public let kind: Kind

  /// A region, not yet on any bus.
  public init(name: String, range: Range<UInt64>, kind: Kind) {
    self.name = name
    self.range = range
    self.kind = kind
  }
}

extension MemoryRegion: CustomStringConvertible {
  /// `000a0000-000fffff reserved legacy window`, with the last address and not the one after it, as memory maps
  /// are written.
  public var description: String {
    "\(PhysicalAddress(range.lowerBound))-\(PhysicalAddress(range.upperBound &- 1)) \(kind) \(name)"
  }
}

/// Why something can't be put where it was to go.
public enum BusError: Error, Equatable {
  /// The bus can't have that many address lines: 32 to 52.
  case addressWidthOutOfRange(bits: Int)
  /// The range holds no address.
  case emptyRange(name: String)
  /// The range begins or ends inside a 4 KiB page.
  case notWholePages(name: String, range: Range<UInt64>)
  /// The range goes beyond the last physical address.
  case beyondAddressWidth(name: String, range: Range<UInt64>, bits: Int)
  /// The range goes beyond port FFFFh.
  case beyondPortSpace(name: String, range: Range<UInt32>)
  /// Something else answers there.
  case overlap(MemoryRegion, with: MemoryRegion)
  /// Another device answers on these ports.
  case portOverlap(name: String, range: Range<UInt32>, with: String, at: Range<UInt32>)
}

extension BusError: CustomStringConvertible {
  /// For people: what was wrong and what would be right.
  public var description: String {
    switch self {
    case .addressWidthOutOfRange(let bits):
      "\(bits) physical address bits: must be between 32 and 52"
    case .emptyRange(let name):
      "\(name): the range is empty"
    case .notWholePages(let name, let range):
      "\(name): \(Self.text(range)) must begin and end at a multiple of 4 KiB"
    case .beyondAddressWidth(let name, let range, let bits):
      "\(name): \(Self.text(range)) goes beyond the \(bits) bits of a physical address"
    case .beyondPortSpace(let name, let range):
      "\(name): ports \(Self.text(range)) go beyond port ffff"
    case .overlap(let region, let other):
      "\(region.name) at \(Self.text(region.range)) overlaps \(other.name) at \(Self.text(other.range))"
    case .portOverlap(let name, let range, let other, let otherRange):
      "\(name) at ports \(Self.text(range)) overlaps \(other) at ports \(Self.text(otherRange))"
    }
  }

  private static func text(_ range: Range<UInt64>) -> String {
    "\(PhysicalAddress(range.lowerBound))-\(PhysicalAddress(range.upperBound &- 1))"
  }

  private static func text(_ range: Range<UInt32>) -> String {
    hexadecimal(UInt64(range.lowerBound), digits: 4) + "-"
      + hexadecimal(UInt64(range.upperBound &- 1), digits: 4)
  }
}
