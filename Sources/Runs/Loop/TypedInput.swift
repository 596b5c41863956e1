import Emulator

/// Types at a guest's serial port at exact cycles, so that a run with input takes the same course every time.
///
/// A piece is sent at the first instruction boundary at or after its cycle; the line paces its bytes. A guest that waits
/// for input before then, with nothing else that could wake it, gets the piece at once: its clock would never get there.
public final class TypedInput: RunCompanion {
  /// Something that is typed.
  public struct Piece: Hashable, Sendable {
    /// The cycle from which on it is sent.
    public var cycle: UInt64
    /// What is sent.
    public var bytes: [UInt8]

    /// What is typed from a cycle on.
    public init(cycle: UInt64, bytes: [UInt8]) {
      self.cycle = cycle
      self.bytes = bytes
    }
  }

  /// When the firmware has set up the serial line: what comes earlier is garbled.
  public static let earliest = RunLoop.slice

  private let machine: any RunnableMachine
  /// What is still to be typed, by cycle; of one cycle in the order given.
  private var pieces: ArraySlice<Piece>

  /// Types `pieces`, in the order of their cycles, at the serial port of `machine`.
  public init(_ machine: any RunnableMachine, _ pieces: [Piece]) {
    self.machine = machine
    let sorted = pieces.enumerated().sorted { ($0.element.cycle, $0.offset) < ($1.element.cycle, $1.offset) }
    self.pieces = sorted.map(\.element)[...]
  }

  public var nextCycle: UInt64 { pieces.first?.cycle ?? .max }

  public func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    let isWaiting = reason == .waiting && !pieces.isEmpty
    if isWaiting, let piece = pieces.popFirst() { machine.receive(piece.bytes) }
    while let piece = pieces.first, piece.cycle <= cycle {
      pieces.removeFirst()
      machine.receive(piece.bytes)
    }
    // The guest has something to do again.
    return isWaiting ? .cycleLimit : nil
  }
}
