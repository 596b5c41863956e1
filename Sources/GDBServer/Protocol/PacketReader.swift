/// Cuts the bytes that a gdb client sends into packets and signals, however they arrive.
///
/// A packet is `$payload#checksum`; `}` escapes the byte behind it. Between packets stand `+` (received), `-` (send it again)
/// and 03h (Ctrl-C). Bytes that belong to nothing are dropped, as the protocol asks. GDB manual, appendix E.1.
struct PacketReader {
  /// One thing that the client said.
  enum Item: Hashable {
    /// A whole packet's payload, with escapes undone.
    case packet([UInt8])
    /// A packet whose checksum is wrong, or which is longer than `maxPayload`.
    case damaged
    /// The client has received the last packet.
    case acknowledged
    /// The client wants the last packet again.
    case wantsRepetition
    /// Ctrl-C: the guest shall stop.
    case interrupt
  }

  /// Payload bytes that a packet may have: what `qSupported` announces as PacketSize.
  static let maxPayload = 0x20000

  private enum State {
    case outside
    case payload
    case escape
    case firstDigit
    case secondDigit(UInt8)
  }

  private var state = State.outside
  private var payload: [UInt8] = []
  private var sum: UInt8 = 0
  private var isTooLong = false
  /// A digit of the checksum was no hexadecimal digit.
  private var isBadChecksum = false

  /// What is complete with these bytes, in their order; the rest is kept for the next call.
  mutating func receive(_ bytes: some Sequence<UInt8>) -> [Item] {
    bytes.compactMap { receive($0) }
  }

  /// Forgets a packet that has only begun: its client has gone.
  mutating func reset() { self = PacketReader() }

  private mutating func receive(_ byte: UInt8) -> Item? {
    switch state {
    case .outside: return receiveOutside(byte)
    case .payload where byte == UInt8(ascii: "#"): state = .firstDigit
    case .payload where byte == UInt8(ascii: "$"):
      // The client gave up in the middle of a packet and begins another.
      begin()
    case .payload:
      sum &+= byte
      if byte == UInt8(ascii: "}") { state = .escape } else { append(byte) }
    case .escape:
      sum &+= byte
      append(byte ^ 0x20)
      state = .payload
    case .firstDigit:
      let digit = HexText.digit(byte)
      isBadChecksum = digit == nil
      state = .secondDigit(digit ?? 0)
    case .secondDigit(let first):
      state = .outside
      guard let second = HexText.digit(byte), !isBadChecksum, !isTooLong, first << 4 | second == sum else {
        return .damaged
      }
      return .packet(payload)
    }
    return nil
  }

  private mutating func receiveOutside(_ byte: UInt8) -> Item? {
    switch byte {
    case UInt8(ascii: "$"):
      begin()
      return nil
    case UInt8(ascii: "+"): return .acknowledged
    case UInt8(ascii: "-"): return .wantsRepetition
    case 0x03: return .interrupt
    default: return nil
    }
  }

  private mutating func begin() {
    state = .payload
    payload.removeAll(keepingCapacity: true)
    sum = 0
    isTooLong = false
    isBadChecksum = false
  }

  private mutating func append(_ byte: UInt8) {
    guard payload.count < Self.maxPayload else {
      isTooLong = true
      return
    }
    payload.append(byte)
  }
}
