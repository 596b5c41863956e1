import IA32

/// Who may use which ports. SDM vol. 1, 18.5.
extension CPU {
  /// Checks IN, OUT, INS and OUTS of `bytes` (1, 2 or 4) at `port`: free within IOPL, else the TSS's bitmap decides.
  /// - Throws: #GP(0) when a bit is set, or the TSS has no bits for the port; #PF.
  func checkIOPermission(port: UInt16, bytes: UInt32) throws(GuestFault) {
    guard state.pointee.isProtected else { return }
    if state.pointee.privilegeLevel <= state.pointee.ioPrivilegeLevel && !state.pointee.isVirtual8086 {
      return
    }
    let tr = state.pointee.tr
    let is32BitTSS = tr.isUsable && tr.access & 8 != 0
    guard is32BitTSS, tr.limit >= Self.bitmapPointer + 1 else { throw .generalProtection() }
    let bitmap = UInt32(try loadSystem(tr.base &+ Self.bitmapPointer, as: UInt16.self))
    // Two bytes are always read, so that an access whose bits cross a byte needs no second look.
    let offset = bitmap + UInt32(port >> 3)
    guard offset + 1 <= tr.limit else { throw .generalProtection() }
    let bits = UInt32(try loadSystem(tr.base &+ offset, as: UInt16.self)) >> UInt32(port & 7)
    guard bits & (1 &<< bytes &- 1) == 0 else { throw .generalProtection() }
  }

  /// Where the TSS holds the offset of its I/O permission bitmap. SDM vol. 3A, figure 7-2.
  static let bitmapPointer: UInt32 = 102
}
