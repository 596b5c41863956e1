import Emulator
import IA32

extension PageWalk.Level {
  /// The manual's name.
  public var name: String {
    switch self {
    case .pdpte: "PDPTE"
    case .pde: "PDE"
    case .pte: "PTE"
    }
  }
}

extension PageWalk.Verdict {
  /// What the entry did, as the end of a sentence about it.
  public var text: String {
    switch self {
    case .references: "points to the next level"
    case .maps: "maps the page"
    case .notPresent: "is not present"
    case .reservedBits(let bits): "has reserved bits set: \(EntryText.bitNumbers(bits))"
    case .forbidden(.user): "has U/S (bit 2) clear: supervisor-only"
    case .forbidden(.userWrite): "has R/W (bit 1) clear: read-only"
    case .forbidden(.supervisorWrite): "has R/W (bit 1) clear: read-only, and CR0.WP is set"
    case .forbidden(.execute): "has NX (bit 63) set: no execution"
    case .updated: "gets A or D"
    }
  }

  /// The manual's section with the rule.
  public var section: String {
    switch self {
    case .references, .maps: "SDM 3A 4.4.2"
    case .notPresent, .reservedBits: "SDM 3A 4.7"
    case .forbidden: "SDM 3A 4.6.1"
    case .updated: "SDM 3A 4.8"
    }
  }
}

extension PageWalk.Right {
  /// Whether an entry takes the right away from all that lies below it. A PDPTE has no such bits under PAE.
  public func isTaken(by step: PageWalk.Step) -> Bool {
    guard step.level != .pdpte else { return false }
    return switch self {
    case .user: step.value & EntryBit.user == 0
    case .userWrite, .supervisorWrite: step.value & EntryBit.writable == 0
    case .execute: step.value & EntryBit.noExecute != 0
    }
  }
}

extension WalkResult {
  /// The entry that a fault is due to, with its verdict: the last one, or the uppermost that takes away the right that
  /// is missing. nil for a walk that found a page.
  public var culprit: (step: PageWalk.Step, verdict: PageWalk.Verdict)? {
    guard fault != nil, let last = steps.last else { return nil }
    guard case .forbidden(let right) = last.verdict else { return (last, last.verdict) }
    return (steps.first { right.isTaken(by: $0) } ?? last, last.verdict)
  }
}

/// Entries and rights in words.
public enum EntryText {
  /// An entry's bits in letters: capitals for those that are set, small ones for A and D that are not.
  public static func bits(_ value: UInt64, level: PageWalk.Level, isLeaf: Bool) -> String {
    guard value & EntryBit.present != 0 else { return "not present" }
    if level == .pdpte { return "P" }
    var words = ["P", value & EntryBit.writable != 0 ? "RW" : "RO", value & EntryBit.user != 0 ? "U" : "S"]
    words.append(value & EntryBit.accessed != 0 ? "A" : "a")
    if isLeaf { words.append(value & EntryBit.dirty != 0 ? "D" : "d") }
    if isLeaf && value & EntryBit.global != 0 { words.append("G") }
    if value & EntryBit.cacheDisable != 0 { words.append("PCD") }
    if value & EntryBit.writeThrough != 0 { words.append("PWT") }
    if value & EntryBit.noExecute != 0 { words.append("NX") }
    return words.joined(separator: " ")
  }

  /// The rights of a translation: "RW S A D G".
  public static func rights(_ translation: Translation) -> String {
    var words = [translation.isWritable ? "RW" : "RO", translation.isUser ? "U" : "S"]
    words.append(translation.isDirty ? "D" : "d")
    if translation.isGlobal { words.append("G") }
    if translation.isCacheDisabled { words.append("PCD") }
    if translation.isWriteThrough { words.append("PWT") }
    if translation.isNoExecute { words.append("NX") }
    return words.joined(separator: " ")
  }

  /// "4K", "2M" or "4M".
  public static func size(isLarge: Bool, _ control: PagingControl) -> String {
    isLarge ? control.mode == .pae ? "2M" : "4M" : "4K"
  }

  /// Which bits are set: "bits 40-51 and 63".
  public static func bitNumbers(_ bits: UInt64) -> String {
    var ranges: [String] = []
    var bit: UInt64 = 0
    while bit < 64 {
      guard bits >> bit & 1 != 0 else {
        bit += 1
        continue
      }
      let first = bit
      while bit < 63, bits >> (bit + 1) & 1 != 0 { bit += 1 }
      ranges.append(first == bit ? "\(first)" : "\(first)-\(bit)")
      bit += 1
    }
    guard let last = ranges.last else { return "none" }
    let isOne = ranges.count == 1 && !last.contains("-")
    let list = ranges.count == 1 ? last : ranges.dropLast().joined(separator: ", ") + " and " + last
    return (isOne ? "bit " : "bits ") + list
  }

  /// A page-fault error code: "0002 (P=0 W=1 U=0)".
  public static func code(_ code: PageFaultErrorCode) -> String {
    func bit(_ name: String, _ flag: PageFaultErrorCode) -> String {
      "\(name)=\(code.contains(flag) ? 1 : 0)"
    }
    var words = [bit("P", .present), bit("W/R", .write), bit("U/S", .user)]
    if code.contains(.reservedBit) { words.append("RSVD=1") }
    if code.contains(.instructionFetch) { words.append("I/D=1") }
    return "\(hexadecimal(UInt64(code.rawValue), digits: 4)) (\(words.joined(separator: " ")))"
  }

  /// Such as "supervisor write".
  public static func access(_ access: PageAccess) -> String {
    let kind =
      switch access.kind {
      case .read: "read"
      case .write: "write"
      case .fetch: "fetch"
      }
    return "\(access.isUser ? "user" : "supervisor") \(kind)"
  }
}
