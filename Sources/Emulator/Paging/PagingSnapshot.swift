import IA32

/// All of a processor's paging unit.
struct PagingSnapshot: Codable {
  /// In the order of `TLBArrayName.allCases`.
  var arrays: [TLBArray.Saved]
  var directoryCache: DirectoryCache.Saved
  var fetchPage: FetchPage
  var control: PagingControl
  var counters: PagingCounters
  /// Accesses that the filter answered while paging was off.
  var untranslatedHits: UInt64
  var walkReferenceCost: UInt64
}

extension MMU {
  func snapshot() -> PagingSnapshot {
    PagingSnapshot(
      arrays: [instruction4K.saved, instructionLarge.saved, data4K.saved, dataLarge.saved],
      directoryCache: directoryCache.saved, fetchPage: fetchPage.pointee, control: control.pointee,
      counters: counters.pointee,
      untranslatedHits: filter.untranslatedHits,
      walkReferenceCost: walkReferenceCost)
  }

  /// Whether the paging unit of a processor in `state` could be in a state that was read from a file.
  func accepts(_ saved: PagingSnapshot, of state: CPUState) -> Bool {
    guard saved.arrays.count == 4, directoryCache.accepts(saved.directoryCache) else { return false }
    let control = PagingControl(
      cr0: state.cr0, cr3: state.cr3, cr4: state.cr4, efer: state.efer, addressWidth: addressWidth)
    return saved.control == control && saved.fetchPage.physical & 0xfff == 0
      && saved.fetchPage.physical >> UInt64(addressWidth) == 0
      && instruction4K.accepts(saved.arrays[0], addressWidth: addressWidth)
      && instructionLarge.accepts(saved.arrays[1], addressWidth: addressWidth)
      && data4K.accepts(saved.arrays[2], addressWidth: addressWidth)
      && dataLarge.accepts(saved.arrays[3], addressWidth: addressWidth)
  }

  func restore(_ saved: PagingSnapshot) {
    instruction4K.restore(saved.arrays[0])
    instructionLarge.restore(saved.arrays[1])
    data4K.restore(saved.arrays[2])
    dataLarge.restore(saved.arrays[3])
    directoryCache.restore(saved.directoryCache)
    control.pointee = saved.control
    counters.pointee = saved.counters
    walkReferenceCost = saved.walkReferenceCost
    // An empty filter stands for no page, whatever was used last.
    filter.restore(untranslatedHits: saved.untranslatedHits)
    recent4K.update(repeating: nil, count: data4K.sets)
    recentLarge.update(repeating: nil, count: dataLarge.sets)
    lastWasCacheable.pointee = true
    fetchPage.pointee = saved.fetchPage
    askAgainForFetchPage()
  }
}
