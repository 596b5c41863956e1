import Emulator
import IA32
import Reports

/// What stands behind the slash of QEMU's `xp`.
struct QEMUFormat: Hashable {
  var count = 1
  /// o, x, u, d or c.
  var style: Character = "x"
  var unit = 4
  private static let maxUnits = 1 << 16

  init() {}

  /// nil where a letter means nothing, or the count is too large.
  init?(_ text: String) {
    let digits = text.prefix { $0.isNumber }
    if !digits.isEmpty {
      guard let count = Int(digits), (1...Self.maxUnits).contains(count) else { return nil }
      self.count = count
    }
    for letter in text.dropFirst(digits.count) {
      switch letter {
      case "o", "x", "u", "d", "c": style = letter
      case "b": unit = 1
      case "h": unit = 2
      case "w": unit = 4
      case "g": unit = 8
      default: return nil
      }
    }
    if style == "c" { unit = 1 }
  }

  /// A unit as QEMU prints it.
  func text(_ value: UInt64) -> String {
    let bits = unit * 8
    switch style {
    case "o": return pad("0" + String(value, radix: 8), (bits + 2) / 3)
    case "u": return pad(String(value), (bits * 10 + 32) / 33)
    case "d":
      let shift = UInt64(64 - bits)
      return pad(String(Int64(bitPattern: value << shift) >> Int64(shift)), (bits * 10 + 32) / 33)
    case "c": return Self.character(UInt8(truncatingIfNeeded: value))
    default: return "0x" + hexadecimal(value, digits: unit * 2)
    }
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func character(_ byte: UInt8) -> String {
    switch byte {
    case 0x0a: "'\\n'"
    case 0x0d: "'\\r'"
    case UInt8(ascii: "'"): "'\\''"
    case UInt8(ascii: "\\"): "'\\\\'"
    case 0x20...0x7e: "'\(Character(UnicodeScalar(byte)))'"
    default: "'\\x\(hexadecimal(UInt64(byte), digits: 2))'"
    }
  }
}

/// Physical memory as QEMU's `xp` shows it.
struct QEMUDump {
  private let machine: Machine
  private let format: QEMUFormat

  init(_ machine: Machine, _ format: QEMUFormat) {
    self.machine = machine
    self.format = format
  }

  /// The units from `address` on; a line that says so where one can't be read.
  func lines(at address: UInt64) -> [String] {
    let perLine = (format.unit == 1 ? 8 : 16) / format.unit
    var lines: [String] = []
    for start in stride(from: 0, to: format.count, by: perLine) {
      var line = hexadecimal(address &+ UInt64(start * format.unit), digits: 16) + ":"
      for index in start..<min(format.count, start + perLine) {
        let place = PhysicalAddress(address &+ UInt64(index * format.unit))
        guard let bytes = machine.peek(place, count: format.unit) else {
          return lines + [line + " Cannot access memory"]
        }
        line += " " + format.text(MemoryView.value(bytes[...]))
      }
      lines.append(line)
    }
    return lines
  }
}
