/// Port E9h: what is written goes to the host's error output. Invented by Bochs, which also reads E9h back so that
/// a guest can find the port (Bochs User Manual, `port_e9_hack`).
public final class DebugConsole: BusDevice, Device {
  public let name = "debug console"

  private let transmit: (UInt8) -> Void

  /// A port whose bytes go to `transmit`.
  public init(transmit: @escaping (UInt8) -> Void) {
    self.transmit = transmit
  }

  /// Puts the port where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0xE9..<0xEA)
  }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0xE9 }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    transmit(UInt8(truncatingIfNeeded: value))
  }
}

/// Ports F4h to F7h: a write ends the run with the value written. QEMU has the same device as `isa-debug-exit`
/// (there the process's exit status is the value doubled plus 1).
public final class DebugExit: BusDevice, Device {
  public let name = "debug exit"
  public let dataWidth = AccessWidth.doubleword

  private let exit: (UInt32) -> Void

  /// A device that calls `exit` with each value written.
  public init(exit: @escaping (UInt32) -> Void) {
    self.exit = exit
  }

  /// Puts the device where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0xF4..<0xF8)
  }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0 }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    exit(UInt32(truncatingIfNeeded: value))
  }
}
