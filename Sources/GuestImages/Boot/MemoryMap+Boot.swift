import Emulator

extension MemoryMap {
  /// The map as a guest is told of it, ascending: RAM is usable; the BIOS's extended data area with the legacy window behind it, and
  /// the hole below 4 GiB with the devices and the boot ROM, are reserved.
  public var bootRegions: [BootPlan.MemoryRegion] {
    let extendedData = BIOSDataArea.extendedRange
    let usable = ramRanges.map { range in
      let end = range.contains(extendedData.lowerBound) ? extendedData.lowerBound : range.upperBound
      return BootPlan.MemoryRegion(range: range.lowerBound..<end, usable: true)
    }
    let reserved = [extendedData.lowerBound..<Self.legacyWindow.upperBound, Self.deviceHole].map {
      BootPlan.MemoryRegion(range: $0, usable: false)
    }
    return (usable + reserved).sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
