/// A device's own way to memory, past the CPU: bus mastering.
///
/// Stores go through the gate that all stores go through, so decoded code dies, watched bytes and page tables are reported
/// with the device as the writer, and the history keeps what the pages held; the caches drop the lines, as a P6 does that
/// snoops a write (SDM vol. 3A, 11.4). Only RAM and, for reading, ROM are reached: no device of the PC needs another's
/// registers, and a guest could make two devices write to each other for ever. A20 has no say: the gate is in the CPU's
/// address lines.
public struct DMAPort {
  // A device that the bus holds holds this: owning the bus would keep both for ever.
  private unowned let bus: Bus

  /// A port to the memory of `bus`.
  public init(bus: Bus) {
    self.bus = bus
  }

  /// Reads `count` bytes from a physical address on. What is neither RAM nor ROM reads as ones and counts as one
  /// unclaimed access.
  public func read(_ address: UInt64, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(max(0, count))
    var misses = false
    while bytes.count < count {
      let (here, isBeyond) = address.addingReportingOverflow(UInt64(bytes.count))
      let size = min(count - bytes.count, 4096 - Int(here & 0xFFF))
      if !isBeyond, let page = bus.hostMemory(ofFrame: here >> 12) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: page + Int(here & 0xFFF), count: size))
      } else {
        misses = true
        bytes.append(contentsOf: repeatElement(0xFF, count: size))
      }
    }
    if misses { bus.countUnclaimed() }
    return bytes
  }

  /// Writes `bytes` from a physical address on. What isn't RAM ignores them; where nothing answers at all, that counts as
  /// one unclaimed access.
  public func write(_ bytes: [UInt8], at address: UInt64) {
    if !bus.store(bytes, at: address, writer: .device) { bus.countUnclaimed() }
  }
}
