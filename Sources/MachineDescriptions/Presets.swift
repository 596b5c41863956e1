import Emulator
import IA32

/// The machines that have a name.
///
/// Geometries are those of CPUID leaf 2 (SDM vol. 2A, table 3-12). DRAM's latency is fitted: 196 ns were measured with
/// lmbench on a Pentium Pro of 167 MHz and a bus of 66 MHz, some 13 bus clocks; it scales with the clock's multiplier.
extension MachineDescription {
  /// A preset and the line that lists it.
  public struct Preset: Sendable {
    /// The machine.
    public let description: MachineDescription
    /// One line for the list of presets.
    public let summary: String
  }

  /// In the order in which they are listed.
  public static let presets = [
    Preset(description: .p6, summary: "the default: a Pentium Pro's clock, a Pentium II's caches, NX"),
    Preset(description: .pentiumPro, summary: "167 MHz, L1 8K 4-way and 8K 2-way, L2 256K"),
    Preset(description: .pentium2, summary: "300 MHz, L1 16K 4-way twice, L2 512K at half the clock"),
    Preset(description: .pentium3, summary: "500 MHz, L1 16K 4-way twice, L2 512K at half the clock"),
    Preset(
      description: .pentium4,
      summary: "1.5 GHz, L1 16K 4-way twice, L2 256K 8-way: a Pentium 4's instructions"),
    Preset(description: .ideal, summary: "as p6, and no cycle is lost to memory, page walks or branches"),
  ]

  /// The preset of that name.
  public static func preset(named name: String) -> MachineDescription? {
    presets.first { $0.description.name == name }?.description
  }

  /// The processors that `--cpu` chooses among: names of presets, the oldest first.
  public static let processors = ["pentium-pro", "pentium2", "pentium3", "pentium4"]

  /// The oldest processor that has all of `features`; nil where none has, or nothing is asked for.
  public static func processor(with features: CPUFeatures) -> String? {
    guard !features.isEmpty else { return nil }
    return processors.first { preset(named: $0)?.identity.extensions.isSuperset(of: features) == true }
  }

  /// This machine with another processor's identity and instructions; clock and memory hierarchy stay.
  /// - Parameter name: among ``processors``, or another preset's.
  /// - Returns: nil where there is no such preset.
  public func withProcessor(_ name: String) -> MachineDescription? {
    guard let preset = Self.preset(named: name) else { return nil }
    var machine = self
    machine.identity = preset.identity
    return machine
  }

  /// The machine without any description.
  public static let p6 = MachineDescription(
    name: "p6", frequency: Clock.defaultFrequency, memoryBytes: nil, physicalAddressBits: 36, identity: .p6,
    tlb: .p6, caches: .p6, latencies: Latencies(), branches: .dynamic)

  /// What all processors from the Pentium Pro on have, and the p6 goes without.
  private static let p6Family: CPUFeatures = [
    .machineCheckException, .memoryTypeRanges, .machineCheckArchitecture,
  ]

  /// The Pentium Pro of 166 MHz with 256 KiB of L2, which runs at the core's clock.
  public static let pentiumPro = {
    var machine = p6
    machine.name = "pentium-pro"
    machine.identity = CPUIdentity(
      name: "Pentium Pro", family: 6, model: 1, stepping: 9, hasNoExecute: false,
      extensions: p6Family)
    machine.caches = CacheGeometries(
      instruction: CacheGeometry(bytes: 8 << 10, ways: 4), data: CacheGeometry(bytes: 8 << 10, ways: 2),
      l2: CacheGeometry(bytes: 256 << 10, ways: 4))
    return machine
  }()

  /// The Pentium II of 300 MHz: 4.5 times a bus of 66 MHz.
  public static let pentium2 = {
    var machine = p6
    machine.name = "pentium2"
    machine.frequency = 300_000_000
    machine.identity = CPUIdentity(
      name: "Pentium II", family: 6, model: 3, stepping: 4, hasNoExecute: false,
      extensions: p6Family.union([.virtual8086Extensions, .fastSystemCalls, .mmx]))
    machine.latencies = halfSpeedL2(dram: 59)
    return machine
  }()

  /// The Pentium III of 500 MHz: 5 times a bus of 100 MHz.
  public static let pentium3 = {
    var machine = p6
    machine.name = "pentium3"
    machine.frequency = 500_000_000
    machine.identity = CPUIdentity(
      name: "Pentium III", family: 6, model: 7, stepping: 3, hasNoExecute: false,
      extensions: p6Family.union([
        .virtual8086Extensions, .fastSystemCalls, .pageAttributeTable, .mmx, .fxsave, .sse,
      ]))
    machine.latencies = halfSpeedL2(dram: 66)
    return machine
  }()

  /// A Pentium 4 of 1.5 GHz, model 1, as software sees it: identity, instructions, clock and the size of L2. The rest is the P6's,
  /// with lines of 32 bytes; neither the trace cache nor the long pipeline is modelled. DRAM's latency is chosen: that
  /// of the Pentium III in nanoseconds.
  public static let pentium4 = {
    var machine = p6
    machine.name = "pentium4"
    machine.frequency = 1_500_000_000
    machine.identity = CPUIdentity(
      name: "Intel(R) Pentium(R) 4 CPU 1500MHz", family: 15, model: 1, stepping: 2, hasNoExecute: false,
      extensions: p6Family.union([
        .virtual8086Extensions, .fastSystemCalls, .pageAttributeTable, .mmx, .fxsave, .sse, .cacheLineFlush,
        .sse2,
      ]))
    machine.caches.l2 = CacheGeometry(bytes: 256 << 10, ways: 8)
    machine.latencies.l2 = 7
    machine.latencies.dram = 198
    machine.latencies.uncached = 198
    return machine
  }()

  /// L2 beside the core, at half its clock: what L2 costs beyond L1 takes twice as many cycles as on the Pentium Pro. Chosen:
  /// no measurement was found.
  private static func halfSpeedL2(dram: UInt64) -> Latencies {
    var latencies = Latencies()
    latencies.l2 = 9
    latencies.dram = dram
    latencies.uncached = dram
    return latencies
  }

  /// The p6 in a world where memory does not matter: every access is an L1 hit, page walks and page-directory-pointer
  /// loads take no time, branches go as predicted. The TLB is there, with the same hits and misses. What an instruction
  /// costs by itself stays, and so do ports and interrupts.
  public static let ideal = {
    var machine = p6
    machine.name = "ideal"
    machine.identity.name = "Pagewalk ideal"
    machine.caches.isPerfect = true
    machine.latencies.l2 = machine.latencies.l1
    machine.latencies.dram = machine.latencies.l1
    machine.latencies.uncached = 0
    machine.latencies.walkOverhead = 0
    machine.latencies.walkReference = 0
    machine.latencies.flatWalkReference = 0
    machine.latencies.mispredict = 0
    machine.latencies.takenBranch = 0
    machine.latencies.lock = 0
    return machine
  }()
}
