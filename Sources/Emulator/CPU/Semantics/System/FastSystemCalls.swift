import IA32

/// What SYSENTER and SYSEXIT go by: IA32_SYSENTER_CS, ESP and EIP. SDM vol. 3A, 5.8.7.
struct SystemEntry: Codable {
  var cs: UInt32 = 0
  var esp: UInt32 = 0
  var eip: UInt32 = 0
}

/// SYSENTER and SYSEXIT. SDM vol. 2B. Their segments are flat by definition: no descriptor is read.
extension CPU {
  /// SYSENTER, from any ring and from V86 mode.
  /// - Throws: #GP(0) in real mode, and while no selector is set.
  func enterSystem() throws(GuestFault) {
    let entry = state.pointee.systemEntry
    let selector = UInt16(truncatingIfNeeded: entry.cs) & 0xfffc
    guard state.pointee.isProtected, selector != 0 else { throw .generalProtection() }
    clearFlags([.virtual8086, .interruptEnable, .resume])
    takeFlatSegments(selector, selector &+ 8, level: 0)
    self[.esp] = entry.esp
    state.pointee.eip = entry.eip
  }

  /// SYSEXIT: to ring 3 with EDX and ECX as EIP and ESP.
  /// - Throws: #GP(0) outside ring 0, in real mode, and while no selector is set.
  func exitSystem() throws(GuestFault) {
    let selector = UInt16(truncatingIfNeeded: state.pointee.systemEntry.cs) & 0xfffc
    guard state.pointee.isProtected, state.pointee.privilegeLevel == 0, selector != 0 else {
      throw .generalProtection()
    }
    takeFlatSegments((selector &+ 16) | 3, (selector &+ 24) | 3, level: 3)
    self[.esp] = self[.ecx]
    state.pointee.eip = self[.edx]
  }

  private func takeFlatSegments(_ cs: UInt16, _ ss: UInt16, level: UInt8) {
    state.pointee.cs = SegmentCache(flat: cs, access: 0x9b | level << 5)
    state.pointee.ss = SegmentCache(flat: ss, access: 0x93 | level << 5)
    setPrivilegeLevel(level)
  }
}
