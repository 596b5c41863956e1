import Emulator

/// A machine as people describe it: everything about the processor and its memory hierarchy that can be chosen, by name.
///
/// It comes from a preset or from a YAML file in the format of docs/machines/example.yaml, and goes back to YAML.
public struct MachineDescription: Hashable, Sendable {
  public var name: String
  /// Cycles a second.
  public var frequency: UInt64
  /// RAM in bytes where nobody asks for another size; nil leaves the choice to whoever builds the machine.
  public var memoryBytes: UInt64?
  /// 36 to 52.
  public var physicalAddressBits: Int
  public var identity: CPUIdentity
  public var tlb: TLBGeometry
  public var caches: CacheGeometries
  public var latencies: Latencies
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
