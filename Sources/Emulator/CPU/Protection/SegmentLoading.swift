import IA32

/// Loads of segment registers. SDM vol. 2B, MOV; vol. 3A, 3.4.3, 5.6, 5.7.
extension CPU {
  /// Loads ES, SS, DS, FS or GS: MOV, POP, LDS and its relatives.
  /// - Throws: #UD for CS, which only far transfers load. In protected mode #GP, #NP, or #SS for an SS that isn't
  ///   present; #PF.
  func loadSegment(_ register: SegmentRegister, _ selector: UInt16) throws(GuestFault) {
    guard register != .cs else { throw .invalidOpcode }
    if state.pointee.usesRealModeSegments {
      state.pointee[register] = realModeSegment(replacing: state.pointee[register], by: selector)
    } else if register == .ss {
      let loaded = try stackSegment(
        Selector(selector), privilegeLevel: state.pointee.privilegeLevel, nullFault: .generalProtection())
      commit(loaded.accessedBit)
      state.pointee.ss = loaded.cache
    } else {
      try loadDataSegment(register, Selector(selector))
    }
  }

  /// What a real-mode load makes of a segment register: base and selector are new; limit and size stay, which is
  /// what "unreal mode" lives on. In V86 mode they are always those of the 8086. SDM vol. 3B, 20.1.1, 20.2.
  func realModeSegment(replacing old: SegmentCache, by selector: UInt16, isCode: Bool = false) -> SegmentCache
  {
    state.pointee.isVirtual8086
      ? SegmentCache(virtual8086: selector, isCode: isCode)
      : SegmentCache(realMode: selector, limit: old.limit, is32Bit: old.is32Bit, isCode: isCode)
  }

  /// A stack segment that passed its checks, and the accessed bit that goes with it.
  struct CheckedStackSegment {
    let cache: SegmentCache
    let accessedBit: AccessByteUpdate?
  }

  /// Checks a stack segment for a program of ring `level`: a load of SS, and the outer stack of a far return.
  /// - Throws: `nullFault`; #GP(selector); #SS(selector) when it isn't present; #PF.
  func stackSegment(
    _ selector: Selector, privilegeLevel level: UInt8, nullFault: GuestFault
  ) throws(GuestFault) -> CheckedStackSegment {
    guard !selector.isNull else { throw nullFault }
    let fetched = try descriptor(selector)
    guard selector.requestedPrivilegeLevel == level, fetched.descriptor.privilegeLevel == level,
      fetched.descriptor.isWritable
    else { throw .generalProtection(selector.errorCode) }
    guard fetched.descriptor.isPresent else {
      throw GuestFault(.stackSegmentFault, errorCode: selector.errorCode)
    }
    return CheckedStackSegment(cache: fetched.cache, accessedBit: try prepareAccessedBit(fetched))
  }

  private func loadDataSegment(_ register: SegmentRegister, _ selector: Selector) throws(GuestFault) {
    guard !selector.isNull else {
      state.pointee[register] = nullSegment(selector)
      return
    }
    let fetched = try descriptor(selector)
    let descriptor = fetched.descriptor
    guard descriptor.isReadable, isReachable(descriptor, through: selector) else {
      throw .generalProtection(selector.errorCode)
    }
    guard descriptor.isPresent else {
      throw GuestFault(.segmentNotPresent, errorCode: selector.errorCode)
    }
    commit(try prepareAccessedBit(fetched))
    state.pointee[register] = fetched.cache
  }

  /// Whether neither CPL nor RPL is outside the segment's DPL, which conforming code doesn't ask. SDM vol. 3A, 5.6.
  func isReachable(_ descriptor: Descriptor, through selector: Selector) -> Bool {
    descriptor.isConforming
      || max(state.pointee.privilegeLevel, selector.requestedPrivilegeLevel) <= descriptor.privilegeLevel
  }

  /// A segment register with nothing in it: any access through it is #GP(0).
  func nullSegment(_ selector: Selector) -> SegmentCache {
    var cache = SegmentCache()
    cache.selector = selector.rawValue
    return cache
  }

  /// Empties the data segment registers that a program of the current ring may not hold: what a return to an outer
  /// ring does last. SDM vol. 3A, 5.8.6.
  func dropInnerDataSegments() {
    for register in [SegmentRegister.es, .ds, .fs, .gs] {
      let cache = state.pointee[register]
      if cache.isUsable && !cache.isConformingCode && cache.privilegeLevel < state.pointee.privilegeLevel {
        state.pointee[register] = nullSegment(Selector(0))
      }
    }
  }
}
