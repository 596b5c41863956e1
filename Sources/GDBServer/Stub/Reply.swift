/// What a packet is answered with.
enum Reply: Hashable {
  /// The packet is not known.
  case unsupported
  case ok
  case text(String)
  case bytes([UInt8])
  /// An error by its number on Linux, where gdb knows only numbers.
  case error(UInt8)
  /// An error in a sentence.
  case refusal(String)
  /// No answer at all.
  case silence

  /// A mistake in the packet: EINVAL.
  static let malformed = Reply.error(22)
  /// Memory that can't be reached: EFAULT.
  static let unreachable = Reply.error(14)

  /// The packet's payload; nil for no answer.
  var payload: [UInt8]? {
    switch self {
    case .unsupported: []
    case .ok: Array("OK".utf8)
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    case .error(let number): [UInt8(ascii: "E")] + HexText.encoded([number])
    case .refusal(let sentence): Array("E.\(sentence)".utf8)
    case .silence: nil
    }
  }
}
