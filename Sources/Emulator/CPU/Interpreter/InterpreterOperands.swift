import IA32

/// What the loop holds in its hands: pointers to everything that instructions touch. It makes no copies of state.
struct Interpreter<Timing: TimingModel, Following: InstructionFollowing>: ~Copyable {
  let cpu: CPU
  let r: UnsafeMutablePointer<UInt32>
  let state: UnsafeMutablePointer<CPUState>
  let filter: UnsafeMutablePointer<AccessFilterEntry>
  let clock: UnsafeMutablePointer<ClockState>
  let recentLines: UnsafeMutablePointer<UInt>
  let lineSetMask: UInt32

  init(_ cpu: CPU) {
    self.cpu = cpu
    r = cpu.registers
    state = cpu.state
    filter = cpu.mmu.filter.entries
    clock = cpu.clock.state
    recentLines = cpu.caches.recentData
    lineSetMask = cpu.caches.dataSetMask
  }

  // MARK: Registers

  /// The place of a byte register: 0-3 are the low bytes of EAX to EBX, 4-7 the bytes above them.
  @inline(__always)
  func byte(_ number: UInt8) -> UnsafeMutablePointer<UInt8> {
    let place = Int(number & 3) &<< 2 | Int(number &>> 2)
    return UnsafeMutableRawPointer(r).assumingMemoryBound(to: UInt8.self) + place
  }

  @inline(__always)
  func word(_ number: UInt8) -> UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(r + Int(number)).assumingMemoryBound(to: UInt16.self)
  }

  @inline(__always)
  func destination(_ op: UnsafeMutablePointer<Op>) -> UnsafeMutablePointer<UInt32> {
    r + Int(op.pointee.destination)
  }

  @inline(__always)
  func source(_ op: UnsafeMutablePointer<Op>) -> UInt32 { r[Int(op.pointee.source)] }

  // MARK: Memory, flat segments

  /// The effective address, which in a flat segment is the linear one.
  @inline(__always)
  func address(_ op: UnsafeMutablePointer<Op>) -> UInt32 {
    r[Int(op.pointee.base)] &+ (r[Int(op.pointee.index)] &<< UInt32(op.pointee.scale))
      &+ op.pointee.displacement
  }

  @inline(__always)
  func load<W: OperandWord>(
    _ linear: UInt32, as type: W.Type, _ op: UnsafeMutablePointer<Op>
  ) throws(GuestFault) -> W {
    let slot = filter + Int(linear >> 12 & UInt32(AccessFilter.count &- 1))
    guard slot.pointee.readPage == (linear &+ UInt32(W.bitWidth / 8 &- 1)) >> 12 else {
      return try cpu.loadSlowly(linear, as: type, op)
    }
    slot.use()
    let place = slot.pointee.delta &+ Int(linear)
    if misses(linear, place, bytes: W.bitWidth / 8) {
      cpu.enterLine(place, bytes: UInt32(W.bitWidth / 8), .load, op)
    }
    let host = UnsafeRawPointer(bitPattern: place).unsafelyUnwrapped
    return host.loadUnaligned(as: W.self)
  }

  @inline(__always)
  func store<W: OperandWord>(
    _ linear: UInt32, _ value: W, _ op: UnsafeMutablePointer<Op>
  ) throws(GuestFault) {
    let slot = filter + Int(linear >> 12 & UInt32(AccessFilter.count &- 1))
    guard slot.pointee.writePage == (linear &+ UInt32(W.bitWidth / 8 &- 1)) >> 12 else {
      return try cpu.storeSlowly(linear, value, op)
    }
    slot.use()
    let place = slot.pointee.delta &+ Int(linear)
    if misses(linear, place, bytes: W.bitWidth / 8) {
      cpu.enterLine(place, bytes: UInt32(W.bitWidth / 8), .store, op)
    }
    let host = UnsafeMutableRawPointer(bitPattern: place).unsafelyUnwrapped
    host.storeBytes(of: value, as: W.self)
  }

  /// Whether an access to `place` must be looked up in L1D: it is not in the line that its set used last. The line of the
  /// last byte is compared in the set of the first, which rejects accesses that cross lines.
  @inline(__always)
  func misses(_ linear: UInt32, _ place: Int, bytes: Int) -> Bool {
    guard Timing.modelsCaches else { return false }
    let line = UInt(bitPattern: place &+ bytes &- 1) >> UInt(CacheHierarchy.lineShift)
    return recentLines[Int(linear >> CacheHierarchy.lineShift & lineSetMask)] != line
  }

  /// A read-modify-write of the memory operand: one lookup with the intent to write.
  @inline(__always)
  func modify(
    _ op: UnsafeMutablePointer<Op>, _ body: (UInt32) -> UInt32
  ) throws(GuestFault) {
    let linear = address(op)
    let slot = filter + Int(linear >> 12 & UInt32(AccessFilter.count &- 1))
    if slot.pointee.writePage == (linear &+ 3) >> 12 {
      slot.use()
      let place = slot.pointee.delta &+ Int(linear)
      if misses(linear, place, bytes: 4) { cpu.enterLine(place, bytes: 4, .store, op) }
      let host = UnsafeMutableRawPointer(bitPattern: place).unsafelyUnwrapped
      host.storeBytes(of: body(host.loadUnaligned(as: UInt32.self)), as: UInt32.self)
    } else {
      let target = try cpu.writeTargetSlowly(linear, bytes: 4, op)
      let old = cpu.readSlowly(target, as: UInt32.self, op)
      cpu.commitSlowly(target, body(old), op)
    }
  }

  @inline(__always)
  func push(_ value: UInt32, _ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let top = r[4] &- 4
    try store(top, value, op)
    r[4] = top
  }
}
