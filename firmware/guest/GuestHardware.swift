import GuestHardware

/// The machine the guest runs on: every requirement one instruction or a few. It has no state, so a
/// `Kernel<Processor>` is nothing at run time.
struct Processor: Hardware {
  @inline(__always) func load8(_ address: KernelAddress) -> UInt8 { guest_load8(address.rawValue) }
  @inline(__always) func load16(_ address: KernelAddress) -> UInt16 { guest_load16(address.rawValue) }
  @inline(__always) func load32(_ address: KernelAddress) -> UInt32 { guest_load32(address.rawValue) }
  @inline(__always) func load64(_ address: KernelAddress) -> UInt64 {
    let low = guest_load32(address.rawValue)
    return UInt64(guest_load32(address.rawValue &+ 4)) << 32 | UInt64(low)
  }
  @inline(__always) func store8(_ address: KernelAddress, _ value: UInt8) {
    guest_store8(address.rawValue, value)
  }
  @inline(__always) func store16(_ address: KernelAddress, _ value: UInt16) {
    guest_store16(address.rawValue, value)
  }
  @inline(__always) func store32(_ address: KernelAddress, _ value: UInt32) {
    guest_store32(address.rawValue, value)
  }
  @inline(__always) func store64(_ address: KernelAddress, _ value: UInt64) {
    guest_store32(address.rawValue, UInt32(truncatingIfNeeded: value))
    guest_store32(address.rawValue &+ 4, UInt32(truncatingIfNeeded: value >> 32))
  }
  @inline(__always) func fill32(_ address: KernelAddress, count: UInt32, with value: UInt32) {
    guest_fill32(address.rawValue, count, value)
  }

  func probeLoad32(_ address: KernelAddress) -> UInt32? {
    let result = guest_probe_load32(address.rawValue)
    return result >> 32 == 1 ? UInt32(truncatingIfNeeded: result) : nil
  }
  func probeStore32(_ address: KernelAddress, _ value: UInt32) -> Bool {
    guest_probe_store32(address.rawValue, value) == 1
  }

  @inline(__always) func invalidatePage(_ address: KernelAddress) { guest_invlpg(address.rawValue) }
  @inline(__always) func readCR2() -> UInt32 { guest_read_cr2() }
  @inline(__always) func readCR3() -> UInt32 { guest_read_cr3() }
  @inline(__always) func writeCR3(_ value: UInt32) { guest_write_cr3(value) }
  @inline(__always) func readCR4() -> UInt32 { guest_read_cr4() }
  @inline(__always) func writeCR4(_ value: UInt32) { guest_write_cr4(value) }

  @inline(__always) func portIn8(_ port: UInt16) -> UInt8 { guest_in8(port) }
  @inline(__always) func portOut8(_ port: UInt16, _ value: UInt8) { guest_out8(port, value) }
  @inline(__always) func saveAndDisableInterrupts() -> Bool { guest_save_flags_cli() & 1 << 9 != 0 }
  @inline(__always) func restoreInterrupts(_ enabled: Bool) { if enabled { guest_sti() } }
  @inline(__always) func waitForInterrupt() { guest_sti_hlt() }
  @inline(__always) func readCycleCounter() -> UInt64 { guest_rdtsc() }
  func writeMSR(_ index: UInt32, _ value: UInt64) -> Bool {
    guest_try_write_msr(
      index, UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)) == 1
  }
  func readPerformanceCounter(_ index: UInt32) -> UInt64? {
    let result = guest_try_read_counter(index)
    return result >> 63 == 1 ? result & (1 << 40 - 1) : nil
  }
  @inline(__always) var framePointer: KernelAddress { KernelAddress(guest_frame_pointer()) }

  @inline(__always) var image: KernelImage {
    KernelImage(
      variables: KernelAddress(guest_address_of_kernel_variables()),
      start: KernelAddress(guest_address_of__image()),
      end: KernelAddress(guest_address_of__end()))
  }

  /// Writes the status to the exit device; a machine without one stays halted.
  func exit(_ status: UInt8) -> Never {
    guest_out8(0xF4, status)
    while true { guest_cli_hlt() }
  }
}
