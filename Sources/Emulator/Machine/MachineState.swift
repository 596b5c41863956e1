import IA32

/// The CPU's registers at an instruction boundary, as a value to look at.
public struct RegisterFile: Hashable, Sendable {
  /// A segment register with its hidden part. SDM vol. 3A, 3.4.3.
  public struct Segment: Hashable, Sendable {
    /// The visible part.
    public var selector: UInt16
    /// Linear address of the segment's first byte.
    public var base: UInt32
    /// Offset of the last byte (below which nothing is allowed, in an expand-down segment), the granularity applied.
    public var limit: UInt32
    /// The descriptor's byte 5: P, DPL, S and type.
    public var access: UInt8
    /// D or B.
    public var is32Bit: Bool
  }

  /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
  public var general: [UInt32]
  /// Offset of the next instruction in CS.
  public var eip: UInt32
  /// EFLAGS, the reserved bits as the processor gives them.
  public var eflags: UInt32
  /// CPL.
  public var privilegeLevel: UInt8
  /// ES, CS, SS, DS, FS, GS.
  public var segments: [Segment]
  /// CR0.
  public var cr0: UInt32
  /// The linear address of the last page fault.
  public var cr2: UInt32
  /// CR3: the page directory, or the page-directory-pointer table.
  public var cr3: UInt32
  /// CR4.
  public var cr4: UInt32
  /// IA32_EFER, of which NXE is all there is.
  public var efer: UInt64
  /// The PDPTE registers, which may differ from memory.
  public var pdpte: [UInt64]
  /// HLT has been executed, and no interrupt has come since.
  public var isHalted: Bool
  /// The floating-point unit's registers.
  public var x87: X87Registers
  /// XMM0 to XMM7 and MXCSR.
  public var sse: SSERegisters

  /// A general register.
  public subscript(register: GeneralRegister) -> UInt32 { general[Int(register.rawValue)] }
  /// A segment register.
  public subscript(segment: SegmentRegister) -> Segment { segments[Int(segment.rawValue)] }
}

/// An entry of the TLB with its place.
public struct TLBLine: Sendable {
  /// Its set in the array, from 0.
  public var set: Int
  /// Its way in the set, from 0.
  public var way: Int
  /// Among the set's valid entries, how many would be replaced after this one: 0 is the most recently used. Under
  /// tree-PLRU the order is the one in which newcomers would take the ways; random replacement has none, and the rank
  /// is the order of use.
  public var rank: Int
  /// What it holds.
  public var entry: TLBEntry
}

/// Everything countable of a run.
public struct MachineCounters: Hashable, Sendable {
  /// Instructions completed; each iteration of a repeated string instruction is one.
  public var instructions: UInt64
  /// Cycles of the clock.
  public var cycles: UInt64
  /// Of them, those in HLT.
  public var idleCycles: UInt64
  /// External interrupts taken.
  public var interrupts: UInt64
  /// INT n, INT3 and INTO.
  public var softwareInterrupts: UInt64
  /// Exceptions delivered, by vector.
  public var faults: [UInt64]
  /// What the paging unit did.
  public var paging: PagingCounters
  /// Accesses to devices and ports.
  public var bus: BusCounters
  /// Characters that the guest wrote to the serial port without waiting for room, and that were lost.
  public var serialCharactersLost: UInt64
  /// Accesses that led nowhere.
  public var lost: LostAccesses
  /// Counted in the `full` level only.
  public var caches: CacheCounters
  /// Where the cycles went, as far as the timing level models it.
  public var breakdown: CycleBreakdown
  /// What of all this came up at CPL 3, and what in the other rings. An instruction that changes CPL counts, with its own
  /// cost, for where it arrives; what its accesses cost before the change counts for where it comes from.
  public var user: EventCounts
  /// See `user`.
  public var kernel: EventCounts

  /// The cycles that no part of `breakdown` claims.
  public var baseCycles: UInt64 { cycles &- breakdown.sum }
}

/// Looking at a machine between two instructions: nothing here changes what the guest will see.
extension Machine {
  /// The processor's registers.
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
      x87: X87Registers(state.x87), sse: SSERegisters(state.sse))
  }

  /// CPL, exact also in an observer.
  public var privilegeLevel: UInt8 { cpu.state.pointee.privilegeLevel }

  /// Whether linear addresses go through page tables: CR0.PG.
  public var isPaging: Bool { cpu.state.pointee.cr0.contains(.paging) }

  /// All counts up to now.
  public var counters: MachineCounters {
    let counts = cpu.counters.pointee
    cpu.attributeCounts()
    return MachineCounters(
      instructions: counts.instructions, cycles: clock.now, idleCycles: counts.idleCycles,
      interrupts: counts.interrupts, softwareInterrupts: counts.softwareInterrupts, faults: counts.faults,
      paging: cpu.mmu.currentCounters, bus: bus.counters,
      serialCharactersLost: devices.serial.state.lost, lost: bus.lost, caches: cpu.caches.counters.pointee,
      breakdown: cpu.caches.breakdown.pointee, user: cpu.split.user, kernel: cpu.split.kernel)
  }

  /// Accesses that led nowhere: stores into ROM and where nothing answers, fetches from there.
  public var lostAccesses: LostAccesses { bus.lost }

  /// Whether IDTR holds what a reset leaves there, which the boot ROM does not change. SDM vol. 3A, table 9-1.
  public var hasInterruptTableOfReset: Bool {
    let reset = DescriptorTableRegister()
    let register = cpu.state.pointee.idtr
    return register.base == reset.base && register.limit == reset.limit
  }

  /// Which processor it is.
  public var model: CPUModel { cpu.model }

  /// The faults of the last chain: after a triple fault, all that led to it.
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

  /// Sets of one TLB array, and ways in each.
  public func tlbSize(_ name: TLBArrayName) -> (sets: Int, ways: Int) {
    switch name {
    case .instruction4K: (cpu.mmu.instruction4K.sets, cpu.mmu.instruction4K.ways)
    case .instructionLarge: (cpu.mmu.instructionLarge.sets, cpu.mmu.instructionLarge.ways)
    case .data4K: (cpu.mmu.data4K.sets, cpu.mmu.data4K.ways)
    case .dataLarge: (cpu.mmu.dataLarge.sets, cpu.mmu.dataLarge.ways)
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
      cr0: state.cr0, cr3: cr3, cr4: state.cr4, efer: state.efer, addressWidth: cpu.mmu.addressWidth,
      hasAttributeTable: cpu.mmu.hasAttributeTable)
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
  /// What was read, from the PDPTE or PDE on; the last step is the leaf, or the entry that faults.
  public var steps: [PageWalk.Step]
  /// The error code of the page fault that the access would raise.
  public var fault: PageFaultErrorCode?
  /// nil after a fault, and with paging off.
  public var translation: Translation?
}
