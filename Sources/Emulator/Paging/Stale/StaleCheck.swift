import IA32

/// Finds uses of translations that memory no longer gives.
///
/// Every TLB entry knows where its PDE and PTE were read. A store to one of these places makes the entry *suspect*: it loses
/// its place in the access filter, and its uses are compared with what a walk would find now. A translation that differs for
/// the access at hand is reported, once for each cause; one that is the same again is cleared of suspicion. The four PDPTE
/// registers are treated alike, with the table that they were loaded from. Nothing of this can be seen by the guest.
///
/// What needs no invalidation gives no report: P or a right that is added (SDM vol. 3A, 4.10.4.3), a change that is never used, one
/// that is taken back, A cleared. A supervisor translation that MOV to CR3 kept because it is global, and that the new tables
/// merely lack, gives none either: kernels fill their halves of process tables in late.
final class StaleCheck {
  /// All that it remembers; part of a snapshot.
  struct State {
    /// Stores to entries that a live translation came from, by the entry's address, oldest first.
    var stores: [UInt64: [StaleReport.Store]] = [:]
    /// The last invalidations of single pages, newest last, and the last load of CR3.
    var invalidations: [(linear: UInt32, moment: EventMoment)] = []
    var cr3Load: EventMoment?
    /// When the PDPTE registers were loaded.
    var pdptesLoadedAt: UInt64 = 0
    /// PDPTE registers that differ from memory, a bit each.
    var suspectPDPTEs: UInt8 = 0
    /// Causes that have been reported.
    var reported: Set<Cause> = []
  }

  /// What is reported once.
  struct Cause: Hashable {
    /// The entry's address and the cycle of its change; the page and the cycle of the CR3 load.
    var place: UInt64
    var cycle: UInt64
  }

  var state = State()
  // The paging unit holds its check.
  unowned let mmu: MMU
  let observation: Observation
  private let report: (StaleReport) -> Void

  static let maxStoresOfAnEntry = 8
  static let maxEntries = 4096
  static let maxInvalidations = 32

  init(mmu: MMU, observation: Observation, report: @escaping (StaleReport) -> Void) {
    self.mmu = mmu
    self.observation = observation
    self.report = report
    // What is there already may be stale by now, and its sources must be watched.
    markPDPT()
    recheckPDPTEs()
    mmu.forEachEntry { _, entry in
      entry.pointee.isSuspect = true
      self.markSources(entry.pointee.translation)
    }
    mmu.filter.dropAll()
  }

  func markSources(_ translation: Translation) {
    mmu.gate.mark(mmu.bus.driven(translation.leafAddress), .checked)
    mmu.gate.mark(mmu.bus.driven(translation.directoryEntryAddress), .checked)
  }

  /// The page-directory-pointer table that the registers were loaded from.
  var pdptAddress: UInt64 { mmu.bus.driven(UInt64(mmu.state.pointee.cr3 & ~31)) }

  func markPDPT() {
    if mmu.control.pointee.mode == .pae { mmu.gate.mark(pdptAddress, .checked) }
  }

  func tell(_ found: StaleReport, _ cause: Cause) {
    if state.reported.insert(cause).inserted { report(found) }
  }

  // MARK: Stores

  /// A store to a frame with page tables has happened.
  func stored(_ event: EntryStoreEvent) {
    // The walker sets A and D; that takes nothing away.
    guard event.writer != .walker, event.old != event.new else { return }
    var isSource = false
    let isPDPTE = mmu.control.pointee.mode == .pae && event.address & ~31 == pdptAddress
    if isPDPTE {
      recheckPDPTEs()
      isSource = true
    }
    let region = UInt32(truncatingIfNeeded: (event.address & 31) >> 3)
    mmu.forEachEntry { array, entry in
      let translation = entry.pointee.translation
      let shift = self.shift(of: array)
      guard
        self.mmu.bus.driven(translation.leafAddress) == event.address
          || self.mmu.bus.driven(translation.directoryEntryAddress) == event.address
          || isPDPTE && (entry.pointee.page << shift) >> 30 == region
      else { return }
      isSource = true
      self.suspect(entry, array)
    }
    for line in mmu.directoryCache.lines where line.entry.address == event.address { isSource = true }
    if isSource { keep(StaleReport.Store(moment: observation.moment(), event: event)) }
  }

