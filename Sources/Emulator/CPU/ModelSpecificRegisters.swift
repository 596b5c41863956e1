import IA32

/// The numbers of the MSRs of this processor. SDM vol. 4, table 2-2.
enum ModelSpecificRegister {
  static let timeStampCounter: UInt32 = 0x10
}

/// RDMSR, WRMSR, RDTSC, RDPMC. SDM vol. 2B.
extension CPU {
  /// RDMSR.
  /// - Throws: #GP(0) outside ring 0 and for a register that the model lacks.
  func readMSR(_ index: UInt32) throws(GuestFault) -> UInt64 {
    try requireRing0()
    switch index {
    case ModelSpecificRegister.timeStampCounter: return timeStampCounter
    case EFER.msr where model.hasNoExecute: return state.pointee.efer
    default: throw .generalProtection()
    }
  }

  /// WRMSR.
  /// - Throws: #GP(0) outside ring 0, for a register that the model lacks and for reserved bits of EFER.
  func writeMSR(_ index: UInt32, _ value: UInt64) throws(GuestFault) {
    try requireRing0()
    switch index {
    case ModelSpecificRegister.timeStampCounter:
      // The P6 takes the low half and clears the upper one. SDM vol. 3B, 17.17.
      state.pointee.timeStampOffset = (value & 0xffff_ffff) &- clock.now
    case EFER.msr where model.hasNoExecute:
      guard value & ~EFER.noExecuteEnable == 0 else { throw .generalProtection() }
      mmu.setEFER(value)
    default: throw .generalProtection()
    }
  }

  /// RDTSC.
  /// - Throws: #GP(0) outside ring 0 under CR4.TSD.
  func readTimeStampCounter() throws(GuestFault) -> UInt64 {
    if state.pointee.cr4.contains(.timeStampDisable) { try requireRing0() }
    return timeStampCounter
  }

  /// RDPMC. The model has no performance counters, so every index is invalid.
  /// - Throws: #GP(0).
  func readPerformanceCounter(_: UInt32) throws(GuestFault) -> UInt64 { throw .generalProtection() }

  private var timeStampCounter: UInt64 { clock.now &+ state.pointee.timeStampOffset }
}
