import IA32

/// The comparison of a translation that is used with what memory gives.
extension StaleCheck {
  /// A suspect entry of `array` is used for an access that its rights allow.
  func used(
    _ entry: UnsafeMutablePointer<TLBEntry>, _ array: TLBArrayName, _ linear: UInt32, _ access: PageAccess
  ) {
    let held = entry.pointee.translation
    var walk = walk(linear, access, pdpte: mmu.pdpte(for: linear))
    var difference = difference(held, walk, linear, access, isKept: isKeptByCR3(entry.pointee))
    var isPDPTE = false
    if difference == nil && isSuspectPDPTE(linear) {
      walk = self.walk(linear, access, pdpte: pdpteInMemory(Int(linear >> 30)))
      difference = self.difference(held, walk, linear, access, isKept: false)
      isPDPTE = true
    }
    guard let difference else {
      if isSame(held, walk) { entry.pointee.isSuspect = false }
      return
    }
    // Reported or not: more uses of it tell nothing more until its sources change again.
    entry.pointee.isSuspect = false
    let used = physical(held, linear)
    var found = StaleReport(
      level: .pte, use: observation.moment(), linear: linear, access: access, array: array, used: used,
      memory: difference, filledAt: entry.pointee.filledAt, missing: .invlpg, nearMisses: [])
    if isPDPTE {
      tellPDPTE(&found)
    } else {
      tellEntry(&found, held, entry.pointee.filledAt)
    }
  }

  /// A walk has ended: was a PDPTE register or a cached PDE that it went by stale?
  func walked(_ walk: PageWalk, startingAt cached: CachedDirectoryEntry?) {
    if let cached { return walkedFromCache(walk, cached) }
    guard isSuspectPDPTE(walk.linear), mmu.control.pointee.mode == .pae else { return }
    let memory = self.walk(walk.linear, walk.access, pdpte: pdpteInMemory(Int(walk.linear >> 30)))
    guard let difference = difference(between: walk, and: memory) else { return }
    var found = StaleReport(
      level: .pdpte, use: observation.moment(), linear: walk.linear, access: walk.access, array: nil,
      used: walk.fault == nil ? physical(walk.translation, walk.linear) : nil, memory: difference,
      filledAt: state.pdptesLoadedAt, missing: .movCR3, nearMisses: [])
    tellPDPTE(&found)
  }

  private func walkedFromCache(_ walk: PageWalk, _ cached: CachedDirectoryEntry) {
    let memory = self.walk(walk.linear, walk.access, pdpte: mmu.pdpte(for: walk.linear))
    guard let difference = difference(between: walk, and: memory) else { return }
    var found = StaleReport(
      level: .pde, use: observation.moment(), linear: walk.linear, access: walk.access, array: nil,
      used: walk.fault == nil ? physical(walk.translation, walk.linear) : nil, memory: difference,
      filledAt: 0, missing: .invlpg, nearMisses: [])
    found.store = harmfulStore(to: cached.address, since: 0)
    finish(&found, place: cached.address)
  }

  // MARK: Comparing

  private func walk(_ linear: UInt32, _ access: PageAccess, pdpte: UInt64) -> PageWalk {
    var walk = PageWalk(linear: linear, access: access, control: mmu.control.pointee, pdpte: pdpte)
    Onlooker(memory: mmu.memory).finish(&walk)
    return walk
  }

  private func isSuspectPDPTE(_ linear: UInt32) -> Bool {
    state.suspectPDPTEs >> UInt8(linear >> 30) & 1 != 0
  }

  /// The entry is one that the last load of CR3 kept.
  private func isKeptByCR3(_ entry: TLBEntry) -> Bool {
    guard let load = state.cr3Load else { return false }
    return entry.translation.isGlobal && entry.filledAt <= load.cycle
  }

  /// What memory gives for the access where that is not what the TLB gives.
  private func difference(
    _ held: Translation, _ walk: PageWalk, _ linear: UInt32, _ access: PageAccess, isKept: Bool
  ) -> StaleReport.Memory? {
    if let fault = walk.fault {
      let isFilledInLate = isKept && !held.isUser && !fault.contains(.present)
      if isFilledInLate && harmfulStore(to: held, since: 0) == nil { return nil }
      return .fault(fault)
    }
    let now = leafBeforeUpdate(walk)
    let place = physical(walk.translation, linear)
    if place != physical(held, linear) { return .physical(place) }
    if access.kind == .write && held.isDirty && now & EntryBit.dirty == 0 { return .setsDirty }
    return nil
  }

  private func difference(between used: PageWalk, and memory: PageWalk) -> StaleReport.Memory? {
    if let fault = memory.fault { return used.fault == nil ? .fault(fault) : nil }
    let place = physical(memory.translation, memory.linear)
    guard used.fault == nil, physical(used.translation, used.linear) == place else { return .physical(place) }
    return nil
  }

  /// The leaf in memory: an onlooker's walk updates its own copy only.
  private func leafBeforeUpdate(_ walk: PageWalk) -> UInt64 {
    Onlooker(memory: mmu.memory).readEntry(at: walk.translation.leafAddress, bytes: walk.entryBytes)
  }

