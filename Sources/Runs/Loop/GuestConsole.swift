/// The person's side of a run: sees what the guest prints, types, and can stop it.
public protocol GuestConsole: AnyObject {
  /// The guest begins to run.
  func begin()
  /// The guest stands still again.
  func end()
  /// What the guest has sent over the serial port.
  func show(_ bytes: [UInt8])
  /// What the guest has written to port E9h, in whole lines where possible.
  func showDebugOutput(_ bytes: [UInt8])
  /// Bytes for the guest that are there already, at most `limit`.
  func receive(atMost limit: Int) -> [UInt8]
  /// The guest has nothing to do: waits for input or an interruption. False when no input can come any more.
  func wait() -> Bool
  /// Lines about the guest, while it runs: the first a headline, the others its details.
  func say(_ lines: [String])
  /// Whether the guest was asked to stop since it began to run.
  var isInterrupted: Bool { get }
  /// A long way through the past: the share of it that is done, told now and then; nil at the end.
  func progress(_ fraction: Double?)
}

/// A console that keeps what is printed, for tests and programs. Nothing is typed at it.
public final class KeepingConsole: GuestConsole {
  /// What the guest sent over the serial port.
  public private(set) var output: [UInt8] = []
  /// What it wrote to port E9h.
  public private(set) var debugOutput: [UInt8] = []
  /// What was said about it while it ran.
  public private(set) var lines: [String] = []

  /// A console that has shown nothing yet.
  public init() {}

  public func begin() {}
  public func end() {}
  public func show(_ bytes: [UInt8]) { output += bytes }
  public func showDebugOutput(_ bytes: [UInt8]) { debugOutput += bytes }
  public func receive(atMost limit: Int) -> [UInt8] { [] }
  public func wait() -> Bool { false }
  public func say(_ lines: [String]) { self.lines += lines }
  public var isInterrupted: Bool { false }
  public func progress(_ fraction: Double?) {}
}

/// A console at which a text is typed as fast as the guest takes it, and then nothing more.
public final class TypedConsole: GuestConsole {
  private var input: ArraySlice<UInt8>
  private let output: (any GuestConsole)?
  private let interruption: () -> Bool

  /// - Parameters:
  ///   - input: what is typed.
  ///   - output: who sees what the guest prints; nil for nobody.
  ///   - isInterrupted: whether the run is to stop.
  public init(
    typing input: [UInt8], output: (any GuestConsole)?, isInterrupted: @escaping () -> Bool = { false }
  ) {
    self.input = input[...]
    self.output = output
    interruption = isInterrupted
  }

  public func begin() {}
  public func end() { output?.end() }
  public func show(_ bytes: [UInt8]) { output?.show(bytes) }
  public func showDebugOutput(_ bytes: [UInt8]) { output?.showDebugOutput(bytes) }
  public func receive(atMost limit: Int) -> [UInt8] {
    defer { input = input.dropFirst(limit) }
    return Array(input.prefix(limit))
  }
  public func wait() -> Bool { !input.isEmpty }
  public func say(_ lines: [String]) { output?.say(lines) }
  public var isInterrupted: Bool { interruption() }
  public func progress(_ fraction: Double?) {}
}
