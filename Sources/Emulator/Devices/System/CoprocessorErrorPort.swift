/// How a PC tells errors of the floating-point unit while CR0.NE is clear: FERR# raises IRQ 13, and a write to port F0h takes
/// the request back and lets the processor go on (IGNNE#). IBM PC AT Technical Reference, "Math Coprocessor"; SDM vol. 1,
/// appendix D.
public final class CoprocessorErrorPort: BusDevice, Device {
  public let name = "coprocessor error port"

  let interrupt: InterruptLine
  private let ignoreError: () -> Void

  /// - Parameter ignoreError: asserts IGNNE#, which lasts as long as FERR#.
  init(interrupt: InterruptLine, ignoreError: @escaping () -> Void) {
    self.interrupt = interrupt
    self.ignoreError = ignoreError
  }

  /// FERR# has changed.
  func setError(_ isSignaled: Bool) { interrupt.set(isSignaled) }

  /// Puts the port where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0xf0..<0xf1)
  }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0xff }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    interrupt.lower()
    ignoreError()
  }
}
