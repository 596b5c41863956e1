import Runs

/// A console before which a page listens: what the guest prints goes on to the person's.
public final class ListeningConsole: GuestConsole {
  private let base: any GuestConsole
  /// Told of what the guest sends over the serial line.
  public var onShow: ([UInt8]) -> Void = { _ in }

  /// - Parameter base: where the guest prints, and who types.
  public init(_ base: any GuestConsole) { self.base = base }

  public func begin() { base.begin() }
  public func end() { base.end() }
  public func show(_ bytes: [UInt8]) {
    onShow(bytes)
    base.show(bytes)
  }
  public func showDebugOutput(_ bytes: [UInt8]) { base.showDebugOutput(bytes) }
  public func receive(atMost limit: Int) -> [UInt8] { base.receive(atMost: limit) }
  public func wait() -> Bool { base.wait() }
  public func say(_ lines: [String]) { base.say(lines) }
  public var isInterrupted: Bool { base.isInterrupted }
  public func progress(_ fraction: Double?) { base.progress(fraction) }
}
