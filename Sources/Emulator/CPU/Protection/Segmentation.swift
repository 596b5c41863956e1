import IA32

/// From a segment and an offset to a linear address, with the checks on the way. SDM vol. 3A, 5.3, 5.5.
extension CPU {
  /// What an access wants of a segment.
  enum SegmentAccess {
    case read
    case write
  }

  /// The linear address of `bytes` at `offset` in `segment`.
  /// - Throws: #GP(0), or #SS(0) for the stack segment, when limit or type forbid the access.
  func linearAddress(
    _ segment: SegmentRegister, _ offset: UInt32, bytes: UInt32, _ access: SegmentAccess
  ) throws(GuestFault) -> UInt32 {
    let cache = state.pointee[segment]
    guard allows(cache, offset, bytes: bytes, access) else {
      throw segment == .ss ? GuestFault(.stackSegmentFault) : .generalProtection()
    }
    return cache.base &+ offset
  }

  /// Whether type and limit of `cache` allow the access.
  func allows(_ cache: SegmentCache, _ offset: UInt32, bytes: UInt32, _ access: SegmentAccess) -> Bool {
    if !state.pointee.usesRealModeSegments {
      switch access {
      case .read: guard cache.isUsable && cache.isReadable else { return false }
      case .write: guard cache.isUsable && cache.isWritable else { return false }
      }
    }
    return isInside(cache, offset, bytes: bytes)
  }

  /// Whether the bytes lie inside the limit, which means above it in an expand-down segment. SDM vol. 3A, 5.3.
  func isInside(_ cache: SegmentCache, _ offset: UInt32, bytes: UInt32) -> Bool {
    let last = offset &+ (bytes &- 1)
    let wraps = last < offset
    if cache.isExpandDown {
      let top: UInt32 = cache.is32Bit ? .max : 0xffff
      return !wraps && offset > cache.limit && last <= top
    }
    // A 4 GiB segment has no end to run over: offsets wrap.
    return cache.limit == .max || !wraps && last <= cache.limit
  }

  // MARK: Explicit accesses with the rights of the current mode

  func load<W: FixedWidthInteger & UnsignedInteger>(
    _ segment: SegmentRegister, _ offset: UInt32, as type: W.Type
  ) throws(GuestFault) -> W {
    let linear = try linearAddress(segment, offset, bytes: UInt32(W.bitWidth / 8), .read)
    if let host = mmu.quick(linear, bytes: UInt32(W.bitWidth / 8), .load) {
      return host.loadUnaligned(as: type)
    }
    return try mmu.load(linear, as: type, user: mmu.isUserMode)
  }

  func store<W: FixedWidthInteger & UnsignedInteger>(
    _ segment: SegmentRegister, _ offset: UInt32, _ value: W
  ) throws(GuestFault) {
    let linear = try linearAddress(segment, offset, bytes: UInt32(W.bitWidth / 8), .write)
    if let host = mmu.quick(linear, bytes: UInt32(W.bitWidth / 8), .store) {
      return host.storeBytes(of: value, as: W.self)
    }
    try mmu.store(linear, value, user: mmu.isUserMode)
  }

  // MARK: The stack

  /// ESP under the width of the stack: B of SS chooses ESP or SP.
  var stackMask: UInt32 { state.pointee.ss.is32Bit ? .max : 0xffff }

  /// ESP with its low part replaced as a stack of SS's width replaces it.
  func replacingStackPointer(_ value: UInt32) -> UInt32 {
    self[.esp] & ~stackMask | value & stackMask
  }

  /// Pushes a value; ESP moves only when the store has succeeded.
  func push<W: FixedWidthInteger & UnsignedInteger>(_ value: W) throws(GuestFault) {
    let top = (self[.esp] &- UInt32(W.bitWidth / 8)) & stackMask
    try store(.ss, top, value)
    self[.esp] = replacingStackPointer(top)
  }

  /// Pops a value; ESP moves only when the load has succeeded.
  func pop<W: FixedWidthInteger & UnsignedInteger>(as type: W.Type) throws(GuestFault) -> W {
    let value = try load(.ss, self[.esp] & stackMask, as: type)
    self[.esp] = replacingStackPointer(self[.esp] &+ UInt32(W.bitWidth / 8))
    return value
  }
}
