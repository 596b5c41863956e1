/// One page of which the filter knows that the data TLB holds it.
struct AccessFilterEntry {
  /// The linear page number for which reads need no look at the TLB; `AccessFilter.none` when there is none.
  var readPage: UInt32
  /// The same for writes: the page is writable here and now, its D is set, and no decoded code lies in it.
  var writePage: UInt32
  /// What to add to a linear address in the page to get its host address.
  var delta: Int
  /// The TLB entry that translates the page; one that nobody asks for while paging is off.
  var entry: UnsafeMutablePointer<TLBEntry>
  /// The count of uses of that entry's array; of accesses that ask no array while paging is off.
  var uses: UnsafeMutablePointer<UInt64>
}

extension UnsafeMutablePointer<AccessFilterEntry> {
  /// What an access that the entry answers leaves behind: the array's count of uses goes on, and its new value is the time at
  /// which the translation was used last. The TLB itself would write the same.
  @inline(__always)
  func use() {
    let now = pointee.uses.pointee &+ 1
    pointee.uses.pointee = now
    pointee.entry.pointee.lastUse = now
  }
}

/// What makes loads and stores fast: a cache in front of the data TLB that can't change what the TLB would answer.
///
/// An entry stands for a translation that the TLB holds, and a hit is noted in that translation as the TLB's own are: its
/// place in the order of use is the true one at any time. (Under tree-PLRU an entry stands only for the most recent
/// translation of its set, whose use would leave the tree as it is.) When the TLB loses the translation, its filter entries
/// go; when the rights of accesses change (CPL, CR0.WP), all go.
///
/// The index is the low bits of the linear page, so two neighbouring pages never share an entry: comparing the
/// page of an access's last byte with the entry that its first byte chose rejects every access that crosses pages.
struct AccessFilter: ~Copyable {
  static let count = 64
  static let none = UInt32.max

  let entries: UnsafeMutablePointer<AccessFilterEntry>
  /// Accesses answered while paging was off.
  private let untranslatedUses: UnsafeMutablePointer<UInt64>
  /// Stands for the translation of accesses with paging off.
  private let identity: UnsafeMutablePointer<TLBEntry>
  /// The entries that were filled since all went, a bit each.
  private let filled: UnsafeMutablePointer<UInt64>

  init() {
    untranslatedUses = .allocate(capacity: 1)
    untranslatedUses.initialize(to: 0)
    identity = .allocate(capacity: 1)
    identity.initialize(to: .empty)
    filled = .allocate(capacity: 1)
    filled.initialize(to: 0)
    entries = .allocate(capacity: Self.count)
    entries.initialize(
      repeating: AccessFilterEntry(
        readPage: Self.none, writePage: Self.none, delta: 0, entry: identity, uses: untranslatedUses),
      count: Self.count)
  }

  deinit {
    entries.deallocate()
    untranslatedUses.deallocate()
    identity.deallocate()
    filled.deallocate()
  }

  @inline(__always)
  private func index(_ page: UInt32) -> Int { Int(page & UInt32(Self.count &- 1)) }

  /// The host address of `linear` when the filter allows the access, counted as a hit.
  @inline(__always)
  func hit(_ linear: UInt32, bytes: UInt32, writing: Bool) -> UnsafeMutableRawPointer? {
    let slot = entries + index(linear >> 12)
    let page = writing ? slot.pointee.writePage : slot.pointee.readPage
    guard page == (linear &+ bytes &- 1) >> 12 else { return nil }
    slot.use()
    return UnsafeMutableRawPointer(bitPattern: slot.pointee.delta &+ Int(linear))
  }

  /// Fills the entry for `page`, which `entry` translates, one of an array that counts its uses in `uses`.
  func fill(
    _ page: UInt32, delta: Int, writable: Bool, _ entry: UnsafeMutablePointer<TLBEntry>,
    uses: UnsafeMutablePointer<UInt64>
  ) {
    let index = index(page)
    entries[index] = AccessFilterEntry(
      readPage: page, writePage: writable ? page : Self.none, delta: delta, entry: entry, uses: uses)
    entry.pointee.filterEntries |= 1 << UInt64(index)
    filled.pointee |= 1 << UInt64(index)
  }

  /// The same while paging is off.
  func fillUntranslated(_ page: UInt32, delta: Int, writable: Bool) {
    fill(page, delta: delta, writable: writable, identity, uses: untranslatedUses)
  }

  /// Drops what stands for `entry`: one page, or those parts of a large one that have been accessed.
  @inline(__always)
  func drop(_ entry: UnsafeMutablePointer<TLBEntry>) {
    var rest = entry.pointee.filterEntries
    guard rest != 0 else { return }
    entry.pointee.filterEntries = 0
    while rest != 0 {
      let slot = entries + rest.trailingZeroBitCount
      if slot.pointee.entry == entry { clear(slot) }
      rest &= rest &- 1
    }
  }

  func dropAll() {
    var rest = filled.pointee
    filled.pointee = 0
    while rest != 0 {
      clear(entries + rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
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

  @inline(__always)
  private func clear(_ entry: UnsafeMutablePointer<AccessFilterEntry>) {
    entry.pointee.readPage = Self.none
    entry.pointee.writePage = Self.none
  }

  /// Accesses that the filter has answered while paging was off.
  var untranslatedHits: UInt64 { untranslatedUses.pointee }

  /// Starts empty, with this many accesses answered so far while paging was off.
  func restore(untranslatedHits: UInt64) {
    dropAll()
    untranslatedUses.pointee = untranslatedHits
  }
}
