import HostFiles

/// Strings between double quotes in headers: printable ASCII as it is, the rest escaped.
package enum HeaderText {
  package static func quote(_ text: String) -> String { quote(HostName.bytes(text)) }

  package static func quote(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case 0x22: text += "\\\""
      case 0x5c: text += "\\\\"
      case 0x0a: text += "\\n"
      case 0x20...0x7e: text.unicodeScalars.append(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16)
        text += "\\x" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return text + "\""
  }

  /// A number as 16 hexadecimal digits.
  package static func digits(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.utf8.count) + text
  }

  /// nil for what `quote` never writes.
  package static func unquote(_ text: String) -> [UInt8]? {
    let source = Array(text.utf8)
    guard source.count >= 2, source.first == 0x22, source.last == 0x22 else { return nil }
    var bytes: [UInt8] = []
    var index = 1
    while index < source.count - 1 {
      guard source[index] == 0x5c else {
        bytes.append(source[index])
        index += 1
        continue
      }
      guard index + 1 < source.count - 1 else { return nil }
      switch source[index + 1] {
      case 0x22, 0x5c: bytes.append(source[index + 1])
      case 0x6e: bytes.append(0x0a)
      case 0x78:
        guard index + 3 < source.count - 1,
          let value = UInt8(String(decoding: source[index + 2...index + 3], as: UTF8.self), radix: 16)
        else { return nil }
        bytes.append(value)
        index += 2
      default: return nil
      }
      index += 2
    }
    return bytes
  }
}
