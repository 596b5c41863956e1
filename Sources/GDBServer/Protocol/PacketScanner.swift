/// Reads a packet's payload from left to right. Each method takes what it names, or leaves the place as it is and gives nil.
struct PacketScanner {
  private var rest: ArraySlice<UInt8>

  init(_ payload: some Collection<UInt8>) { rest = ArraySlice(Array(payload)) }

  /// Whether everything has been taken.
  var isAtEnd: Bool { rest.isEmpty }

  /// What has not been taken, as it stands.
  var remaining: ArraySlice<UInt8> { rest }

  /// Takes `text` if it comes next.
  mutating func take(_ text: String) -> Bool {
    guard rest.starts(with: text.utf8) else { return false }
    rest = rest.dropFirst(text.utf8.count)
    return true
  }

  /// Takes a hexadecimal number of one digit or more; nil also for one that does not fit.
  mutating func hexadecimal<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type) -> Number? {
    var value: Number = 0
    var scanned = rest
    while let byte = scanned.first, let digit = HexText.digit(byte) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 16)
      guard !overflow else { return nil }
      value = product | Number(digit)
      scanned = scanned.dropFirst()
    }
    guard scanned.count < rest.count else { return nil }
    rest = scanned
    return value
  }

  /// Takes the bytes up to `end`, and `end` itself; all that is left where `end` does not come.
  mutating func field(until end: Character) -> [UInt8] {
    let stop = end.asciiValue ?? 0
    let field = rest.prefix { $0 != stop }
    rest = rest.dropFirst(field.count + 1)
    return Array(field)
  }

  /// Takes all that is left, as text.
  mutating func text() -> String {
    defer { rest = [] }
    return String(decoding: rest, as: UTF8.self)
  }
}
