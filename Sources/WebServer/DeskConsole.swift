import Glibc
import Runs
import WebView

/// The guest's console while a page is served beside the person's: between two slices of the guest the page is answered.
public final class DeskConsole: GuestConsole {
  private let base: any GuestConsole
  /// Whether somebody can type at the guest.
  private let canType: Bool
  private var pending: [UInt8] = []
  /// Who answers the page; nil before the session begins.
  public weak var desk: PageDesk?
  /// How long the guest's sleep lasts at most between two looks at the keyboard, in milliseconds.
  private static let nap: Int32 = 50

  /// - Parameters:
  ///   - base: where the guest prints, and who types.
  ///   - canType: whether input may come from there.
  public init(_ base: any GuestConsole, canType: Bool) {
    self.base = base
    self.canType = canType
  }

  /// The page moves the guest: the terminal stays the shell's.
  private var isRemote: Bool { desk?.isMoving ?? false }

  public func begin() {
    if !isRemote {
      desk?.board.forgetStop()
      base.begin()
    }
    desk?.isRunning = true
  }

  public func end() {
    if !isRemote { base.end() }
    desk?.isRunning = false
  }

  public func show(_ bytes: [UInt8]) { base.show(bytes) }
  public func showDebugOutput(_ bytes: [UInt8]) { base.showDebugOutput(bytes) }
  public func say(_ lines: [String]) { base.say(lines) }
  public func progress(_ fraction: Double?) { base.progress(fraction) }

  public func receive(atMost limit: Int) -> [UInt8] {
    desk?.serve()
    if isRemote { return [] }
    guard !pending.isEmpty else { return base.receive(atMost: limit) }
    let bytes = Array(pending.prefix(limit))
    pending.removeFirst(bytes.count)
    return bytes
  }

  public func wait() -> Bool {
    guard canType, !isRemote else { return false }
    while !isInterrupted, pending.isEmpty {
      pending = base.receive(atMost: 64)
      guard pending.isEmpty, let desk else { break }
      var request = pollfd(fd: desk.board.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&request, 1, Self.nap)
      desk.serve()
    }
    return true
  }

  public var isInterrupted: Bool { base.isInterrupted || (desk?.board.isStopRequested ?? false) }
}
