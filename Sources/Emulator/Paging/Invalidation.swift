import IA32

/// What removes translations, and the loads of the registers that walks obey. SDM vol. 3A, 4.10.4.
extension MMU {
  /// Drops what the TLB arrays hold for the page of `linear`, global and large entries included: INVLPG, and a page
  /// fault.
  func dropEntries(for linear: UInt32) {
    let page = linear >> 12
    let shift = control.pointee.largePageShift
    instruction4K.invalidate(page)
    instructionLarge.invalidate(linear >> shift)
    if let entry = data4K.find(page) { makeRoom(entry) }
    if let entry = dataLarge.find(linear >> shift) { makeRoom(entry) }
    let fetch = fetchPage.pointee
    let holdsFetchPage =
      fetch.source == .instructionLarge
      ? fetch.current >> (shift &- 12) == linear >> shift : fetch.current == page
    if holdsFetchPage { forgetFetchPage() }
  }

  /// Drops every translation, or all but the global ones, and every cached PDE: those know no G.
  func dropAllEntries(keepingGlobal: Bool) {
    instruction4K.invalidateAll(keepingGlobal: keepingGlobal)
    instructionLarge.invalidateAll(keepingGlobal: keepingGlobal)
    data4K.invalidateAll(keepingGlobal: keepingGlobal)
    dataLarge.invalidateAll(keepingGlobal: keepingGlobal)
    directoryCache.dropAll()
    filter.dropAll()
    forgetFetchPage()
  }

  /// Makes the next fetch ask the TLB. The line stays known: a block that is left early takes back the lookups of lines
  /// that it has not reached.
  func forgetFetchPage() {
    switch fetchPage.pointee.source {
    case .identity: break
    case .instruction4K: counters.pointee.instruction4KHits &+= fetchPage.pointee.lookups
    case .instructionLarge: counters.pointee.instructionLargeHits &+= fetchPage.pointee.lookups
    }
    fetchPage.pointee.lookups = 0
    fetchPage.pointee.page = AccessFilter.none
    fetchPage.pointee.held = AccessFilter.none
  }

  /// Makes the next fetch ask the TLB for an onlooker's sake: nothing is counted that would not have been.
  func askAgainForFetchPage() {
    let page = fetchPage.pointee.current
    forgetFetchPage()
    fetchPage.pointee.held = page
  }

  /// The state after RESET#: no paging, nothing translated.
  func resetPaging() {
    refreshControl()
    dropAllEntries(keepingGlobal: false)
  }

  /// Rights depend on CPL: a change between user and supervisor mode must go through here.
  func privilegeChanged() {
    filter.dropAll()
    forgetFetchPage()
  }

  /// INVLPG: the page's translations, and every cached PDE whatever its address.
  func invalidatePage(_ linear: UInt32) {
    counters.pointee.pageInvalidations &+= 1
    directoryCache.dropAll()
    dropEntries(for: linear)
    stale?.invalidated(linear)
    if observation.wants(.flush) { observation.tell(.flush(.page(linear))) }
  }

  /// MOV to CR3: under PAE the four PDPTE registers are loaded first, and a reserved bit in a present one means
  /// #GP(0) with nothing changed. All translations but global ones go.
  func loadCR3(_ value: UInt32) throws(GuestFault) { loadCR3(try checkCR3(value)) }

  /// A value for CR3 with the PDPTEs that it brings under PAE, checked.
  struct CheckedCR3 {
    fileprivate let value: UInt32
    fileprivate let pdpte: (UInt64, UInt64, UInt64, UInt64)?
  }

  /// Reads what a load of CR3 would read, and changes nothing.
  /// - Throws: #GP(0) for a reserved bit in a present PDPTE.
  func checkCR3(_ value: UInt32) throws(GuestFault) -> CheckedCR3 {
    CheckedCR3(value: value, pdpte: control.pointee.mode == .pae ? try readPDPTEs(cr3: value) : nil)
  }

  /// Loads CR3 with a checked value: MOV to CR3 and task switches.
  func loadCR3(_ checked: CheckedCR3) {
    let value = checked.value
    if let pdpte = checked.pdpte { state.pointee.pdpte = pdpte }
    counters.pointee.cr3Loads &+= 1
    let old = state.pointee.cr3
    state.pointee.cr3 = value
    refreshControl()
    dropAllEntries(keepingGlobal: control.pointee.globalPages)
    stale?.loadedCR3()
    markPointerTable()
    if observation.wants(.flush) {
      observation.tell(.flush(.cr3(value, keepsGlobal: control.pointee.globalPages)))
    }
    if observation.wants(.task) && old != value {
      observation.tell(.task(.addressSpace(old: old, new: value)))
    }
  }

