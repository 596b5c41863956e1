import IA32

/// V86 mode: in and out of it, and software interrupts in it. SDM vol. 3B, chapter 20.
extension CPU {
  /// Whether the processor runs a program of V86 mode under CR4.VME. SDM vol. 3B, 20.3.
  private var hasVirtual8086Extensions: Bool { state.pointee.cr4.contains(.virtual8086Extensions) }

  // MARK: In

  /// IRETD in ring 0 with VM in its image: takes ESP, SS, ES, DS, FS and GS from the stack too. SDM vol. 2A, IRET.
  /// - Throws: #SS, #PF; #GP(0) for an EIP beyond 64 KiB.
  func enterVirtual8086(_ eip: UInt32, _ cs: UInt16, flags: UInt32) throws(GuestFault) {
    let esp = try stackSlot(12, slotBytes: 4)
    func selector(_ offset: UInt32) throws(GuestFault) -> UInt16 {
      UInt16(truncatingIfNeeded: try stackSlot(offset, slotBytes: 4))
    }
    let ss = try selector(16)
    let es = try selector(20)
    let ds = try selector(24)
    let fs = try selector(28)
    let gs = try selector(32)
    guard eip <= 0xffff else { throw .generalProtection() }
    let known: EFLAGS = [
      .arithmetic, .trap, .interruptEnable, .direction, .ioPrivilegeLevel, .nestedTask, .resume, .virtual8086,
      .alignmentCheck, .virtualInterrupt, .virtualInterruptPending, .identification,
    ]
    state.pointee.eflags = flags & known.rawValue
    self[.esp] = esp
    for (register, selector) in [(SegmentRegister.ss, ss), (.es, es), (.ds, ds), (.fs, fs), (.gs, gs)] {
      state.pointee[register] = SegmentCache(virtual8086: selector)
    }
    go(
      to: CodeTarget(
        segment: SegmentCache(virtual8086: cs, isCode: true), eip: eip, privilegeLevel: 3, accessedBit: nil))
  }

  // MARK: Inside

  /// IRET in V86 mode with IOPL below 3: #GP, so that the monitor does it; with CR4.VME and 16 bits VIF takes the place of IF.
  /// SDM vol. 2A, IRET; vol. 3B, table 20-2.
  /// - Throws: #GP(0), also for TF in the image, and for IF while VIP is set; #SS, #PF.
  func virtualInterruptReturn(slotBytes: UInt32) throws(GuestFault) {
    guard hasVirtual8086Extensions, slotBytes == 2 else { throw .generalProtection() }
    let ip = try stackSlot(0, slotBytes: 2)
    let cs = UInt16(truncatingIfNeeded: try stackSlot(2, slotBytes: 2))
    let image = try stackSlot(4, slotBytes: 2)
    try checkVirtualFlags(image)
    try leave(to: cs, ip, frameBytes: 6, releasing: 0, slotBytes: 2)
    takeVirtualFlags(image)
  }

  /// INT n in V86 mode. With CR4.VME the TSS's redirection map says which vectors go to the program's own handler, by the
  /// vector table at linear address 0. SDM vol. 3B, 20.3.3.
  /// - Returns: whether it went there; else the IDT's gate takes it.
  /// - Throws: #GP(0) with IOPL below 3 where the monitor has to do it; #SS, #PF.
  func redirectsInVirtual8086(_ entry: HandlerEntry) throws(GuestFault) -> Bool {
    let isFree = state.pointee.ioPrivilegeLevel == 3
    guard hasVirtual8086Extensions, try isRedirected(entry.vector) else {
      guard isFree else { throw .generalProtection() }
      return false
    }
    let pointer = try loadSystem(UInt32(entry.vector) &* 4, as: UInt32.self)
    var image = entry.flags
    if !isFree { image = virtualImage(of: image) }
    deliveryStep = .push
    var frame = currentStackFrame(slotBytes: 2)
    try frame.push(image, self)
    try frame.push(UInt32(state.pointee.cs.selector), self)
    try frame.push(entry.returnEIP, self)
    deliveryStep = .handler
    let target = try realModeTarget(UInt16(truncatingIfNeeded: pointer >> 16), pointer & 0xffff)
    frame.commit(self)
    self[.esp] = frame.pointer
    go(to: target)
    clearFlags([.trap, .resume, isFree ? .interruptEnable : .virtualInterrupt])
    return true
  }

