import Emulator
import IA32

/// Neighbouring pages with the same rights.
struct MappedRange {
  var linear: UInt32
  var bytes: UInt64
  var physical: UInt64
  var isWritable: Bool
  var isUser: Bool
  var isNoExecute: Bool
  var isGlobal: Bool
  var isCacheDisabled: Bool
  /// Pages of 2 or 4 MiB.
  var isLarge: Bool

  /// The last linear address.
  var last: UInt32 { UInt32(truncatingIfNeeded: UInt64(linear) + bytes - 1) }

  /// "u" or "-", "r", "w" or "-", "x" or "-", as in other emulators.
  var rights: String { "\(isUser ? "u" : "-")r\(isWritable ? "w" : "-")\(isNoExecute ? "-" : "x")" }

  /// G, PCD and the size.
  var attributes: String {
    [isLarge ? "large" : nil, isGlobal ? "G" : nil, isCacheDisabled ? "PCD" : nil].compactMap(\.self)
      .joined(separator: " ")
  }

  fileprivate init(_ linear: UInt32, _ bytes: UInt64, _ translation: Translation) {
    self.linear = linear
    self.bytes = bytes
    physical = translation.frame
    isWritable = translation.isWritable
    isUser = translation.isUser
    isNoExecute = translation.isNoExecute
    isGlobal = translation.isGlobal
    isCacheDisabled = translation.isCacheDisabled
    isLarge = translation.isLarge
  }

  fileprivate func goesOn(with other: MappedRange, joiningPhysical: Bool) -> Bool {
    UInt64(linear) + bytes == UInt64(other.linear) && rights == other.rights && attributes == other.attributes
      && (!joiningPhysical || physical + bytes == other.physical)
  }
}

/// What a stretch of the linear address space maps.
struct MappedRanges {
  private(set) var ranges: [MappedRange] = []
  /// Entries with reserved bits, by the linear address that they serve.
  private(set) var refused: [(linear: UInt32, step: PageWalk.Step)] = []
  /// There is more than was asked for.
  private(set) var isCut = false

  /// - Parameters:
  ///   - physical: ranges end where physical addresses do not go on, too.
  ///   - limit: ranges at most.
  init(_ machine: Machine, _ range: ClosedRange<UInt32>, physical: Bool, atMost limit: Int) {
    var ranges: [MappedRange] = []
    var refused: [(linear: UInt32, step: PageWalk.Step)] = []
    var isCut = false
    TableScan(machine).forEachPage(in: range) { linear, bytes, found in
      switch found {
      case .refused(let step): if refused.count < limit { refused.append((linear, step)) }
      case .page(let translation):
        let new = MappedRange(linear, bytes, translation)
        if let last = ranges.last, last.goesOn(with: new, joiningPhysical: physical) {
          ranges[ranges.count - 1].bytes += bytes
        } else if ranges.count == limit {
          isCut = true
          return false
        } else {
          ranges.append(new)
        }
      }
      return true
    }
    self.ranges = ranges
    self.refused = refused
    self.isCut = isCut
  }
}
