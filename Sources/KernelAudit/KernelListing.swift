import IA32

/// An area of the kernel's vmalloc range, as `vmlist` has it.
public struct KernelArea: Hashable, Sendable {
  /// The linear address of its `struct vm_struct`.
  public var descriptor: UInt32
  /// The first linear address.
  public var start: UInt32
  /// Bytes, the guard page included.
  public var size: UInt32
  /// `VM_...` flags, with the values in `KernelLayout.Area`.
  public var flags: UInt32
  /// Pages that it owns or shows.
  public var pageCount: UInt32
  /// The bus address of an ioremap area.
  public var physical: UInt64

  /// "vmalloc", "vmap", "ioremap"; "?" for flags that mean none of them.
  public var kind: String {
    typealias Layout = KernelLayout.Area
    return switch flags & (Layout.ioremap | Layout.alloc | Layout.map) {
    case Layout.ioremap: "ioremap"
    case Layout.alloc: "vmalloc"
    case Layout.map: "vmap"
    default: "?"
    }
  }

  /// It was freed, and its addresses wait for the next flush of the TLB.
  public var isLazilyFreed: Bool { flags & KernelLayout.Area.lazyFree != 0 }
}

/// A zone of the kernel's page allocator.
public struct KernelZone: Hashable, Sendable {
  /// "DMA", "NORMAL" or "HIGHMEM".
  public var name: String
  /// The first frame.
  public var startFrame: UInt32
  /// Frames from the first to the last, holes included.
  public var spannedPages: UInt32
  /// Frames of RAM among them.
  public var presentPages: UInt32
  /// Pages in its free lists, as the zone counts them.
  public var freePages: UInt32
  /// Free blocks by order, as the zone counts them.
  public var freeBlocks: [UInt32]
  /// min, low and high.
  public var watermarks: [UInt32]
}

/// The kernel's structures as lists, for people. Damaged ones are listed as far as they make sense; `run()` says what is wrong.
extension KernelAudit {
  /// The areas, in the list's order.
  public var areas: [KernelArea] {
    guard moment != .notStarted else { return [] }
    let run = AuditRun(machine: machine, symbols: symbols)
    run.readAreas()
    return run.areas.map {
      KernelArea(
        descriptor: $0.descriptor, start: $0.start, size: $0.size, flags: $0.flags, pageCount: $0.pageCount,
        physical: $0.physical)
    }
  }

  /// The three zones.
  public var zones: [KernelZone] {
    guard moment != .notStarted else { return [] }
    typealias Zone = KernelLayout.Zone
    let run = AuditRun(machine: machine, symbols: symbols)
    return Zone.names.enumerated().map { number, name in
      let zone = symbols[.zoneTable] + UInt32(number) * Zone.size
      func word(_ offset: UInt32) -> UInt32 { run.field(zone, offset) ?? 0 }
      return KernelZone(
        name: name, startFrame: word(Zone.startFrame), spannedPages: word(Zone.spannedPages),
        presentPages: word(Zone.presentPages), freePages: word(Zone.freePages),
        freeBlocks: (0..<KernelLayout.orders).map {
          word(Zone.freeAreas + $0 * Zone.freeAreaSize + Zone.freeAreaCount)
        }, watermarks: (0..<3).map { word(Zone.watermarks + $0 * 4) })
    }
  }
}
