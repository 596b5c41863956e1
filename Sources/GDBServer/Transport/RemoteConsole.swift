import Glibc
import Runs

/// The guest's console while gdb is attached: the person's, with gdb's Ctrl-C beside the keyboard's.
public final class RemoteConsole: GuestConsole {
  private let base: any GuestConsole
  private let port: ClientPort
  /// Whether somebody can type at the guest.
  private let canType: Bool
  private let forgetInterruption: () -> Void
  private var pending: [UInt8] = []
  /// Whether a client was there, as far as the server knows.
  private var hadClient = false
  /// While steps follow each other the console stays the guest's.
  var isHeld = false {
    didSet {
      guard isHeld != oldValue else { return }
      if isHeld { base.begin() } else { base.end() }
    }
  }

  /// - Parameters:
  ///   - base: where the guest prints, and who types.
  ///   - canType: whether input may come from there.
  ///   - forgetInterruption: called when a Ctrl-C of the keyboard has been heeded.
  public init(
    _ base: any GuestConsole, _ port: ClientPort, canType: Bool,
    forgetInterruption: @escaping () -> Void = {}
  ) {
    self.base = base
    self.port = port
    self.canType = canType
    self.forgetInterruption = forgetInterruption
  }

  /// A client has come or gone, and that is known.
  func noteClient() { hadClient = port.isConnected }

  public func begin() {
    if !isHeld { base.begin() }
  }

  public func end() { if !isHeld { base.end() } }

  public func show(_ bytes: [UInt8]) { base.show(bytes) }
  public func showDebugOutput(_ bytes: [UInt8]) { base.showDebugOutput(bytes) }
  public func say(_ lines: [String]) { base.say(lines) }
  public func progress(_ fraction: Double?) {}

  public func receive(atMost limit: Int) -> [UInt8] {
    guard !pending.isEmpty else { return base.receive(atMost: limit) }
    let bytes = Array(pending.prefix(limit))
    pending.removeFirst(bytes.count)
    return bytes
  }

  public func wait() -> Bool {
    guard canType else { return false }
    while !isInterrupted, pending.isEmpty {
      pending = base.receive(atMost: 64)
      if pending.isEmpty { port.poll(waiting: 50) }
    }
    return true
  }

  /// Whether the keyboard, or gdb, wants the guest to stop, or a client has come or gone.
  public var isInterrupted: Bool {
    if base.isInterrupted { return true }
    port.poll(waiting: 0)
    return port.isInterruptPending || port.isConnected != hadClient
  }

  /// Whether the keyboard's Ctrl-C was pressed.
  var isKeyboardInterrupted: Bool { base.isInterrupted }

  /// The guest stands still, and the client is told so.
  func forgetInterruptions() {
    port.forgetInterrupt()
    // Without a client the keyboard's Ctrl-C is for the server.
    if port.isConnected || !port.canConnect { forgetInterruption() }
  }
}
