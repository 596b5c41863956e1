/// An interrupt controller as the CPU sees it: INTR and the acknowledge cycle.
protocol InterruptController: AnyObject {
  /// The level of INTR.
  var interruptRequested: Bool { get }
  /// The interrupt-acknowledge cycle: the vector to take. Only while INTR is high.
  func acknowledge() -> UInt8
}