  /// The redirection map's bit of a vector: 32 bytes that end where the I/O permission map begins.
  private func isRedirected(_ vector: UInt8) throws(GuestFault) -> Bool {
    let tr = state.pointee.tr
    let layout = TaskLayout(access: tr.access)
    guard layout.is32Bit, tr.limit >= layout.minimumLimit else { throw .generalProtection() }
    let map = UInt32(try loadSystem(tr.base &+ Self.bitmapPointer, as: UInt16.self))
    let offset = map &+ UInt32(vector >> 3)
    guard offset >= 32, offset &- 32 <= tr.limit else { throw .generalProtection() }
    let bits = try loadSystem(tr.base &+ (offset &- 32), as: UInt8.self)
    return bits >> (vector & 7) & 1 == 0
  }

  // MARK: Flags

  /// PUSHF in V86 mode. SDM vol. 2B, PUSHF.
  /// - Returns: what is pushed.
  /// - Throws: #GP(0) with IOPL below 3, but for 16 bits under CR4.VME.
  func flagsPushedInVirtual8086(isWide: Bool) throws(GuestFault) -> UInt32 {
    if state.pointee.ioPrivilegeLevel == 3 { return state.pointee.eflags }
    guard hasVirtual8086Extensions, !isWide else { throw .generalProtection() }
    return virtualImage(of: state.pointee.eflags)
  }

  /// POPF in V86 mode with IOPL below 3, which has popped `image`. SDM vol. 2B, POPF.
  /// - Throws: #GP(0), but for 16 bits under CR4.VME.
  func popVirtualFlags(_ image: UInt32, isWide: Bool) throws(GuestFault) {
    guard hasVirtual8086Extensions, !isWide else { throw .generalProtection() }
    try checkVirtualFlags(image)
    takeVirtualFlags(image)
  }

  /// The flags as a program of V86 mode shall see them: VIF for IF, and IOPL 3.
  private func virtualImage(of flags: UInt32) -> UInt32 {
    let interrupts = EFLAGS.interruptEnable.rawValue
    let isOn = flags & EFLAGS.virtualInterrupt.rawValue != 0
    return flags & ~interrupts | EFLAGS.ioPrivilegeLevel.rawValue | (isOn ? interrupts : 0)
  }

  private func checkVirtualFlags(_ image: UInt32) throws(GuestFault) {
    let isPending = state.pointee.systemFlags & EFLAGS.virtualInterruptPending.rawValue != 0
    let letsIn = image & EFLAGS.interruptEnable.rawValue != 0
    guard image & EFLAGS.trap.rawValue == 0, !(isPending && letsIn) else { throw .generalProtection() }
  }

  private func takeVirtualFlags(_ image: UInt32) {
    let taken = EFLAGS.arithmetic.union([.trap, .direction, .nestedTask]).rawValue
    let virtual = EFLAGS.virtualInterrupt.rawValue
    let isOn = image & EFLAGS.interruptEnable.rawValue != 0
    state.pointee.eflags =
      state.pointee.eflags & ~(taken | virtual) | image & taken | (isOn ? virtual : 0)
  }

  // MARK: CLI and STI

  /// CLI and STI. Where IOPL forbids them, VIF takes the place of IF under CR4.VME in V86 mode and under CR4.PVI in ring 3.
  /// SDM vol. 2A, CLI, table 3-7; vol. 2B, STI, table 4-21; vol. 3B, 20.4.
  /// - Throws: #GP(0).
  func setInterruptFlag(_ on: Bool) throws(GuestFault) {
    if !state.pointee.isProtected || state.pointee.privilegeLevel <= state.pointee.ioPrivilegeLevel {
      return changeInterruptFlag(on)
    }
    let isVirtual =
      state.pointee.isVirtual8086
      ? hasVirtual8086Extensions
      : state.pointee.cr4.contains(.protectedModeVirtualInterrupts) && state.pointee.privilegeLevel == 3
    guard isVirtual else { throw .generalProtection() }
    if on {
      guard state.pointee.systemFlags & EFLAGS.virtualInterruptPending.rawValue == 0 else {
        throw .generalProtection()
      }
      state.pointee.systemFlags |= EFLAGS.virtualInterrupt.rawValue
    } else {
      state.pointee.systemFlags &= ~EFLAGS.virtualInterrupt.rawValue
    }
  }

  private func changeInterruptFlag(_ on: Bool) {
    if on && state.pointee.systemFlags & EFLAGS.interruptEnable.rawValue == 0 {
      state.pointee.systemFlags |= EFLAGS.interruptEnable.rawValue
      state.pointee.inhibitsInterrupts = true
    } else if !on {
      state.pointee.systemFlags &= ~EFLAGS.interruptEnable.rawValue
    }
  }
}
