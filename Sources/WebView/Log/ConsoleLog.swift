import Emulator

/// What the guest printed, with the cycle of each byte.
struct ConsoleLog {
  private(set) var bytes: [UInt8] = []
  private(set) var cycles: [UInt64] = []
  private var ports: [ConsoleEvent.Port] = []
  /// Bytes that came over the serial line.
  private(set) var serialCount = 0
  /// Bytes beyond this many are left out.
  private static let maxBytes = 4 << 20

  mutating func append(_ byte: UInt8, _ port: ConsoleEvent.Port, at cycle: UInt64) {
    if port == .serial { serialCount += 1 }
    guard bytes.count < Self.maxBytes else { return }
    bytes.append(byte)
    cycles.append(cycle)
    ports.append(port)
  }

  mutating func truncate(at cycle: UInt64) {
    let kept = count(before: cycle)
    let dropped = bytes.count - kept
    serialCount -= ports.suffix(dropped).count { $0 == .serial }
    bytes.removeLast(dropped)
    cycles.removeLast(dropped)
    ports.removeLast(dropped)
  }

  /// How many bytes were sent before `cycle`.
  func count(before cycle: UInt64) -> Int {
    var (low, high) = (0, cycles.count)
    while low < high {
      let middle = (low + high) / 2
      if cycles[middle] < cycle { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The lines, each with the cycle of its first byte.
  var lines: [(cycle: UInt64, text: String)] {
    var lines: [(UInt64, String)] = []
    var start = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") || index == bytes.count - 1 {
      lines.append((cycles[start], Self.text(bytes[start...index])))
      start = index + 1
    }
    return lines
  }

  /// Bytes as text: without escape sequences' effects and carriage returns.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.filter { $0 != 13 }, as: UTF8.self)
  }
}
