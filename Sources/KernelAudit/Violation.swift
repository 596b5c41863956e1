/// What an audit looks at: one case for each invariant. The raw value is its name in messages and documents.
public enum AuditCheck: String, CaseIterable, Sendable {
  // The kernel's own word for the state it is in.
  case variables
  // The list of areas.
  case areaList = "area-list"
  case areaOrder = "area-order"
  case areaRange = "area-range"
  case areaAlignment = "area-alignment"
  case areaKind = "area-kind"
  case areaTree = "area-tree"
  case lazyPages = "lazy-pages"
  // What the areas map.
  case areaPages = "area-pages"
  case areaMapping = "area-mapping"
  case busMapping = "bus-mapping"
  case areaRights = "area-rights"
  case cacheMode = "cache-mode"
  case guardPage = "guard-page"
  case strayMapping = "stray-mapping"
  case kernelRights = "kernel-rights"
  case directMap = "direct-map"
  // The page allocator.
  case freeList = "free-list"
  case freeBlock = "free-block"
  case freeBlockOverlap = "free-block-overlap"
  case freeBlockCount = "free-block-count"
  case freePageCount = "free-page-count"
  case lostFreeBlock = "lost-free-block"
  case unmergedBuddies = "unmerged-buddies"
  case zoneBounds = "zone-bounds"
  case watermarks
  case kmallocCaches = "kmalloc-caches"
  // Frames and who has them.
  case mappedFreeFrame = "mapped-free-frame"
  case sharedFrame = "shared-frame"
  case frameUse = "frame-use"
  // Page tables and processes.
  case tablePlace = "table-place"
  case tableCount = "table-count"
  case referenceTable = "reference-table"
  case kernelHalf = "kernel-half"
  case userPages = "user-pages"
  case runningTable = "running-table"
  // The windows and the processor.
  case kmapWindow = "kmap-window"
  case fixmap
  case staleTranslation = "stale-translation"
}

/// One invariant that does not hold, in words.
public struct Violation: Hashable, Sendable, CustomStringConvertible {
  /// The check that failed.
  public let check: AuditCheck
  /// A whole sentence, without a full stop.
  public let sentence: String

  /// The name of the check and the sentence.
  public var description: String { "\(check.rawValue): \(sentence)" }
}
