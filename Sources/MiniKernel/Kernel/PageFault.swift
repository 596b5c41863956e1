/// The error code of a page fault. SDM vol. 3A, 4.7.
public struct PageFaultCode: OptionSet, Sendable {
  /// The error code, as the processor pushes it.
  public var rawValue: UInt32
  /// The bits in `rawValue`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The page was present and the access not allowed.
  public static var protection: PageFaultCode { PageFaultCode(rawValue: 1 << 0) }
  /// W/R: the access was a write.
  public static var write: PageFaultCode { PageFaultCode(rawValue: 1 << 1) }
  /// U/S: the access was made at CPL 3.
  public static var user: PageFaultCode { PageFaultCode(rawValue: 1 << 2) }
  /// RSVD: an entry has a reserved bit set.
  public static var reservedBit: PageFaultCode { PageFaultCode(rawValue: 1 << 3) }
  /// I/D: the access was an instruction fetch.
  public static var instructionFetch: PageFaultCode { PageFaultCode(rawValue: 1 << 4) }
}

/// What is to happen after a page fault.
public enum PageFaultVerdict: Sendable {
  /// The tables are right now: run the instruction again.
  case repaired
  /// The running process did what it may not: end it.
  case userError
  /// The kernel did: go to the instruction's fixup if it has one, else panic.
  case kernelError
}

extension Kernel {
  /// What the trap glue calls with CR2 and the error code (`do_page_fault`).
  public func handlePageFault(_ address: KernelAddress, _ code: PageFaultCode) -> PageFaultVerdict {
    if code.contains(.user) { return .userError }
    // Supervisor access, not present, in the vmalloc range: the only fault that can come from a directory entry
    // which the running table lacks.
    if !code.contains(.protection), !code.contains(.reservedBit),
      address >= vmallocStart, address < vmallocEnd, vmallocFault(address)
    {
      return .repaired
    }
    return .kernelError
  }

  /// Copies the directory entry for `address` from the reference table into the running one (`vmalloc_fault`). False
  /// when that repairs nothing: no such entry, the running table has it already, or the page is not mapped. No flush:
  /// the entry was not present.
  public func vmallocFault(_ address: KernelAddress) -> Bool {
    beginUpdate()
    defer { endUpdate() }
    let running = directAddress(of: UInt64(hardware.readCR3() & ~31))
    if running == swapperPointerTable { return false }
    let master = directoryEntry(pointerTableEntry(swapperPointerTable, address), address)
    let copy = directoryEntry(pointerTableEntry(running, address), address)
    let value = entry(at: master)
    if !value.isPresent || entry(at: copy).isPresent { return false }
    if !value.flags.contains(.large), !entry(at: tableEntry(master, address)).isPresent { return false }
    setEntry(copy, value)
    count(KernelVariable.vmallocFaults)
    return true
  }
}
