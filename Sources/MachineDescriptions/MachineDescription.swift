import Emulator

/// A machine as people describe it: everything about the processor and its memory hierarchy that can be chosen, by name.
///
/// It comes from a preset or from a YAML file in the format of docs/machines/example.yaml, and goes back to YAML.
public struct MachineDescription: Hashable, Sendable {
  /// The preset's name, or the file's `name`.
  public var name: String
  /// Cycles a second.
  public var frequency: UInt64
  /// RAM in bytes unless another size is asked for; nil leaves the choice to the caller.
  public var memoryBytes: UInt64?
  /// 36 to 52.
  public var physicalAddressBits: Int
  /// What CPUID says of the processor.
  public var identity: CPUIdentity
  /// The TLB arrays and the PDE cache.
  public var tlb: TLBGeometry
  /// L1I, L1D and L2.
  public var caches: CacheGeometries
  /// Latencies in cycles.
  public var latencies: Latencies
  /// How branches are predicted.
  public var branches: BranchPrediction
  /// What the serial port does with characters that the guest does not leave time for.
  public var serial: SerialTransmission = .exact

  /// What `Machine` is built from.
  /// - Parameter memoryBytes: the size of RAM, whatever the description's own.
  public func configuration(memoryBytes: UInt64, rom: [UInt8], timing: TimingLevel) -> MachineConfiguration {
    MachineConfiguration(
      memoryBytes: memoryBytes, physicalAddressBits: physicalAddressBits, rom: rom,
      identity: identity, tlb: tlb, caches: caches, latencies: latencies, branches: branches, timing: timing,
      frequency: frequency, serial: serial)
  }
}
