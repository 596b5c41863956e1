import FloatingPoint
import IA32

/// EMMS, MXCSR, fences, prefetches and CLFLUSH. SDM vol. 1, 9.4.8, 10.4.4 to 10.4.6 and 11.4.4.
extension CPU {
  func simdControl(_ op: UnsafeMutablePointer<Op>, _ operation: SIMDControlOperation) throws(GuestFault) {
    switch operation {
    case .emms:
      try requireMMX()
      state.pointee.x87.used = 0
      state.pointee.x87.top = 0
    case .ldmxcsr:
      try requireSSE()
      let value = try loadMemory(op, as: UInt32.self)
      guard value & ~model.writableMXCSR == 0 else { throw .generalProtection() }
      state.pointee.sse.control = SSEControl(rawValue: value)
    case .stmxcsr:
      try requireSSE()
      try store(op.pointee.segment, offset(op), state.pointee.sse.control.rawValue)
    // Accesses happen in the order of the program, one after the other.
    case .sfence, .lfence, .mfence: break
    // A hint that this processor does not take.
    case .prefetch: break
    case .clflush: try flushCacheLine(op)
    }
  }

  /// CLFLUSH: what a load of the byte may raise, and the line is in no cache any more.
  private func flushCacheLine(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    let linear = try linearAddress(op.pointee.segment, offset(op), bytes: 1, .read)
    let physical = try mmu.physical(linear, PageAccess(.read, user: mmu.isUserMode))
    caches.snoopStore(bus.driven(physical), bytes: 1)
  }
}
