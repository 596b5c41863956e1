import IA32

/// The processor's paging unit without its instructions: for software that runs on the host against the machine's MMU, and
/// for tests. Every access is what an instruction's would be: it asks the TLB, walks, sets A and D, counts, charges the
/// clock, and faults.
extension Machine {
  /// Loads through the MMU, in the current paging mode.
  /// - Parameter user: with the rights of user mode instead of the supervisor's.
  /// - Throws: the page fault that the access raises; the TLB has dropped the page's entries then.
  public func load8(_ linear: LinearAddress, user: Bool = false) throws(GuestFault) -> UInt8 {
    try load(linear, as: UInt8.self, user: user)
  }

  public func load16(_ linear: LinearAddress, user: Bool = false) throws(GuestFault) -> UInt16 {
    try load(linear, as: UInt16.self, user: user)
  }

  public func load32(_ linear: LinearAddress, user: Bool = false) throws(GuestFault) -> UInt32 {
    try load(linear, as: UInt32.self, user: user)
  }

  public func load64(_ linear: LinearAddress, user: Bool = false) throws(GuestFault) -> UInt64 {
    try load(linear, as: UInt64.self, user: user)
  }

  /// Stores through the MMU; an access that crosses pages is checked in both before a byte is written.
  /// - Throws: as the loads do.
  public func store8(_ linear: LinearAddress, _ value: UInt8, user: Bool = false) throws(GuestFault) {
    try store(linear, value, user: user)
  }

  public func store16(_ linear: LinearAddress, _ value: UInt16, user: Bool = false) throws(GuestFault) {
    try store(linear, value, user: user)
  }

  public func store32(_ linear: LinearAddress, _ value: UInt32, user: Bool = false) throws(GuestFault) {
    try store(linear, value, user: user)
  }

  public func store64(_ linear: LinearAddress, _ value: UInt64, user: Bool = false) throws(GuestFault) {
    try store(linear, value, user: user)
  }

  /// What an instruction fetch from `linear` goes through; the physical address it ends at.
  /// - Throws: the page fault of the fetch.
  public func fetch(_ linear: LinearAddress, user: Bool = false) throws(GuestFault) -> PhysicalAddress {
    try asMode(user: user) { () throws(GuestFault) in
      guard cpu.mmu.control.pointee.mode != .off else { return PhysicalAddress(UInt64(linear.rawValue)) }
      let translation = try cpu.mmu.instructionEntry(linear.rawValue).pointee.translation
      cpu.mmu.countFetch(translation)
      return PhysicalAddress(
        translation.physical(
          of: linear.rawValue, largePageShift: cpu.mmu.control.pointee.largePageShift))
    }
  }

  // MARK: System registers, with the effects that the moves to them have

  /// INVLPG.
  public func invalidatePage(_ linear: LinearAddress) { cpu.mmu.invalidatePage(linear.rawValue) }

  /// MOV to CR3.
  /// - Throws: #GP(0) for a reserved bit in a present PDPTE.
  public func moveToCR3(_ value: UInt32) throws(GuestFault) { try cpu.moveToControlRegister(3, value) }

  /// MOV to CR0.
  /// - Throws: #GP(0) for a combination that the manual forbids.
  public func moveToCR0(_ value: CR0) throws(GuestFault) { try cpu.moveToControlRegister(0, value.rawValue) }

  /// MOV to CR4.
  /// - Throws: #GP(0) for a reserved bit.
  public func moveToCR4(_ value: CR4) throws(GuestFault) { try cpu.moveToControlRegister(4, value.rawValue) }

  /// WRMSR to EFER.
  /// - Throws: #GP(0) for a reserved bit.
  public func writeEFER(_ value: UInt64) throws(GuestFault) { try cpu.writeMSR(EFER.msr, value) }

  // MARK: Pieces

  /// Runs `body` at CPL 3 or 0.
  private func asMode<T>(user: Bool, _ body: () throws(GuestFault) -> T) throws(GuestFault) -> T {
    let level = cpu.state.pointee.privilegeLevel
    cpu.setPrivilegeLevel(user ? 3 : 0)
    defer { cpu.setPrivilegeLevel(level) }
    return try body()
  }

  private func load<W: OperandAccess>(
    _ linear: LinearAddress, as type: W.Type, user: Bool
  ) throws(GuestFault) -> W {
    if user == cpu.mmu.isUserMode,
      let host = cpu.mmu.quick(linear.rawValue, bytes: UInt32(W.bitWidth / 8), .load)
    {
      return host.loadUnaligned(as: type)
    }
    defer { cpu.chargeWaitStates() }
    return try cpu.mmu.load(linear.rawValue, as: type, user: user)
  }

  private func store<W: OperandAccess>(
    _ linear: LinearAddress, _ value: W, user: Bool
  ) throws(GuestFault) {
    if user == cpu.mmu.isUserMode,
      let host = cpu.mmu.quick(linear.rawValue, bytes: UInt32(W.bitWidth / 8), .store)
    {
      return host.storeBytes(of: value, as: W.self)
    }
    defer { cpu.chargeWaitStates() }
    try cpu.mmu.store(linear.rawValue, value, user: user)
  }
}

/// What can be loaded and stored in one access.
private typealias OperandAccess = FixedWidthInteger & UnsignedInteger
