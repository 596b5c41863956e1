import Emulator

extension MemoryMap {
  /// The map as a guest is told of it, ascending: RAM is usable; the legacy window, and the hole below 4 GiB with the
  /// devices and the boot ROM, are reserved.
  public var bootRegions: [BootPlan.MemoryRegion] {
    let usable = ramRanges.map { BootPlan.MemoryRegion(range: $0, usable: true) }
    let reserved = [Self.legacyWindow, Self.deviceHole].map {
      BootPlan.MemoryRegion(range: $0, usable: false)
    }
    return (usable + reserved).sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
