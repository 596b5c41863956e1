import IA32

/// The walker's memory: each reference is counted and charged, A and D are set by a locked write.
struct WalkerBusAccess: WalkMemory {
  let mmu: MMU
  /// What is walked for.
  let linear: UInt32

  @inline(__always)
  func readEntry(at address: UInt64, bytes: UInt8) -> UInt64 {
    mmu.counters.pointee.walkReferences &+= 1
    mmu.chargeReference(address, bytes: bytes)
    return bytes == 8
      ? mmu.readPhysical(address, as: UInt64.self)
      : UInt64(mmu.readPhysical(address, as: UInt32.self))
  }

  func setBits(_ bits: UInt64, inEntryAt address: UInt64, bytes: UInt8) {
    mmu.counters.pointee.accessedDirtyUpdates &+= 1
    mmu.chargeReference(address, bytes: bytes)
    if mmu.caches.isOn { mmu.chargeWalk(mmu.caches.latencies.lock) }
    mmu.gate.writer = .walker
    mmu.gate.linear = linear
    defer { mmu.gate.writer = .instruction }
    if bytes == 8 {
      mmu.writePhysical(address, mmu.readPhysical(address, as: UInt64.self) | bits)
    } else {
      let entry = mmu.readPhysical(address, as: UInt32.self) | UInt32(truncatingIfNeeded: bits)
      mmu.writePhysical(address, entry)
    }
  }
}

extension MMU {
  // MARK: What is held

  /// The data TLB's entry for the page of `linear`, if an array holds one: the 4 KiB one before the large one. Nothing is touched,
  /// counted or told.
  func heldDataEntry(_ linear: UInt32) -> UnsafeMutablePointer<TLBEntry>? {
    data4K.find(linear >> 12) ?? dataLarge.find(linear >> control.pointee.largePageShift)
  }

  /// The same of the instruction TLB.
  func heldInstructionEntry(_ linear: UInt32) -> UnsafeMutablePointer<TLBEntry>? {
    instruction4K.find(linear >> 12) ?? instructionLarge.find(linear >> control.pointee.largePageShift)
  }

  // MARK: Data

  /// The data TLB's entry for an access, filled by a walk when no array has it, made the most recent of its set.
  /// Paging must be on.
  func dataEntry(
    _ linear: UInt32, _ access: PageAccess
  ) throws(GuestFault) -> UnsafeMutablePointer<TLBEntry> {
    let page = linear >> 12
    took(.begins(linear: linear, access))
    if let entry = data4K.find(page) {
      took(data4K.probe(.data4K, linear >> 12, entry))
      try check(entry, .data4K, linear, access)
      counters.pointee.data4KHits &+= 1
      if needsDirtyWalk(entry, access) { return try walkAndFill(linear, access) }
      touchData4K(entry)
      return entry
    }
    took(data4K.probe(.data4K, linear >> 12, nil))
    if let entry = dataLarge.find(linear >> control.pointee.largePageShift) {
      took(dataLarge.probe(.dataLarge, linear >> control.pointee.largePageShift, entry))
      try check(entry, .dataLarge, linear, access)
      counters.pointee.dataLargeHits &+= 1
      if needsDirtyWalk(entry, access) { return try walkAndFill(linear, access) }
      touchDataLarge(entry)
      return entry
    }
    took(dataLarge.probe(.dataLarge, linear >> control.pointee.largePageShift, nil))
    counters.pointee.dataMisses &+= 1
    return try walkAndFill(linear, access)
  }

  /// A write that hits an entry whose D is clear walks again, to set D in memory: the entry makes room for what
  /// that walk finds. SDM vol. 3A, 4.8.
  @inline(__always)
  private func needsDirtyWalk(_ entry: UnsafeMutablePointer<TLBEntry>, _ access: PageAccess) -> Bool {
    guard access.kind == .write && !entry.pointee.translation.isDirty else { return false }
    makeRoom(entry)
    return true
  }

