import IA32

/// A descriptor and where it lies.
struct FetchedDescriptor {
  let selector: Selector
  let descriptor: Descriptor
  let linear: UInt32

  /// What a segment register caches of it. A load has set the accessed bit, in memory and here.
  var cache: SegmentCache {
    var cache = SegmentCache(selector.rawValue, descriptor)
    cache.access |= 1
    return cache
  }
}

/// A locked write that sets a bit of a descriptor's access byte, with every check behind it: the accessed bit of a
/// segment, or the busy bit of a TSS.
struct AccessByteUpdate {
  let target: WriteTarget
  let bit: UInt8
}

/// Reading descriptors from the GDT and the LDT. SDM vol. 3A, 3.4.5, 3.5.1.
extension CPU {
  /// The descriptor that `selector` names; nil when it lies beyond its table's limit, or in an LDT that isn't there.
  /// A null selector is not treated specially: who reads a segment has looked for it before.
  /// - Throws: #PF; the access is the supervisor's whatever CPL is.
  func fetchDescriptor(_ selector: Selector) throws(GuestFault) -> FetchedDescriptor? {
    let base: UInt32
    let limit: UInt32
    if selector.isLocal {
      guard state.pointee.ldtr.isUsable else { return nil }
      base = state.pointee.ldtr.base
      limit = state.pointee.ldtr.limit
    } else {
      base = state.pointee.gdtr.base
      limit = UInt32(state.pointee.gdtr.limit)
    }
    guard selector.offset | 7 <= limit else { return nil }
    let linear = base &+ selector.offset
    let raw = try loadSystem(linear, as: UInt64.self)
    return FetchedDescriptor(selector: selector, descriptor: Descriptor(raw), linear: linear)
  }

  /// The descriptor that `selector` names.
  /// - Throws: `vector` with the selector as error code when its table has no such entry; #PF.
  func descriptor(
    _ selector: Selector, orRaise vector: ExceptionVector = .generalProtection
  ) throws(GuestFault) -> FetchedDescriptor {
    guard let fetched = try fetchDescriptor(selector) else {
      throw GuestFault(vector, errorCode: selector.errorCode)
    }
    return fetched
  }

  /// Prepares to set the accessed bit; nil when it is set already. SDM vol. 3A, 3.4.5.1.
  /// - Throws: #PF when the descriptor can't be written.
  func prepareAccessedBit(_ fetched: FetchedDescriptor) throws(GuestFault) -> AccessByteUpdate? {
    fetched.descriptor.isAccessed ? nil : try prepareAccessByte(fetched, setting: 1)
  }

  /// Prepares to set `bit` in the access byte of a descriptor.
  /// - Throws: #PF when the descriptor can't be written.
  func prepareAccessByte(
    _ fetched: FetchedDescriptor, setting bit: UInt8
  ) throws(GuestFault) -> AccessByteUpdate {
    AccessByteUpdate(
      target: try mmu.writeTarget(fetched.linear &+ 5, bytes: 1, user: false), bit: bit)
  }

  /// Makes a prepared update.
  func commit(_ update: AccessByteUpdate?) {
    guard let update else { return }
    mmu.commit(update.target, mmu.current(update.target, as: UInt8.self) | update.bit)
  }
}
