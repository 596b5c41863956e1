import IA32

/// What answers data accesses to a page.
enum DataSource {
  /// Paging is off: no TLB array is asked.
  case identity
  case data4K
  case dataLarge
}

/// Where a write goes, once every page that it touches has passed its checks: the first byte is written only then.
struct WriteTarget {
  /// Physical address of the first byte.
  var first: UInt64
  /// Physical address of the first byte in the second page; meaningful when the access crosses pages.
  var second: UInt64
  /// Bytes in the first page; all of them when the access does not cross.
  var bytesInFirst: UInt32
  /// What the instruction wrote to.
  var linear: UInt32
  /// Whether the first page allows caching, and the second.
  var isFirstCacheable = true
  var isSecondCacheable = true
}

/// Loads and stores by linear address, through the TLB arrays. The interpreter asks the filter first.
extension MMU {
  // MARK: Full paths

  /// Loads a value with the rights of `user` mode or of the supervisor.
  @inline(never)
  func load<W: FixedWidthInteger & UnsignedInteger>(
    _ linear: UInt32, as type: W.Type, user: Bool
  ) throws(GuestFault) -> W {
    let bytes = UInt32(W.bitWidth / 8)
    let offset = linear & 0xfff
    let access = PageAccess(.read, user: user)
    if offset &+ bytes <= 0x1000 {
      let place = try physical(linear, access)
      if checksAlignment { try checkAlignment(linear, bytes, access) }
      charge(place, bytes, .load, isCacheable: lastWasCacheable.pointee)
      if followsAccesses { accessed(linear, place, bytes, access) }
      return readPhysical(place, as: type)
    }
    let target = try crossingTarget(linear, bytes, access)
    if checksAlignment { try checkAlignment(linear, bytes, access) }
    charge(target, bytes, .load)
    if followsAccesses { accessed(target, bytes, access) }
    return assemble(target, as: type)
  }

  /// Stores a value with the rights of `user` mode or of the supervisor.
  @inline(never)
  func store<W: FixedWidthInteger & UnsignedInteger>(
    _ linear: UInt32, _ value: W, user: Bool
  ) throws(GuestFault) {
    commit(try writeTarget(linear, bytes: UInt32(W.bitWidth / 8), user: user), value)
  }

  /// Checks a write of `bytes` without writing: what the first half of a read-modify-write needs.
  func writeTarget(_ linear: UInt32, bytes: UInt32, user: Bool) throws(GuestFault) -> WriteTarget {
    let access = PageAccess(.write, user: user)
    var target: WriteTarget
    if linear & 0xfff &+ bytes <= 0x1000 {
      target = WriteTarget(
        first: try physical(linear, access), second: 0, bytesInFirst: bytes, linear: linear)
      target.isFirstCacheable = lastWasCacheable.pointee
    } else {
      target = try crossingTarget(linear, bytes, access)
    }
    if checksAlignment { try checkAlignment(linear, bytes, access) }
    charge(target, bytes, .store)
    if followsAccesses { accessed(target, bytes, access) }
    return target
  }

  /// Checks a write that does not happen: of up to ten bytes, and nobody is told of it.
  @inline(never)
  func checkWrite(_ linear: UInt32, bytes: UInt32, user: Bool) throws(GuestFault) {
    let access = PageAccess(.write, user: user)
    _ = try physical(linear, access)
    if linear & 0xfff &+ bytes > 0x1000 { _ = try physical(linear &+ (bytes &- 1), access) }
    if checksAlignment { try checkAlignment(linear, min(bytes, 8), access) }
  }

  /// Reads what stands at a checked target.
  func current<W: FixedWidthInteger & UnsignedInteger>(_ target: WriteTarget, as type: W.Type) -> W {
    target.bytesInFirst == UInt32(W.bitWidth / 8)
      ? readPhysical(target.first, as: type) : assemble(target, as: type)
  }

  /// Writes to a checked target.
  func commit<W: FixedWidthInteger & UnsignedInteger>(_ target: WriteTarget, _ value: W) {
    let bytes = UInt32(W.bitWidth / 8)
    gate.linear = target.linear
    if target.bytesInFirst == bytes { return writePhysical(target.first, value) }
    var index: UInt32 = 0
    while index < bytes {
      let piece = piece(target, from: index, of: bytes)
      let rest = UInt64(truncatingIfNeeded: value >> W(truncatingIfNeeded: 8 &* index))
      bus.write(piece.address, width: piece.width, value: rest)
      index &+= UInt32(piece.width.bytes)
    }
  }

  // MARK: Cost

  /// What an access that passed its checks costs in the caches.
  @inline(__always)
  private func charge(_ physical: UInt64, _ bytes: UInt32, _ kind: CacheHierarchy.Kind, isCacheable: Bool) {
    guard caches.isOn else { return }
    if isCacheable && bus.hostPageForWriting(physical >> 12) != nil {
      caches.access(bus.driven(physical), bytes: bytes, kind)
    } else {
      caches.uncached(kind)
    }
  }

