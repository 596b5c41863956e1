/// The RAM that is still free while a boot is planned.
struct Placement {
  /// Free ranges in ascending order, none empty, none touching.
  private(set) var free: [Range<UInt64>]

  /// All usable RAM below 4 GiB except the first page: the real-mode interrupt vectors are there, and an address of
  /// 0 means "none" in many a structure.
  init(_ memory: [BootPlan.MemoryRegion]) {
    free = []
    for range in BootPlan.MemoryRegion.usableRanges(memory) {
      let clipped = range.clamped(to: 0x1000..<1 << 32)
      if !clipped.isEmpty { free.append(clipped) }
    }
  }

  /// Takes `range` out of what is free, whether or not it was.
  mutating func occupy(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    free = free.flatMap { part -> [Range<UInt64>] in
      guard part.overlaps(range) else { return [part] }
      let below = part.lowerBound..<max(part.lowerBound, min(part.upperBound, range.lowerBound))
      let above = min(part.upperBound, max(part.lowerBound, range.upperBound))..<part.upperBound
      return [below, above].filter { !$0.isEmpty }
    }
  }

  /// Finds and takes `size` bytes on a multiple of `alignment`: the lowest free place at or above `start`, or, if
  /// there is none, the lowest anywhere. Returns nil if no hole is large enough.
  mutating func place(size: UInt64, alignment: UInt64, from start: UInt64) -> UInt64? {
    for floor in [start, 0] {
      for part in free {
        let lowest = max(part.lowerBound, floor)
        let address = (lowest + alignment - 1) / alignment * alignment
        guard address < part.upperBound, part.upperBound - address >= size else { continue }
        occupy(address..<address + size)
        return address
      }
    }
    return nil
  }
}
