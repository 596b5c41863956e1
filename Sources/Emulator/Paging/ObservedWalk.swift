import IA32

/// Walks that are followed.
extension MMU {
  /// Runs `walk` to its end, telling each step, marking the pages it reads, and telling the walk as a whole.
  /// - Parameter began: the clock before the walk's overhead.
  @inline(never)
  func follow(_ walk: inout PageWalk, startingAt cached: CachedDirectoryEntry?, began: UInt64) {
    let port = WalkerBusAccess(mmu: self, linear: walk.linear)
    var event = WalkEvent(linear: walk.linear, access: walk.access)
    if let cached { took(.cachedDirectoryEntry(cached)) }
    let marks = marksOfWalks
    while walk.next != .done {
      let step = walk.advance(port)
      if !marks.isEmpty, let address = step.address { gate.mark(bus.driven(address), marks) }
      event.note(step)
      took(.walk(step))
    }
    if let fault = walk.fault {
      event.fault = fault
      took(.fault(fault))
    } else {
      let translation = walk.translation
      event.frame = translation.frame
      event.isLarge = translation.isLarge
    }
    event.cycles = clock.state.pointee.now &- began
    if observation.wants(.walk) { observation.tell(.walk(event)) }
    stale?.walked(walk, startingAt: cached)
  }

  /// Reports an entry that `array` takes in or gives up.
  @inline(never)
  func tellTLB(
    _ array: borrowing TLBArray, _ name: TLBArrayName, _ entry: UnsafeMutablePointer<TLBEntry>,
    _ event: (TLBEvent) -> MachineEvent
  ) {
    let (set, way) = array.place(of: entry)
    let isLarge = name == .dataLarge || name == .instructionLarge
    let shift = isLarge ? control.pointee.largePageShift : 12
    observation.tell(event(TLBEvent(name, set: set, way: way, entry.pointee, shift: shift)))
  }

  /// The marks of pages that the walker reads: stores to them are told.
  private var marksOfWalks: FrameMarks {
    var marks: FrameMarks = observation.wants(.pteStore) ? .pageTable : []
    if stale != nil { marks.insert(.checked) }
    return marks
  }

  /// Marks the page-directory-pointer table that CR3 names, if stores to it are to be told.
  func markPointerTable() {
    guard observation.wants(.pteStore), control.pointee.mode == .pae else { return }
    gate.mark(pointerTable, .pointerTable)
  }

  /// The address of the page-directory-pointer table that CR3 names.
  var pointerTable: UInt64 { bus.driven(UInt64(state.pointee.cr3 & ~31)) }
}

extension WalkEvent {
  fileprivate mutating func note(_ step: PageWalk.Step) {
    if step.verdict == .updated {
      if step.level == .pde && pte != nil { updatedDirectory = true } else { updatedLeaf = true }
      return
    }
    switch (step.level, step.address) {
    case (.pde, let address?): pde = Entry(address: address, value: step.value)
    case (.pte, let address?): pte = Entry(address: address, value: step.value)
    default: pdpte = step.value
    }
  }
}

extension TLBEvent {
  /// - Parameter shift: log2 of a page's bytes in the array.
  init(_ array: TLBArrayName, set: Int, way: Int, _ entry: TLBEntry, shift: UInt32) {
    let translation = entry.translation
    self.init(
      array: array, set: UInt8(truncatingIfNeeded: set), way: UInt8(truncatingIfNeeded: way),
      linear: entry.page << shift, frame: translation.frame, isWritable: translation.isWritable,
      isUser: translation.isUser, isGlobal: translation.isGlobal, isNoExecute: translation.isNoExecute,
      isDirty: translation.isDirty)
  }
}

extension TLBArray {
  /// What looking up `page` found.
  func probe(
    _ name: TLBArrayName, _ page: UInt32, _ entry: UnsafeMutablePointer<TLBEntry>?
  ) -> TranslationStep {
    .probe(name, set: set(of: page), way: entry.map { place(of: $0).way })
  }
}
