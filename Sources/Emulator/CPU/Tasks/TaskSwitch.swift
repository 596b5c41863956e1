import IA32

/// How control comes to another task.
enum TaskSwitchCause {
  /// JMP: the old task ends as far as busy bits go.
  case jump
  /// CALL: the old task waits, and the new one has a link to it.
  case call
  /// An interrupt or exception through a task gate, like CALL.
  case interrupt
  /// IRET with NT set, back along the link.
  case interruptReturn

  /// The new task is nested in the old one.
  var nests: Bool { self == .call || self == .interrupt }
}

/// Switching tasks. SDM vol. 3A, 7.3.
extension CPU {
  // MARK: Which task

  /// The TSS that a task gate, JMP or CALL names, which must be available.
  /// - Throws: #GP and #NP with the selector; #PF.
  func availableTask(_ selector: Selector) throws(GuestFault) -> FetchedDescriptor {
    guard !selector.isNull, !selector.isLocal else { throw .generalProtection(selector.errorCode) }
    let fetched = try descriptor(selector)
    let descriptor = fetched.descriptor
    guard !descriptor.isCodeOrData,
      descriptor.type == SystemDescriptorType.availableTSS16
        || descriptor.type == SystemDescriptorType.availableTSS32
    else { throw .generalProtection(selector.errorCode) }
    try requirePresent(fetched)
    return fetched
  }

  /// IRET with NT set: to the task that the current TSS links to, which must be busy.
  /// - Throws: #TS and #NP with the link; #PF.
  func returnToPreviousTask() throws(GuestFault) {
    let link = Selector(
      try loadSystem(state.pointee.tr.base &+ TaskLayout.backLink, as: UInt16.self))
    guard !link.isNull, !link.isLocal else { throw GuestFault(.invalidTSS, errorCode: link.errorCode) }
    let fetched = try descriptor(link, orRaise: .invalidTSS)
    let descriptor = fetched.descriptor
    guard !descriptor.isCodeOrData,
      descriptor.type == SystemDescriptorType.busyTSS16 || descriptor.type == SystemDescriptorType.busyTSS32
    else { throw GuestFault(.invalidTSS, errorCode: link.errorCode) }
    try requirePresent(fetched)
    let flags = state.pointee.eflags & ~EFLAGS.nestedTask.rawValue
    try switchTask(to: fetched, .interruptReturn, eip: state.pointee.eip, flags: flags)
  }

  // MARK: The switch

  /// Runs an instruction that may switch tasks. A fault that comes after the switch has been committed is the new task's: the
  /// instruction has completed, and the fault is delivered before the task's first instruction.
  /// - Throws: a fault before the commit point, with nothing changed.
  func completingTaskSwitch(
    isExternal: Bool = false, _ body: () throws(GuestFault) -> Void
  ) throws(GuestFault) {
    hasSwitchedTask = false
    do throws(GuestFault) {
      try body()
    } catch {
      guard hasSwitchedTask else { throw error }
      raise(isExternal ? error.external : error)
    }
  }

  /// Saves the current task with this EIP and EFLAGS and goes on with another.
  /// - Throws: before the commit point #TS for a TSS that is too short, #PF, and #GP(0) for reserved bits in the new task's
  ///   PDPTEs, with nothing changed. From the commit point on (`hasSwitchedTask`) what loading the new task's segments raises.
  func switchTask(
    to task: FetchedDescriptor, _ cause: TaskSwitchCause, eip: UInt32, flags: UInt32
  ) throws(GuestFault) {
    let new = TaskLayout(access: task.descriptor.access)
    let base = task.descriptor.base
    guard task.descriptor.limit >= new.minimumLimit else {
      throw GuestFault(.invalidTSS, errorCode: task.selector.errorCode)
    }
    let tr = state.pointee.tr
    let old = TaskLayout(access: tr.access)
    guard tr.limit >= old.minimumLimit else {
      throw GuestFault(.invalidTSS, errorCode: Selector(tr.selector).errorCode)
    }

    // All that is read or written is checked first.
    var context = try loadContext(at: base, new)
    var stores = PendingStores()
    try prepareContext(at: tr.base, old, eip: eip, flags: flags, &stores)
    if cause.nests { try stores.add(base &+ TaskLayout.backLink, UInt32(tr.selector), bytes: 2, self) }
    let busyBit: UInt8 = 2
    let oldDescriptor =
      cause.nests
      ? nil
      : try mmu.writeTarget(
        state.pointee.gdtr.base &+ Selector(tr.selector).offset &+ 5, bytes: 1, user: false)
    let newBusyBit =
      cause == .interruptReturn ? nil : try prepareAccessByte(task, setting: busyBit)
    var directory: MMU.CheckedCR3?
    if let cr3 = context.pageDirectory, state.pointee.cr0.contains(.paging), cr3 != state.pointee.cr3 {
      directory = try mmu.checkCR3(cr3)
    }

    hasSwitchedTask = true
    if let oldDescriptor {
      mmu.commit(oldDescriptor, mmu.current(oldDescriptor, as: UInt8.self) & ~busyBit)
    }
    stores.commit(self)
    commit(newBusyBit)
    // A task that links to itself goes on with what has just been saved.
    if base == tr.base, let saved = try? loadContext(at: base, new) { context = saved }

    var register = SegmentCache(task.selector.rawValue, task.descriptor)
    register.access |= busyBit
    state.pointee.tr = register
    if observation.wants(.task) { observation.tell(.task(.taskRegister(task.selector.rawValue))) }
    try enter(context, new, directory, isNested: cause.nests)
  }

  /// Takes up a task's state: nothing up to its segments faults.
  private func enter(
    _ context: TaskContext, _ layout: TaskLayout, _ directory: MMU.CheckedCR3?, isNested: Bool
  ) throws(GuestFault) {
    let oldCR0 = state.pointee.cr0
    state.pointee.cr0.insert(.taskSwitched)
    mmu.tellMode(.cr0, UInt64(oldCR0.rawValue), UInt64(state.pointee.cr0.rawValue))
    if let directory { mmu.loadCR3(directory) }
    // Breakpoints of the old task alone go. SDM vol. 3B, 17.2.4.
    state.pointee.dr7 &= ~DebugRegisterBits.localEnables
    debugRegistersChanged()
    // What an instruction of the old task would have trapped for ends with it. SDM vol. 3B, 17.3.1.4, 17.3.1.5.
    control.pointee.trapsAfterStep = false
    state.pointee.pendingDebug = context.traps ? DebugRegisterBits.taskSwitch : 0
    state.pointee.isHalted = false

    state.pointee.eip = context.eip
    let known: EFLAGS = [
      .arithmetic, .trap, .interruptEnable, .direction, .ioPrivilegeLevel, .nestedTask, .resume, .virtual8086,
      .alignmentCheck, .virtualInterrupt, .virtualInterruptPending, .identification,
    ]
    var flags = context.flags & known.rawValue
    if isNested { flags |= EFLAGS.nestedTask.rawValue }
    state.pointee.eflags = flags
    for number in 0..<8 { registers[number] = context.general[number] }
    try loadSegments(of: context)
    guard context.eip <= state.pointee.cs.limit else { throw .generalProtection() }
  }
}
