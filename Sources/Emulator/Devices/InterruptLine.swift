/// The wire from a device to an interrupt input. Not connected, it does nothing.
public struct InterruptLine {
  private let drive: ((_ level: Bool) -> Void)?

  /// A line whose level goes to `drive`, which is told every level and not only changes.
  public init(_ drive: @escaping (_ level: Bool) -> Void) {
    self.drive = drive
  }

  private init() { drive = nil }

  /// A line that ends nowhere.
  public static var unconnected: InterruptLine { InterruptLine() }

  /// Puts the line to a level.
  public func set(_ level: Bool) { drive?(level) }

  /// Puts the line high.
  public func raise() { drive?(true) }

  /// Puts the line low.
  public func lower() { drive?(false) }

  /// A short low pulse on a line that rests high: an edge for an edge-triggered input, and the line stays high
  /// until the next one, because the 8259A forgets a request whose line falls before it is acknowledged.
  public func pulse() {
    drive?(false)
    drive?(true)
  }
}
