/// The person's side of a run: sees what the guest prints, and can stop it.
public protocol GuestConsole: AnyObject {
  /// The guest begins to run; it stands still again.
  func begin()
  func end()
  /// What the guest has sent over the serial port.
  func show(_ bytes: [UInt8])
  /// Bytes for the guest that are there already, at most `limit`.
  func receive(atMost limit: Int) -> [UInt8]
  /// Waits a little for input or an interruption. False when no input can come any more.
  func wait() -> Bool
  /// Lines of the debugger's own, while the guest runs.
  func say(_ lines: [String])
  /// Whether somebody asked the guest to stop since the command was given.
  var isInterrupted: Bool { get }
  /// A long way through the past: told now and then, `nil` at the end.
  func progress(_ fraction: Double?)
}

/// A console that keeps what is printed, for tests and programs.
public final class KeepingConsole: GuestConsole {
  /// What the guest sent.
  public private(set) var output: [UInt8] = []
  /// What the debugger said while it ran.
  public private(set) var lines: [String] = []

  public init() {}

  public func begin() {}
  public func end() {}
  public func show(_ bytes: [UInt8]) { output += bytes }
  public func receive(atMost limit: Int) -> [UInt8] { [] }
  public func wait() -> Bool { false }
  public func say(_ lines: [String]) { self.lines += lines }
  public var isInterrupted: Bool { false }
  public func progress(_ fraction: Double?) {}
}
