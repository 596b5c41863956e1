/// The wire from a device to an interrupt input. Not connected, it does nothing.
///
/// Several devices may have wires to one input: it is high while any of them drives it (wired-OR), so a device says only
/// what it does itself.
public struct InterruptLine {
  private let drive: ((_ level: Bool) -> Void)?
  /// The interrupt controllers' input at its end, 0 to 15; nil for one that doesn't end there.
  public let input: Int?

  /// A line whose level goes to `drive`, which is told every level and not only changes.
  public init(input: Int? = nil, _ drive: @escaping (_ level: Bool) -> Void) {
    self.drive = drive
    self.input = input
  }

  private init() {
    drive = nil
    input = nil
  }

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
