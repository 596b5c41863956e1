import IA32

/// What a debugger asks: what the processor would use, beside what memory says. Nothing here is seen by the guest: no order of
/// use, no A or D, no counter, no cycle, no device.
extension Machine {
  /// The registers that walks obey, as they are now.
  public var pagingControl: PagingControl { cpu.mmu.control.pointee }

  /// The translation that the TLB would answer an access with; nil after a miss and with paging off. Where a 4 KiB entry and a
  /// large one are there for a page, the 4 KiB one answers, as it does for the processor.
  /// - Parameter fetch: an instruction fetch, which asks the instruction TLB.
  public func lookUp(_ linear: LinearAddress, fetch: Bool) -> (array: TLBArrayName, line: TLBLine)? {
    let control = pagingControl
    guard control.mode != .off else { return nil }
    let mmu = cpu.mmu
    let small = linear.rawValue >> 12
    let large = linear.rawValue >> control.largePageShift
    return fetch
      ? line(mmu.instruction4K, .instruction4K, small) ?? line(mmu.instructionLarge, .instructionLarge, large)
      : line(mmu.data4K, .data4K, small) ?? line(mmu.dataLarge, .dataLarge, large)
  }

  private func line(
    _ array: borrowing TLBArray, _ name: TLBArrayName, _ page: UInt32
  ) -> (array: TLBArrayName, line: TLBLine)? {
    guard let entry = array.find(page) else { return nil }
    let (set, way) = array.place(of: entry)
    return array.inspect(set: set, way: way).map {
      (name, TLBLine(set: set, way: way, rank: $0.rank, entry: $0.entry))
    }
  }

  /// The PDE that the paging-structure cache holds for `linear`: where a walk would begin.
  public func cachedDirectoryEntry(for linear: LinearAddress) -> DirectoryCacheLine? {
    let region = linear.rawValue >> pagingControl.largePageShift
    return directoryCache.first { $0.region == region }
  }

  /// The walk that the processor would make for `linear` after a miss: from the PDPTE registers, or from the cached PDE.
  public func walkAsProcessor(_ linear: LinearAddress, _ access: PageAccess) -> WalkResult {
    guard let cached = cachedDirectoryEntry(for: linear) else { return walk(linear, access) }
    let control = pagingControl
    return onlookersResult(
      of: PageWalk(
        linear: linear.rawValue, access: access, control: control,
        pdpte: cpu.mmu.pdpte(for: linear.rawValue), startingAt: cached.entry), control)
  }

  /// What is at a physical address, the A20 gate's say included; nil unless all of it is RAM or ROM.
  public func peek(_ address: PhysicalAddress, count: Int) -> [UInt8]? {
    guard count >= 0, count <= 1 << 24 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    var next = address.rawValue
    while bytes.count < count {
      guard let page = bus.hostPageForReading(next >> 12) else { return nil }
      let offset = Int(next & 0xfff)
      let length = min(count - bytes.count, 4096 - offset)
      bytes.append(contentsOf: UnsafeRawBufferPointer(start: page + offset, count: length))
      let (sum, overflow) = next.addingReportingOverflow(UInt64(length))
      guard !overflow || bytes.count == count else { return nil }
      next = sum
    }
    return bytes
  }
}
