import Emulator

/// Tells events that follow from where the linker put things, and not from what the guest does: one build may have them and
/// another not.
///
/// - A walk for a page of the image that finds it where it was loaded. How many pages a function lies on, and when one of them is
///   met for the first time, changes with every change of the code. That both builds map the image with the same rights is looked
///   at all the same.
/// - A walk that finds what the last walk for its page found: the TLB had no room for the entry. Where flushes are recorded, too.
/// - The A and D bits that walks set, and what TLB arrays take and give up for these reasons.
struct LayoutEffects {
  /// The rights with which pages of a part of the image are mapped.
  private struct Rights: Hashable {
    var part: Int
    var access: UInt64
    var leaf: UInt64
  }

  private let names: BuildNames
  private let hasFlushes: Bool
  /// What the last walk found for a page: the leaf without A and D.
  private var found: [UInt64: UInt64] = [:]
  /// The translations that TLB arrays have taken, by page.
  private var filled: [UInt64: UInt64] = [:]
  private var rights: [Rights: (number: UInt64, event: TraceEvent)] = [:]

  private static let maxPages = 1 << 16
  /// A and D, bits 5 and 6.
  private static let useBits: UInt64 = 0x60
  private static let frameBits: UInt64 = 0x000f_ffff_ffff_f000

  /// - Parameter kinds: those that were recorded.
  init(_ names: BuildNames, _ kinds: EventKinds) {
    self.names = names
    hasFlushes = kinds.contains(.flush)
  }

  /// Takes note of the next event. Returns whether it may be absent in another build.
  mutating func take(_ event: TraceEvent, number: UInt64) -> Bool {
    switch event.kind {
    case .walk: return take(walk: event, number)
    case .pteStore: return event[StoreFields.writer] == UInt64(StoreWriter.walker.rawValue)
    case .tlbEvict: return true
    case .tlbFill:
      let page = event[TLBFields.linear]
      let translation = event[TLBFields.frame] << 8 | event[TLBFields.rights] & 0xf
      if filled.count >= Self.maxPages { filled.removeAll() }
      let isAgain = filled.updateValue(translation, forKey: page) == translation && hasFlushes
      return isAgain || names.loadedPage(ofLinear: page) == event[TLBFields.frame]
    default: return false
    }
  }

  private mutating func take(walk event: TraceEvent, _ number: UInt64) -> Bool {
    guard let frame = event.value(WalkFields.frame) else { return false }
    let linear = event[WalkFields.linear]
    let leaf = (event.value(WalkFields.pte) ?? event[WalkFields.pde]) & ~Self.useBits
    if found.count >= Self.maxPages { found.removeAll() }
    let isAgain = found.updateValue(leaf, forKey: linear >> 12) == leaf && hasFlushes
    let isLarge = event[WalkFields.page] == 1
    guard !isLarge, names.loadedPage(ofLinear: linear) == frame else { return isAgain }
    let part = names.map.parts.firstIndex {
      linear >= UInt64($0.linear) && linear - UInt64($0.linear) < UInt64($0.size)
    }
    let right = Rights(part: part ?? -1, access: event[WalkFields.access], leaf: leaf & ~Self.frameBits)
    if rights[right] == nil { rights[right] = (number, event) }
    return true
  }

  /// The first walk for a page of the image with rights that `other` has in no walk.
  func unmatched(in other: LayoutEffects) -> (number: UInt64, event: TraceEvent)? {
    rights.filter { other.rights[$0.key] == nil }.map(\.value).min { $0.number < $1.number }
  }
}
