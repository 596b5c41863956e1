import Emulator
import Reports

/// Stops a run where a snapshot is to be taken: at a cycle, or when the guest has printed a text.
public final class SavePoint: RunCompanion {
  /// Where that is.
  public enum Place: Hashable, Sendable {
    /// The first instruction boundary at or after this cycle.
    case cycle(UInt64)
    /// Where the last byte of this text has come over the serial port or port E9h.
    case printed([UInt8])
  }

  /// The machine's state there; nil as long as the run has not come so far.
  public private(set) var archive: [UInt8]?
  /// When it wants to look next.
  public private(set) var nextCycle: UInt64

  private let machine: Machine
  private let text: [UInt8]
  /// How much of the text the last bytes printed were.
  private var matched: [UInt8] = []
  private var wasPrinted = false
  private var observer: ObserverID?

  /// Waits for `place` in the run of `guest`.
  public init(_ guest: GuestMachine, at place: Place) {
    machine = guest.machine
    switch place {
    case .cycle(let cycle):
      nextCycle = cycle
      text = []
    case .printed(let text):
      nextCycle = .max
      self.text = text
      observer = machine.observe([.console]) { [unowned self] event, _ in
        if case .console(let console) = event { self.printed(console.byte) }
      }
    }
  }

  private func printed(_ byte: UInt8) {
    guard !wasPrinted else { return }
    matched.append(byte)
    if matched.count > text.count { matched.removeFirst(matched.count - text.count) }
    guard matched == text else { return }
    wasPrinted = true
    machine.requestStop()
  }

  public func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    guard archive == nil, wasPrinted || cycle >= nextCycle else { return nil }
    // A guest that has ended is not to be saved.
    guard reason == .cycleLimit || reason == .waiting else { return nil }
    archive = try? machine.archive()
    guard archive == nil else { return .observed }
    // In the middle of a repeated string instruction.
    nextCycle = cycle &+ 1
    return nil
  }

  public func finish() {
    if let observer { machine.stopObserving(observer) }
    observer = nil
  }
}
