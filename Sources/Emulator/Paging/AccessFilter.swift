/// One remembered hit of the data TLB.
struct AccessFilterEntry {
  /// The linear page number for which reads need no look at the TLB; `AccessFilter.none` when there is none.
  var readPage: UInt32
  /// The same for writes: the page is writable here and now, its D is set, and no decoded code lies in it.
  var writePage: UInt32
  /// What to add to a linear address in the page to get its host address.
  var delta: Int
  /// Accesses that this entry has answered since it was filled: TLB hits not counted elsewhere.
  var hits: UInt64
  /// Which array holds the translation.
  var source: AccessFilter.Source
}

/// What makes loads and stores fast: a cache in front of the data TLB that can't change what the TLB would answer.
///
/// An entry stands only for a translation that is the most recent of its TLB set: touching it again would leave the
/// LRU order as it is, so leaving the touch out is exact. When another entry of the set becomes the most recent,
/// the old one's filter entry goes (`PageTranslation` sees to that); when the rights of accesses change (CPL, CR0.WP),
/// or the TLB loses entries, all go.
///
/// The index is the low six bits of the linear page, so two neighbouring pages never share an entry: comparing the
/// page of an access's last byte with the entry that its first byte chose rejects every access that crosses pages.
struct AccessFilter: ~Copyable {
  enum Source: UInt8 {
    /// Paging is off: no TLB stands behind the entry.
    case identity
    case data4K
    case dataLarge
  }

  static let count = 64
  static let none = UInt32.max

  let entries: UnsafeMutablePointer<AccessFilterEntry>
  /// Hits of entries that have gone, by source.
  private let retiredHits: UnsafeMutablePointer<UInt64>

  init() {
    let empty = AccessFilterEntry(
      readPage: Self.none, writePage: Self.none, delta: 0, hits: 0, source: .identity)
    entries = .allocate(capacity: Self.count)
    entries.initialize(repeating: empty, count: Self.count)
    retiredHits = .allocate(capacity: 3)
    retiredHits.initialize(repeating: 0, count: 3)
  }

  deinit {
    entries.deallocate()
    retiredHits.deallocate()
  }

  @inline(__always)
  func slot(_ page: UInt32) -> UnsafeMutablePointer<AccessFilterEntry> {
    entries + Int(page & UInt32(Self.count &- 1))
  }

  /// The host address of `linear` when the filter allows the access, counted as a hit.
  @inline(__always)
  func hit(_ linear: UInt32, bytes: UInt32, writing: Bool) -> UnsafeMutableRawPointer? {
    let slot = slot(linear >> 12)
    let page = writing ? slot.pointee.writePage : slot.pointee.readPage
    guard page == (linear &+ bytes &- 1) >> 12 else { return nil }
    slot.pointee.hits &+= 1
    return UnsafeMutableRawPointer(bitPattern: slot.pointee.delta &+ Int(linear))
  }

  /// Fills the entry for `page`, which has just become the most recent of its TLB set.
  func fill(_ page: UInt32, delta: Int, writable: Bool, source: Source) {
    let entry = slot(page)
    retireHits(entry)
    entry.pointee.readPage = page
    entry.pointee.writePage = writable ? page : Self.none
    entry.pointee.delta = delta
    entry.pointee.source = source
  }

  /// Drops the entry for the 4 KiB page `page`.
  @inline(__always)
  func drop(_ page: UInt32) {
    let entry = slot(page)
    if entry.pointee.readPage == page { clear(entry) }
  }

  /// Drops every entry that stands for a part of the large page `largePage` of 2^`shift` bytes.
  func dropLarge(_ largePage: UInt32, shift: UInt32) {
    for index in 0..<Self.count {
      let entry = entries + index
      if entry.pointee.source == .dataLarge && entry.pointee.readPage >> (shift &- 12) == largePage {
        clear(entry)
      }
    }
  }

  func dropAll() {
    for index in 0..<Self.count { clear(entries + index) }
  }

  /// Takes the right to write away from every entry whose page lies at `host`: code has been decoded there.
  func forbidWrites(toHostPage host: UnsafeRawPointer) {
    for index in 0..<Self.count {
      let entry = entries + index
      guard entry.pointee.writePage != Self.none else { continue }
      if Int(bitPattern: host) == entry.pointee.delta &+ Int(entry.pointee.writePage) << 12 {
        entry.pointee.writePage = Self.none
      }
    }
  }

  private func clear(_ entry: UnsafeMutablePointer<AccessFilterEntry>) {
    retireHits(entry)
    entry.pointee.readPage = Self.none
    entry.pointee.writePage = Self.none
  }

  private func retireHits(_ entry: UnsafeMutablePointer<AccessFilterEntry>) {
    retiredHits[Int(entry.pointee.source.rawValue)] &+= entry.pointee.hits
    entry.pointee.hits = 0
  }

  /// Starts empty, with these hits answered so far.
  func restore(hits: [UInt64]) {
    dropAll()
    for index in hits.indices { retiredHits[index] = hits[index] }
  }

  /// Hits of `source` that the filter has answered so far.
  func hits(of source: Source) -> UInt64 {
    var sum = retiredHits[Int(source.rawValue)]
    for index in 0..<Self.count where entries[index].source == source { sum &+= entries[index].hits }
    return sum
  }
}
