/// What is plugged into a PC beyond what every machine here has.
public struct Peripherals: Sendable {
  /// A keyboard: what a person types comes by it and not over the serial port.
  public var hasKeyboard = false
  /// The disk of the primary IDE channel.
  public var disk: DiskSource?
  /// When the real-time clock's time begins, in seconds since 1970.
  public var epoch = CMOSRTC.defaultEpoch

  /// Nothing.
  public init() {}
}