  private func charge(_ target: WriteTarget, _ bytes: UInt32, _ kind: CacheHierarchy.Kind) {
    charge(target.first, target.bytesInFirst, kind, isCacheable: target.isFirstCacheable)
    if target.bytesInFirst < bytes {
      charge(target.second, bytes &- target.bytesInFirst, kind, isCacheable: target.isSecondCacheable)
    }
  }

  /// What the filter answers for an access with the current mode's rights: the host address, with the hit counted and the
  /// caches looked up; nil where the TLB must be asked.
  @inline(__always)
  func quick(_ linear: UInt32, bytes: UInt32, _ kind: CacheHierarchy.Kind) -> UnsafeMutableRawPointer? {
    guard let host = filter.hit(linear, bytes: bytes, writing: kind == .store) else { return nil }
    if caches.isOn { caches.access(memory.physicalAddress(ofHost: host), bytes: bytes, kind) }
    return host
  }

  // MARK: Observation

  /// Accesses of a program must be aligned to their width, up to eight bytes. The pages come first. SDM vol. 3A, table 6-7.
  @inline(never)
  private func checkAlignment(_ linear: UInt32, _ bytes: UInt32, _ access: PageAccess) throws(GuestFault) {
    guard access.isUser, linear & (bytes &- 1) != 0 else { return }
    throw GuestFault(.alignmentCheck)
  }

  private func accessed(_ linear: UInt32, _ physical: UInt64, _ bytes: UInt32, _ access: PageAccess) {
    if !dataBreakpoints.isEmpty {
      let hits = dataBreakpoints.hits(linear, bytes: bytes, isWrite: access.kind == .write)
      if hits != 0 {
        state.pointee.pendingDebug |= hits
        onDataBreakpoint()
      }
    }
    took(.ends(physical: physical))
    observation.accessed(
      AccessEvent(linear: linear, physical: physical, bytes: UInt8(truncatingIfNeeded: bytes), access: access)
    )
  }

  private func accessed(_ target: WriteTarget, _ bytes: UInt32, _ access: PageAccess) {
    accessed(target.linear, target.first, target.bytesInFirst, access)
    guard target.bytesInFirst < bytes else { return }
    accessed(target.linear &+ target.bytesInFirst, target.second, bytes &- target.bytesInFirst, access)
  }

  // MARK: Pieces

  private func assemble<W: FixedWidthInteger & UnsignedInteger>(_ target: WriteTarget, as _: W.Type) -> W {
    let bytes = UInt32(W.bitWidth / 8)
    var value: W = 0
    var index: UInt32 = 0
    while index < bytes {
      let piece = piece(target, from: index, of: bytes)
      let part = bus.read(piece.address, width: piece.width)
      value |= W(truncatingIfNeeded: part) << W(truncatingIfNeeded: 8 &* index)
      index &+= UInt32(piece.width.bytes)
    }
    return value
  }

  /// The widest naturally aligned piece of a crossing access that begins at its byte `index`: a device sees each half
  /// in the fewest pieces, as it sees any access (see `Bus`).
  private func piece(
    _ target: WriteTarget, from index: UInt32, of bytes: UInt32
  ) -> (address: UInt64, width: AccessWidth) {
    let isFirst = index < target.bytesInFirst
    let address =
      isFirst ? target.first &+ UInt64(index) : target.second &+ UInt64(index &- target.bytesInFirst)
    let left = (isFirst ? target.bytesInFirst : bytes) &- index
    var width = AccessWidth.doubleword
    while address & UInt64(width.rawValue &- 1) != 0 || width.rawValue > left { width = width.half }
    return (address, width)
  }

  /// Both pages are translated, in order, before any byte moves.
  private func crossingTarget(
    _ linear: UInt32, _ bytes: UInt32, _ access: PageAccess
  ) throws(GuestFault) -> WriteTarget {
    let bytesInFirst = 0x1000 &- linear & 0xfff
    let first = try physical(linear, access)
    let isFirstCacheable = lastWasCacheable.pointee
    let second = try physical(linear &+ bytesInFirst, access)
    return WriteTarget(
      first: first, second: second, bytesInFirst: min(bytesInFirst, bytes), linear: linear,
      isFirstCacheable: isFirstCacheable,
      isSecondCacheable: lastWasCacheable.pointee)
  }