  /// Whether every use would find what the TLB holds.
  private func isSame(_ held: Translation, _ walk: PageWalk) -> Bool {
    guard walk.fault == nil else { return false }
    let now = walk.translation
    let isDirty = leafBeforeUpdate(walk) & EntryBit.dirty != 0
    return now.frame == held.frame && now.isLarge == held.isLarge && now.isWritable == held.isWritable
      && now.isUser == held.isUser && now.isNoExecute == held.isNoExecute && isDirty == held.isDirty
  }

  private func physical(_ translation: Translation, _ linear: UInt32) -> UInt64 {
    translation.physical(of: linear, largePageShift: mmu.control.pointee.largePageShift)
  }

  // MARK: Causes

  /// The first store since `cycle` that took something away from the entry at `address`; else the last one.
  private func harmfulStore(to address: UInt64, since cycle: UInt64) -> StaleReport.Store? {
    let stores = (state.stores[mmu.bus.driven(address)] ?? []).filter { $0.moment.cycle >= cycle }
    return stores.first { Self.takesAway($0.event) } ?? stores.last
  }

  private func harmfulStore(to held: Translation, since cycle: UInt64) -> StaleReport.Store? {
    harmfulStore(to: held.leafAddress, since: cycle)
      ?? harmfulStore(to: held.directoryEntryAddress, since: cycle)
  }

  /// Whether the store did more than add rights to a present entry, or set or clear A.
  private static func takesAway(_ event: EntryStoreEvent) -> Bool {
    guard event.old & EntryBit.present != 0 else { return false }
    let added = EntryBit.writable | EntryBit.user
    let ignored = EntryBit.accessed | 0xe00
    let changed = (event.old ^ event.new) & ~ignored
    return changed & ~added != 0 || event.old & changed & added != 0
  }

  private func tellPDPTE(_ found: inout StaleReport) {
    found.level = .pdpte
    found.missing = .movCR3
    let place = pdptAddress + UInt64(found.linear >> 30) * 8
    found.store = harmfulStore(to: place, since: state.pdptesLoadedAt)
    let since = found.store?.moment.cycle ?? 0
    found.nearMisses = state.invalidations.filter {
      $0.moment.cycle >= since && isNear($0.linear, found.linear)
    }
    .suffix(1).map { .notForPDPTE($0.moment) }
    finish(&found, place: place)
  }

  private func tellEntry(_ found: inout StaleReport, _ held: Translation, _ filledAt: UInt64) {
    let leaf = harmfulStore(to: held.leafAddress, since: filledAt)
    let directory = harmfulStore(to: held.directoryEntryAddress, since: filledAt)
    found.missing = held.isGlobal ? .invlpgOrPGE : .invlpg
    let kept = state.cr3Load.flatMap { held.isGlobal && $0.cycle >= filledAt ? $0 : nil }
    var place = held.leafAddress
    if let leaf {
      found.store = leaf
      found.level = held.isLarge ? .pde : .pte
    } else if let directory {
      found.store = directory
      found.level = .pde
      place = held.directoryEntryAddress
    } else if let kept {
      found.level = .cr3
      found.cr3Load = kept
      return finish(&found, place: UInt64(found.linear >> 12), cycle: kept.cycle)
    } else {
      found.level = held.isLarge ? .pde : .pte
    }
    found.nearMisses = nearMisses(found, kept: kept)
    let first = [leaf, directory].compactMap(\.self).filter { Self.takesAway($0.event) }
      .min { $0.moment.cycle < $1.moment.cycle }
    if let first, first != found.store { found.firstStore = first }
    finish(&found, place: place)
  }

  private func finish(_ found: inout StaleReport, place: UInt64, cycle: UInt64? = nil) {
    tell(found, Cause(place: place, cycle: cycle ?? found.store?.moment.cycle ?? found.filledAt))
  }

  // MARK: Near misses

  private func isNear(_ linear: UInt32, _ other: UInt32) -> Bool { linear >> 12 == other >> 12 }

  /// An INVLPG at most this many cycles before a store is taken to have been meant for it.
  private static let closeBy: UInt64 = 10_000

  /// Invalidations that may have been meant for this page.
  private func nearMisses(_ found: StaleReport, kept: EventMoment?) -> [StaleReport.NearMiss] {
    guard let store = found.store else { return [] }
    var misses: [StaleReport.NearMiss] = []
    let since = store.moment.cycle
    let early = state.invalidations.last {
      $0.moment.cycle < since && since - $0.moment.cycle < Self.closeBy && isNear($0.linear, found.linear)
    }
    if let early { misses.append(.tooEarly(early.moment)) }
    if let other = state.invalidations.last(where: {
      $0.moment.cycle >= since && !isNear($0.linear, found.linear)
    }) {
      misses.append(.otherPage(linear: other.linear, other.moment))
    }
    if let kept, kept.cycle >= since { misses.append(.keptGlobal(kept)) }
    return misses
  }
}