  /// Writes CR0 and CR4 (either may be unchanged) with all that follows: PDPTE loads, flushes.
  /// The caller has checked the values for reserved bits and forbidden combinations.
  func setControlRegisters(cr0: CR0, cr4: CR4) throws(GuestFault) {
    let old0 = state.pointee.cr0
    let old4 = state.pointee.cr4
    let paeAfter = cr0.contains(.paging) && cr4.contains(.physicalAddressExtension)
    let changed0 = old0.symmetricDifference(cr0)
    let changed4 = old4.symmetricDifference(cr4)
    // SDM vol. 3A, 4.4.1 lists the bits whose change loads the PDPTE registers.
    let loadsPDPTEs =
      !changed0.isDisjoint(with: [.cacheDisable, .notWriteThrough, .paging])
      || !changed4.isDisjoint(with: [.physicalAddressExtension, .pageGlobalEnable, .pageSizeExtensions])
    if paeAfter && loadsPDPTEs {
      state.pointee.pdpte = try readPDPTEs(cr3: state.pointee.cr3)
    }
    state.pointee.cr0 = cr0
    state.pointee.cr4 = cr4
    refreshControl()
    let flushes =
      !changed0.isDisjoint(with: [.paging, .protectionEnable])
      || !changed4.isDisjoint(with: [.physicalAddressExtension, .pageGlobalEnable, .pageSizeExtensions])
    // What the filter remembers is cached memory.
    if caches.isOn && changed0.contains(.cacheDisable) { filter.dropAll() }
    if flushes {
      dropAllEntries(keepingGlobal: false)
      if observation.wants(.flush) { observation.tell(.flush(.everything)) }
    } else if changed0.contains(.writeProtect) {
      filter.dropAll()
    }
    if paeAfter && loadsPDPTEs {
      stale?.loadedPDPTEs()
      markPointerTable()
    }
    tellMode(.cr0, UInt64(old0.rawValue), UInt64(cr0.rawValue))
    tellMode(.cr4, UInt64(old4.rawValue), UInt64(cr4.rawValue))
  }

  /// Reports a register's new value.
  func tellMode(_ register: ModeEvent.Register, _ old: UInt64, _ new: UInt64) {
    guard old != new, observation.wants(.mode) else { return }
    observation.tell(.mode(ModeEvent(register: register, old: old, new: new)))
  }

  /// Writes EFER; NXE takes effect on the next walk and on what the TLB already holds. Cached PDEs go, because NXE decides
  /// whether their bit 63 is reserved.
  func setEFER(_ value: UInt64) {
    let old = state.pointee.efer
    state.pointee.efer = value
    directoryCache.dropAll()
    refreshControl()
    forgetFetchPage()
    tellMode(.efer, old, value)
  }

  private func refreshControl() {
    caches.isEnabled = !state.pointee.cr0.contains(.cacheDisable)
    control.pointee = PagingControl(
      cr0: state.pointee.cr0, cr3: state.pointee.cr3, cr4: state.pointee.cr4, efer: state.pointee.efer,
      addressWidth: addressWidth, hasAttributeTable: hasAttributeTable)
  }

  /// Reads the page-directory-pointer table at `cr3` (32-byte aligned) as a load of CR3 does. SDM vol. 3A, 4.4.1.
  private func readPDPTEs(cr3: UInt32) throws(GuestFault) -> (UInt64, UInt64, UInt64, UInt64) {
    let table = UInt64(cr3 & 0xffff_ffe0)
    let reserved = ReservedBits.pdpte(addressWidth: addressWidth)
    func entry(_ index: UInt64) throws(GuestFault) -> UInt64 {
      // The four reads go past the caches. SDM vol. 3A, 4.9.1.
      if caches.isOn { caches.uncached(.walk) } else { chargeWalk(walkReferenceCost) }
      let value = readPhysical(table &+ 8 &* index, as: UInt64.self)
      if value & EntryBit.present != 0 && value & reserved != 0 { throw .generalProtection() }
      return value
    }
    return (try entry(0), try entry(1), try entry(2), try entry(3))
  }
}