  /// Drops a data entry, and what the filter holds of it.
  func makeRoom(_ entry: UnsafeMutablePointer<TLBEntry>) {
    entry.pointee.isValid = false
    filter.drop(entry)
  }

  private func walkAndFill(
    _ linear: UInt32, _ access: PageAccess
  ) throws(GuestFault) -> UnsafeMutablePointer<TLBEntry> {
    let translation = try walk(linear, access)
    if translation.isLarge {
      counters.pointee.dataLargeFills &+= 1
      let shift = control.pointee.largePageShift
      // A write that hit a 4 KiB entry with D clear can find a large page here that another access has brought in
      // already. The array must not hold it twice, or INVLPG would leave one of the two.
      if let held = dataLarge.find(linear >> shift) { makeRoom(held) }
      let entry = fill(dataLarge, .dataLarge, linear >> shift, translation)
      touchDataLarge(entry)
      return entry
    }
    counters.pointee.data4KFills &+= 1
    let entry = fill(data4K, .data4K, linear >> 12, translation)
    touchData4K(entry)
    return entry
  }

  @inline(__always)
  private func touchData4K(_ entry: UnsafeMutablePointer<TLBEntry>) {
    data4K.touch(entry)
    if data4K.hasTree { becameRecent(entry, recent4K + data4K.set(of: entry.pointee.page)) }
  }

  @inline(__always)
  private func touchDataLarge(_ entry: UnsafeMutablePointer<TLBEntry>) {
    dataLarge.touch(entry)
    if dataLarge.hasTree { becameRecent(entry, recentLarge + dataLarge.set(of: entry.pointee.page)) }
  }

  /// Tree-PLRU: a hit of the filter turns no nodes, so the entry that was its set's most recent loses its place there.
  private func becameRecent(
    _ entry: UnsafeMutablePointer<TLBEntry>, _ recent: UnsafeMutablePointer<UnsafeMutablePointer<TLBEntry>?>
  ) {
    guard recent.pointee != entry else { return }
    if let old = recent.pointee { filter.drop(old) }
    recent.pointee = entry
  }

  // MARK: Instructions

  /// The instruction TLB's entry for a fetch, filled by a walk when no array has it. Paging must be on.
  func instructionEntry(_ linear: UInt32) throws(GuestFault) -> UnsafeMutablePointer<TLBEntry> {
    let entry = try findInstructionEntry(linear)
    took(
      .ends(
        physical: entry.pointee.translation.physical(
          of: linear, largePageShift: control.pointee.largePageShift)))
    return entry
  }

  private func findInstructionEntry(
    _ linear: UInt32
  ) throws(GuestFault) -> UnsafeMutablePointer<TLBEntry> {
    let access = PageAccess(.fetch, user: isUserMode)
    took(.begins(linear: linear, access))
    if let entry = instruction4K.find(linear >> 12) {
      took(instruction4K.probe(.instruction4K, linear >> 12, entry))
      try check(entry, .instruction4K, linear, access)
      instruction4K.touch(entry)
      return entry
    }
    let largePage = linear >> control.pointee.largePageShift
    took(instruction4K.probe(.instruction4K, linear >> 12, nil))
    if let entry = instructionLarge.find(largePage) {
      took(instructionLarge.probe(.instructionLarge, largePage, entry))
      try check(entry, .instructionLarge, linear, access)
      instructionLarge.touch(entry)
      return entry
    }
    took(instructionLarge.probe(.instructionLarge, largePage, nil))
    counters.pointee.instructionMisses &+= 1
    let translation = try walk(linear, access)
    if translation.isLarge {
      counters.pointee.instructionLargeFills &+= 1
      let entry = fill(instructionLarge, .instructionLarge, largePage, translation)
      instructionLarge.touch(entry)
      return entry
    }
    counters.pointee.instruction4KFills &+= 1
    let entry = fill(instruction4K, .instruction4K, linear >> 12, translation)
    instruction4K.touch(entry)
    return entry
  }

  // MARK: Both