  private func keep(_ store: StaleReport.Store) {
    if state.stores.count >= Self.maxEntries { forgetUnreferenced() }
    state.stores[store.event.address, default: []].append(store)
    // The first is the one that took something away, as a rule; the last tells what stands there now.
    if state.stores[store.event.address, default: []].count > Self.maxStoresOfAnEntry {
      state.stores[store.event.address]?.remove(at: 1)
    }
  }

  /// Drops the stores to entries that no live translation came from.
  private func forgetUnreferenced() {
    var live: Set<UInt64> = []
    mmu.forEachEntry { _, entry in
      live.insert(self.mmu.bus.driven(entry.pointee.translation.leafAddress))
      live.insert(self.mmu.bus.driven(entry.pointee.translation.directoryEntryAddress))
    }
    for line in mmu.directoryCache.lines { live.insert(line.entry.address) }
    state.stores = state.stores.filter { live.contains($0.key) || $0.key & ~31 == pdptAddress }
  }

  /// From now on uses of the entry are compared with memory.
  func suspect(_ entry: UnsafeMutablePointer<TLBEntry>, _ array: TLBArrayName) {
    entry.pointee.isSuspect = true
    switch array {
    case .data4K, .dataLarge: mmu.filter.drop(entry)
    case .instruction4K, .instructionLarge: mmu.askAgainForFetchPage()
    }
  }

  func shift(of array: TLBArrayName) -> UInt32 {
    array == .data4K || array == .instruction4K ? 12 : mmu.control.pointee.largePageShift
  }

  func recheckPDPTEs() {
    guard mmu.control.pointee.mode == .pae else { return }
    state.suspectPDPTEs = 0
    for index in 0..<4 where pdpteInMemory(index) != mmu.pdpte(for: UInt32(index) << 30) {
      state.suspectPDPTEs |= 1 << UInt8(index)
    }
  }

  func pdpteInMemory(_ index: Int) -> UInt64 {
    Onlooker(memory: mmu.memory).readEntry(at: pdptAddress + UInt64(index) * 8, bytes: 8)
  }

  // MARK: Invalidations

  /// INVLPG.
  func invalidated(_ linear: UInt32) {
    if state.invalidations.count == Self.maxInvalidations { state.invalidations.removeFirst() }
    state.invalidations.append((linear, observation.moment()))
  }

  /// CR3, or the PDPTE registers through another control register, have been loaded. What stays in the TLB is global.
  func loadedCR3() {
    state.cr3Load = observation.moment()
    loadedPDPTEs()
    mmu.forEachEntry { array, entry in self.suspect(entry, array) }
  }

  func loadedPDPTEs() {
    state.pdptesLoadedAt = observation.moment().cycle
    state.suspectPDPTEs = 0
    markPDPT()
  }
}

extension MMU {
  /// Calls `body` with each valid TLB entry.
  func forEachEntry(_ body: (TLBArrayName, UnsafeMutablePointer<TLBEntry>) -> Void) {
    instruction4K.forEachValid { body(.instruction4K, $0) }
    instructionLarge.forEachValid { body(.instructionLarge, $0) }
    data4K.forEachValid { body(.data4K, $0) }
    dataLarge.forEachValid { body(.dataLarge, $0) }
  }
}

extension StaleCheck {
  /// Goes back to what was known then. Nothing was, if the check was off: every translation is suspect then.
  func restore(_ saved: State?) {
    state = saved ?? State()
    guard saved == nil else { return }
    mmu.forEachEntry { array, entry in
      self.markSources(entry.pointee.translation)
      self.suspect(entry, array)
    }
    recheckPDPTEs()
  }
}
