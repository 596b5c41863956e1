// A bus's addresses in the kernel's linear addresses. Linux 2.6.24: `arch/x86/mm/ioremap_32.c`.

extension Kernel {
  /// Where ISA cards answer, between conventional memory and 1 MiB: mapped since the boot (`ISA_START_ADDRESS`).
  private static var isaRange: Range<UInt64> { 0xA0000..<0x100000 }

  /// Maps `size` bytes of the bus from physical address `physical` on, which need not be aligned; the address
  /// returned has the same offset in its page (`__ioremap`).
  ///
  /// Physical addresses are 64 bits wide: with PAE a device may answer above 4 GiB. ISA's range comes from the direct
  /// map. RAM is refused: mapped twice with different caching, what one mapping writes the other may not see.
  public func ioremap(
    _ physical: UInt64, _ size: UInt32, _ protection: PageTableFlags = .kernel
  ) throws(VmallocError) -> KernelAddress {
    beginUpdate()
    defer { endUpdate() }
    let (end, overflow) = physical.addingReportingOverflow(UInt64(size))
    if size == 0 { throw .badSize }
    if overflow || end > physicalAddressLimit { throw .badPhysicalAddress }
    if Self.isaRange.contains(physical), end <= Self.isaRange.upperBound {
      return directAddress(of: physical)
    }
    let start = physical & ~UInt64(pageSize - 1)
    let pageEnd = (end + UInt64(pageSize - 1)) & ~UInt64(pageSize - 1)
    if overlapsRAM(start..<pageEnd) {
      warn(
        "ioremap: physical range is ordinary RAM; page",
        KernelAddress(UInt32(truncatingIfNeeded: physical >> 12)))
      throw .ordinaryRAM
    }
    if pageEnd - start > UInt64(vmallocEnd - vmallocStart) { throw .badSize }
    let area = try getVMArea(UInt32(truncatingIfNeeded: pageEnd - start), .ioremap)
    area.physicalAddress = start
    area.protection = supported(protection)
    do {
      try ioremapPageRange(area.start, area.guardPage, start, area.protection)
    } catch {
      discard(area)
      throw error == .noMemoryForTable ? .noMemoryForTable : .alreadyMapped
    }
    return area.start + UInt32(truncatingIfNeeded: physical - start)
  }

  /// The same with PCD set, so that every access reaches the device (`ioremap_nocache`).
  public func ioremapNoCache(_ physical: UInt64, _ size: UInt32) throws(VmallocError) -> KernelAddress {
    try ioremap(physical, size, .kernelNoCache)
  }

  /// Takes back what `ioremap` gave, wherever in its first page the address points (`iounmap`). Addresses of ISA's
  /// range in the direct map are fine; anything else that ioremap did not give is reported and left alone.
  public func iounmap(_ address: KernelAddress) {
    beginUpdate()
    defer { endUpdate() }
    if address.isNull { return }
    if address >= AddressSpace.pageOffset, Self.isaRange.contains(physicalAddress(of: address)) { return }
    guard let area = findVMArea(address.pageStart), area.flags.contains(.ioremap) else {
      warn("iounmap: bad address", address)
      return
    }
    discard(area)
  }
}
