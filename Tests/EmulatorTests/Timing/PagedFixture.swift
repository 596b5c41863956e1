import IA32

@testable import Emulator

/// A processor with caches on, in flat ring 0, whose first 8 MiB are mapped to themselves. It can be driven through its
/// methods or given code.
final class PagedFixture {
  static let directory: UInt64 = 0x1_0000
  static let firstTable: UInt64 = 0x2_0000
  private static let gdt: UInt32 = 0x1000
  private static let pdpt: UInt32 = 0x3000
  static let code: UInt32 = 0x5000

  let memory: PhysicalMemory
  let cpu: CPU
  /// log2 of the bytes that a PDE maps.
  let shift: UInt64
  private let entryBytes: UInt64

  /// - Parameter pae: PAE paging, or else 32-bit paging.
  init(
    pae: Bool = true, tlb: TLBGeometry = .p6, caches: CacheGeometries = .p6,
    latencies: Latencies = Latencies(),
    timing: TimingLevel = .full, branches: BranchPrediction = .dynamic
  ) throws {
    memory = try PhysicalMemory(bytes: 16 << 20)
    shift = pae ? 21 : 22
    entryBytes = pae ? 8 : 4
    cpu = CPU(
      on: SystemBoard(memory: memory, bus: try Bus(memory: memory), clock: Clock()), addressWidth: 36,
      geometry: tlb, caches: caches, timing: timing, latencies: latencies, branches: branches)
    cpu.plugIn()
    poke(UInt64(Self.gdt) + 8, 0x00cf_9a00_0000_ffff, bytes: 8)
    poke(UInt64(Self.gdt) + 16, 0x00cf_9200_0000_ffff, bytes: 8)
    poke(UInt64(Self.pdpt), Self.directory | 1, bytes: 8)
    // Present, writable, A and D set: no walk writes.
    for table in 0..<(UInt64(8 << 20) >> shift) {
      setDirectoryEntry(table, to: tableAddress(table) | 0x63)
      for page in 0..<(1 << (shift - 12)) as Range<UInt64> {
        setTableEntry(table << shift + page << 12, to: (table << shift + page << 12) | 0x63)
      }
    }
    cpu.state.pointee.gdtr = DescriptorTableRegister(base: Self.gdt, limit: 0x17)
    try cpu.moveToControlRegister(0, CR0.protectionEnable.rawValue)
    try cpu.jumpFar(selector: 8, offset: Self.code, operandSize: 4)
    for register in [SegmentRegister.ss, .ds, .es] { try cpu.loadSegment(register, 16) }
    if pae { try cpu.moveToControlRegister(4, CR4.physicalAddressExtension.rawValue) }
    try cpu.moveToControlRegister(3, pae ? Self.pdpt : UInt32(Self.directory))
    try cpu.moveToControlRegister(0, CR0([.protectionEnable, .paging, .writeProtect]).rawValue)
  }

  // MARK: Tables

  func tableAddress(_ index: UInt64) -> UInt64 { Self.firstTable + index << 12 }
  func directoryEntryAddress(_ index: UInt64) -> UInt64 { Self.directory + index * entryBytes }
  func tableEntryAddress(_ linear: UInt64) -> UInt64 {
    tableAddress(linear >> shift) + (linear >> 12 & (1 << (shift - 12) - 1)) * entryBytes
  }

  func setDirectoryEntry(_ index: UInt64, to value: UInt64) {
    poke(directoryEntryAddress(index), value, bytes: entryBytes)
  }
  func setTableEntry(_ linear: UInt64, to value: UInt64) {
    poke(tableEntryAddress(linear), value, bytes: entryBytes)
  }
  func directoryEntry(_ index: UInt64) -> UInt64 {
    let bytes = memory.read(PhysicalAddress(directoryEntryAddress(index)), count: Int(entryBytes)) ?? []
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func poke(_ address: UInt64, _ value: UInt64, bytes: UInt64) {
    let raw = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    try? memory.write(raw, at: PhysicalAddress(address))
  }

  // MARK: Accesses

  /// A load as the interpreter makes it: the filter is asked first.
  @discardableResult
  func load(_ linear: UInt32) throws(GuestFault) -> UInt32 {
    if let host = cpu.mmu.quick(linear, bytes: 4, .load) { return host.loadUnaligned(as: UInt32.self) }
    return try cpu.mmu.load(linear, as: UInt32.self, user: false)
  }

  var paging: PagingCounters { cpu.mmu.currentCounters }
  var cacheCounters: CacheCounters { cpu.caches.counters.pointee }

  /// Executes `code`, which ends in HLT.
  func run(_ code: [UInt8]) throws {
    try memory.write(code, at: PhysicalAddress(UInt64(Self.code)))
    cpu.state.pointee.isHalted = false
    cpu.state.pointee.eip = Self.code
    cpu.onlyLimitPending = { true }
    cpu.run()
  }
}
