/// Port 80h, where firmware reports how far its power-on self-test has come, and which Linux writes to for a short
/// delay. IBM PC AT Technical Reference, "POST".
public final class POSTPort: BusDevice, Device {
  public let name = "POST port"

  /// How many codes are remembered.
  public static let historyLength = 16

  /// What a snapshot keeps of the port.
  public struct State: Sendable, Equatable, Codable {
    /// The last codes written, the latest last; a code written over and over counts once.
    public internal(set) var history: [UInt8] = []
    /// How many writes there were.
    public internal(set) var writes: UInt64 = 0
  }

  public internal(set) var state = State()

  /// The port before anything was written.
  public init() {}

  /// The code written last; 0 before the first.
  public var lastCode: UInt8 { state.history.last ?? 0 }

  /// Puts the port where it belongs.
  public func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: 0x80..<0x81)
  }

  func reset() { state = State() }

  func accepts(_ state: State) -> Bool { state.history.count <= Self.historyLength }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    UInt64(lastCode)
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    state.writes &+= 1
    let code = UInt8(truncatingIfNeeded: value)
    guard code != lastCode || state.history.isEmpty else { return }
    if state.history.count == Self.historyLength { state.history.removeFirst() }
    state.history.append(code)
  }
}
