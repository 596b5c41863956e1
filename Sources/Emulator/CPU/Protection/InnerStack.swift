import IA32

/// The stack that a transfer to an inner ring switches to.
struct InnerStack {
  let segment: SegmentCache
  let pointer: UInt32
  let accessedBit: AccessByteUpdate?

  /// A frame on it. Beyond its limit is #SS with the selector of SS.
  func frame(slotBytes: UInt32) -> PendingFrame {
    PendingFrame(
      on: segment, pointer: pointer, slotBytes: slotBytes, isUser: false,
      limitFault: GuestFault(
        .stackSegmentFault, errorCode: Selector(segment.selector).errorCode))
  }
}

extension CPU {
  /// The stack that the current TSS holds for ring `level` (0 to 2). SDM vol. 2A, CALL; vol. 3A, 5.8.5.
  /// - Throws: #TS, #SS for a stack that isn't present, #PF.
  func innerStack(forRing level: UInt8) throws(GuestFault) -> InnerStack {
    let (selector, pointer) = try stackInTSS(forRing: level)
    let badStack = GuestFault(.invalidTSS, errorCode: selector.errorCode)
    guard !selector.isNull else { throw GuestFault(.invalidTSS) }
    let fetched = try descriptor(selector, orRaise: .invalidTSS)
    let descriptor = fetched.descriptor
    guard selector.requestedPrivilegeLevel == level, descriptor.privilegeLevel == level,
      descriptor.isWritable
    else { throw badStack }
    guard descriptor.isPresent else {
      throw GuestFault(.stackSegmentFault, errorCode: selector.errorCode)
    }
    return InnerStack(
      segment: fetched.cache, pointer: pointer, accessedBit: try prepareAccessedBit(fetched))
  }

  /// SS and ESP of a ring in the current TSS. SDM vol. 3A, figures 7-2 and 7-10.
  private func stackInTSS(forRing level: UInt8) throws(GuestFault) -> (Selector, UInt32) {
    let tr = state.pointee.tr
    let tooShort = GuestFault(.invalidTSS, errorCode: Selector(tr.selector).errorCode)
    if tr.access & 8 != 0 {
      let field = 4 + 8 * UInt32(level)
      guard field + 5 <= tr.limit else { throw tooShort }
      let selector = try loadSystem(tr.base &+ field &+ 4, as: UInt16.self)
      return (Selector(selector), try loadSystem(tr.base &+ field, as: UInt32.self))
    }
    let field = 2 + 4 * UInt32(level)
    guard field + 3 <= tr.limit else { throw tooShort }
    let selector = try loadSystem(tr.base &+ field &+ 2, as: UInt16.self)
    return (Selector(selector), UInt32(try loadSystem(tr.base &+ field, as: UInt16.self)))
  }
}