  /// Faults when the rights that the TLB holds forbid the access, whatever memory says by now.
  @inline(__always)
  private func check(
    _ entry: UnsafeMutablePointer<TLBEntry>, _ array: TLBArrayName, _ linear: UInt32, _ access: PageAccess
  ) throws(GuestFault) {
    let right = PageWalk.missingRight(
      for: access, isUserPage: entry.pointee.translation.isUser,
      isWritable: entry.pointee.translation.isWritable,
      isNoExecute: entry.pointee.translation.isNoExecute, writeProtect: control.pointee.writeProtect)
    if right != nil {
      let code = PageWalk.errorCode(for: access, control: control.pointee).union(.present)
      took(.fault(code))
      refusal = TLBRefusal(
        array: array, filledAt: entry.pointee.filledAt, translation: entry.pointee.translation)
      throw pageFault(code, at: linear)
    }
    if entry.pointee.isSuspect { stale?.used(entry, array, linear, access) }
  }

  private func fill(
    _ array: borrowing TLBArray, _ name: TLBArrayName, _ page: UInt32, _ translation: Translation
  ) -> UnsafeMutablePointer<TLBEntry> {
    let entry = array.victim(for: page)
    if observation.wants(.tlbEvict) && entry.pointee.isValid { tellTLB(array, name, entry) { .tlbEvict($0) } }
    filter.drop(entry)
    entry.pointee.page = page
    entry.pointee.isValid = true
    entry.pointee.translation = translation
    entry.pointee.filledAt = clock.state.pointee.now
    entry.pointee.isSuspect = false
    if observation.wants(.tlbFill) { tellTLB(array, name, entry) { .tlbFill($0) } }
    if stepper != nil {
      let (set, way) = array.place(of: entry)
      took(.fill(name, set: set, way: way))
    }
    return entry
  }

  /// Walks the paging structures for `access`.
  func walk(_ linear: UInt32, _ access: PageAccess) throws(GuestFault) -> Translation {
    counters.pointee.walks &+= 1
    let began = clock.state.pointee.now
    if caches.isOn { chargeWalk(caches.latencies.walkOverhead) }
    let region = linear >> control.pointee.largePageShift
    let start = directoryCache.find(region)
    if start != nil { counters.pointee.directoryCacheHits &+= 1 }
    var walk = PageWalk(
      linear: linear, access: access, control: control.pointee, pdpte: pdpte(for: linear), startingAt: start)
    if followsWalks {
      follow(&walk, startingAt: start, began: began)
    } else {
      let port = WalkerBusAccess(mmu: self, linear: linear)
      while walk.next != .done { _ = walk.advance(port) }
    }
    if let code = walk.fault {
      refusal = nil
      throw pageFault(code, at: linear)
    }
    if directoryCache.isOn, start == nil, let entry = walk.directoryEntry {
      directoryCache.insert(entry, region)
    }
    return walk.translation
  }

  // MARK: Cost

  /// A reference of a walk: through L1D and L2 in the `full` level, at a fixed cost in the others.
  @inline(__always)
  func chargeReference(_ address: UInt64, bytes: UInt8) {
    guard caches.isOn else {
      chargeWalk(walkReferenceCost)
      return
    }
    if bus.hostPageForWriting(address >> 12) != nil {
      chargeWalk(caches.latencies.walkReference)
      caches.access(bus.driven(address), bytes: UInt32(bytes), .walk)
    } else {
      caches.uncached(.walk)
    }
  }

  @inline(__always)
  func chargeWalk(_ cycles: UInt64) {
    clock.state.pointee.now &+= cycles
    caches.breakdown.pointee.walk &+= cycles
  }

  /// A page fault removes the page's entries and the PDE that its walks would start from, so that the repeated access
  /// walks all of it again. SDM vol. 3A, 4.10.4.1.
  private func pageFault(_ code: PageFaultErrorCode, at linear: UInt32) -> GuestFault {
    dropEntries(for: linear)
    directoryCache.drop(linear >> control.pointee.largePageShift)
    return .pageFault(code, at: linear)
  }
}
