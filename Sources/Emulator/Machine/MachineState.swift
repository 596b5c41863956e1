import IA32

/// The CPU's registers at an instruction boundary, as a value to look at.
public struct RegisterFile: Hashable, Sendable {
  public struct Segment: Hashable, Sendable {
    public var selector: UInt16
    public var base: UInt32
    public var limit: UInt32
    public var access: UInt8
    public var is32Bit: Bool
  }

  /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
  public var general: [UInt32]
  public var eip: UInt32
  public var eflags: UInt32
  public var privilegeLevel: UInt8
  /// ES, CS, SS, DS, FS, GS.
  public var segments: [Segment]
  public var cr0: UInt32
  public var cr2: UInt32
  public var cr3: UInt32
  public var cr4: UInt32
  public var efer: UInt64
  /// The PDPTE registers, which may differ from memory.
  public var pdpte: [UInt64]
  public var isHalted: Bool
  public var x87: X87Registers

  public subscript(register: GeneralRegister) -> UInt32 { general[Int(register.rawValue)] }
  public subscript(segment: SegmentRegister) -> Segment { segments[Int(segment.rawValue)] }
}

/// An entry of the TLB with its place.
public struct TLBLine: Sendable {
  public var set: Int
  public var way: Int
  /// Among the set's valid entries, how many would be replaced after this one: 0 is the most recently used. Under
  /// tree-PLRU the order is the one in which newcomers would take the ways; random replacement has none, and the rank
  /// is the order of use.
  public var rank: Int
  public var entry: TLBEntry
}

/// Everything countable of a run.
public struct MachineCounters: Sendable {
  public var instructions: UInt64
  public var cycles: UInt64
  public var idleCycles: UInt64
  public var interrupts: UInt64
  public var softwareInterrupts: UInt64
  /// Exceptions delivered, by vector.
  public var faults: [UInt64]
  public var paging: PagingCounters
  public var bus: BusCounters
  /// Counted in the `full` level only.
  public var caches: CacheCounters
  public var breakdown: CycleBreakdown
  /// What of all this came up at CPL 3, and what in the other rings. An instruction that changes CPL counts, with its own
  /// cost, for where it arrives; what its accesses cost before the change counts for where it comes from.
  public var user: EventCounts
  public var kernel: EventCounts

  /// The cycles that no part of `breakdown` claims.
  public var baseCycles: UInt64 { cycles &- breakdown.sum }
}

/// Looking at a machine between two instructions: nothing here changes what the guest will see.
extension Machine {
  public var registers: RegisterFile {
    let state = cpu.state.pointee
    func segment(_ cache: SegmentCache) -> RegisterFile.Segment {
      RegisterFile.Segment(
        selector: cache.selector, base: cache.base, limit: cache.limit, access: cache.access,
        is32Bit: cache.is32Bit)
    }
    return RegisterFile(
      general: (0..<8).map { cpu.registers[$0] }, eip: state.eip, eflags: state.eflags,
      privilegeLevel: state.privilegeLevel,
      segments: [state.es, state.cs, state.ss, state.ds, state.fs, state.gs].map(segment),
      cr0: state.cr0.rawValue, cr2: state.cr2, cr3: state.cr3, cr4: state.cr4.rawValue, efer: state.efer,
      pdpte: [state.pdpte.0, state.pdpte.1, state.pdpte.2, state.pdpte.3], isHalted: state.isHalted,
      x87: X87Registers(state.x87))
  }

  /// CPL, exact also in an observer.
  public var privilegeLevel: UInt8 { cpu.state.pointee.privilegeLevel }

  /// Whether linear addresses go through page tables: CR0.PG.
  public var isPaging: Bool { cpu.state.pointee.cr0.contains(.paging) }

  public var counters: MachineCounters {
    let counts = cpu.counters.pointee
    cpu.attributeCounts()
    return MachineCounters(
      instructions: counts.instructions, cycles: clock.now, idleCycles: counts.idleCycles,
      interrupts: counts.interrupts, softwareInterrupts: counts.softwareInterrupts, faults: counts.faults,
      paging: cpu.mmu.currentCounters, bus: bus.counters, caches: cpu.caches.counters.pointee,
      breakdown: cpu.caches.breakdown.pointee, user: cpu.split.user, kernel: cpu.split.kernel)
  }

  /// The faults of the last chain: after a triple fault, all three.
  public var faultHistory: FaultHistory { cpu.faultHistory }

  /// The valid entries of one TLB array, by set and way.
  public func tlb(_ name: TLBArrayName) -> [TLBLine] {
    switch name {
    case .instruction4K: lines(of: cpu.mmu.instruction4K)
    case .instructionLarge: lines(of: cpu.mmu.instructionLarge)
    case .data4K: lines(of: cpu.mmu.data4K)
    case .dataLarge: lines(of: cpu.mmu.dataLarge)
    }
  }

  private func lines(of array: borrowing TLBArray) -> [TLBLine] {
    var lines: [TLBLine] = []
    for set in 0..<array.sets {
      for way in 0..<array.ways {
        guard let found = array.inspect(set: set, way: way) else { continue }
        lines.append(TLBLine(set: set, way: way, rank: found.rank, entry: found.entry))
      }
    }
    return lines
  }

  /// The PDEs that the paging-structure cache holds, by set and way; none where the machine has no such cache.
  public var directoryCache: [DirectoryCacheLine] { cpu.mmu.directoryCache.lines }

  /// Walks the tables for `linear` as an onlooker: the PDPTE registers and memory as they are now, no TLB and no cached PDE
  /// asked, no A or D written, nothing counted. The steps end with the leaf or with the entry that would fault.
  public func walk(_ linear: LinearAddress, _ access: PageAccess) -> WalkResult {
    walk(linear, access, cr3: cpu.state.pointee.cr3, pdpte: cpu.mmu.pdpte(for: linear.rawValue))
  }

  /// The same through other tables than the running ones: what the walk would find had CR3 just been loaded with `cr3`.
  /// Under PAE the PDPTE is the one in memory; if that isn't RAM, nothing is present.
  public func walk(_ linear: LinearAddress, _ access: PageAccess, cr3: UInt32) -> WalkResult {
    let table = UInt64(cr3 & ~31)
    let pdpte = memory.read(PhysicalAddress(table + UInt64(linear.rawValue >> 30) * 8), count: 8)
    return walk(
      linear, access, cr3: cr3, pdpte: pdpte.map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } } ?? 0)
  }

  private func walk(
    _ linear: LinearAddress, _ access: PageAccess, cr3: UInt32, pdpte: UInt64
  ) -> WalkResult {
    let state = cpu.state.pointee
    let control = PagingControl(
      cr0: state.cr0, cr3: cr3, cr4: state.cr4, efer: state.efer, addressWidth: cpu.mmu.addressWidth)
    return onlookersResult(
      of: PageWalk(linear: linear.rawValue, access: access, control: control, pdpte: pdpte), control)
  }

  /// Runs `walk` to its end, leaving no trace.
  func onlookersResult(of walk: PageWalk, _ control: PagingControl) -> WalkResult {
    var walk = walk
    var steps: [PageWalk.Step] = []
    Onlooker(memory: memory).finish(&walk) { steps.append($0) }
    return WalkResult(
      steps: steps, fault: walk.fault,
      translation: walk.fault == nil && control.mode != .off ? walk.translation : nil)
  }
}

/// What an onlooker's walk found.
public struct WalkResult: Sendable {
  public var steps: [PageWalk.Step]
  /// The error code of the page fault that the access would raise.
  public var fault: PageFaultErrorCode?
  /// nil after a fault, and with paging off.
  public var translation: Translation?
}