  /// The physical address of a data access; the filter learns of it when the access has the current mode's rights.
  func physical(_ linear: UInt32, _ access: PageAccess) throws(GuestFault) -> UInt64 {
    if control.pointee.mode == .off {
      lastWasCacheable.pointee = true
      counters.pointee.dataUntranslated &+= 1
      let page = UInt64(linear & 0xffff_f000)
      if let host = hostForFilter(linear, page) {
        filter.fillUntranslated(
          linear >> 12, delta: Int(bitPattern: host) &- Int(linear & 0xffff_f000), writable: gate.isOpen(host)
        )
      }
      return page | UInt64(linear & 0xfff)
    }
    let entry = try dataEntry(linear, access)
    let translation = entry.pointee.translation
    let page = translation.physical(
      of: linear & ~0xfff, largePageShift: control.pointee.largePageShift)
    if caches.isOn { lastWasCacheable.pointee = !translation.isCacheDisabled }
    if access.isUser == isUserMode && isFastPathFree(entry) {
      let mayWrite =
        translation.isWritable || !access.isUser && !control.pointee.writeProtect
      if let host = hostForFilter(linear, page) {
        filter.fill(
          linear >> 12, delta: Int(bitPattern: host) &- Int(linear & 0xffff_f000),
          writable: mayWrite && translation.isDirty && gate.isOpen(host), entry,
          uses: translation.isLarge ? dataLarge.useCounter : data4K.useCounter)
      }
    }
    return page | UInt64(linear & 0xfff)
  }

  /// Where the byte at `linear` lies on the host, when the TLB holds its page with the rights for `kind` and a D for
  /// writes, and RAM answers with no watch on its stores. Nothing is touched and nothing counted.
  func resident(
    _ linear: UInt32, _ kind: PageAccess.Kind
  ) -> (host: UnsafeMutableRawPointer, source: DataSource)? {
    guard allowsFastPath(linear) else { return nil }
    var page = UInt64(linear & 0xffff_f000)
    var source = DataSource.identity
    if control.pointee.mode != .off {
      guard let entry = heldDataEntry(linear), isFastPathFree(entry) else { return nil }
      let translation = entry.pointee.translation
      let right = PageWalk.missingRight(
        for: PageAccess(kind, user: isUserMode), isUserPage: translation.isUser,
        isWritable: translation.isWritable, isNoExecute: false, writeProtect: control.pointee.writeProtect)
      guard right == nil, kind != .write || translation.isDirty else { return nil }
      source = translation.isLarge ? .dataLarge : .data4K
      page = translation.physical(of: linear & ~0xfff, largePageShift: control.pointee.largePageShift)
    }
    guard let host = bus.hostPageForWriting(page >> 12), kind != .write || gate.isOpen(host) else {
      return nil
    }
    return (host + Int(linear & 0xfff), source)
  }

  /// Whether uses of `entry` may go by without a look at it: no check for stale translations waits for them, and the caches
  /// hold what it translates to.
  @inline(__always)
  private func isFastPathFree(_ entry: UnsafeMutablePointer<TLBEntry>) -> Bool {
    !entry.pointee.isSuspect && !(caches.isOn && entry.pointee.translation.isCacheDisabled)
  }

  /// Whether data accesses to the page of `linear` may go by without a look at the TLB, as far as switches and observers say.
  @inline(__always)
  private func allowsFastPath(_ linear: UInt32) -> Bool {
    (!caches.isOn || caches.isEnabled) && !checksAlignment && !followsPage(of: linear)
  }

  /// Counts `count` accesses that one of the data arrays, or none with paging off, would have answered.
  func countHits(_ count: UInt64, _ source: DataSource) {
    switch source {
    case .identity: counters.pointee.dataUntranslated &+= count
    case .data4K: counters.pointee.data4KHits &+= count
    case .dataLarge: counters.pointee.dataLargeHits &+= count
    }
  }

  /// The host's page for the filter to remember; nil where it must not, or no RAM answers.
  private func hostForFilter(_ linear: UInt32, _ page: UInt64) -> UnsafeMutableRawPointer? {
    guard usesFastPaths, allowsFastPath(linear) else { return nil }
    return bus.hostPageForWriting(page >> 12)
  }

  // MARK: Physical accesses

  /// Reads from RAM, or from whatever else stands at `address`.
  @inline(__always)
  func readPhysical<W: FixedWidthInteger & UnsignedInteger>(_ address: UInt64, as _: W.Type) -> W {
    let bytes = UInt64(W.bitWidth / 8)
    if address & 0xfff &+ bytes <= 0x1000, let host = bus.hostPageForWriting(address >> 12) {
      return W(littleEndian: host.loadUnaligned(fromByteOffset: Int(address & 0xfff), as: W.self))
    }
    return W(truncatingIfNeeded: bus.read(address, width: AccessWidth(rawValue: UInt8(bytes))!))
  }

  /// Writes to RAM, through the gate, or to whatever else answers at `address`.
  func writePhysical<W: FixedWidthInteger & UnsignedInteger>(_ address: UInt64, _ value: W) {
    let bytes = UInt64(W.bitWidth / 8)
    if address & 0xfff &+ bytes <= 0x1000, let host = bus.hostPageForWriting(address >> 12) {
      let offset = UInt32(address & 0xfff)
      gate.store(host, offset: offset, bytes: UInt32(bytes)) {
        host.storeBytes(of: value.littleEndian, toByteOffset: Int(offset), as: W.self)
      }
    } else {
      bus.write(
        address, width: AccessWidth(rawValue: UInt8(bytes))!, value: UInt64(truncatingIfNeeded: value))
    }
  }
}
