/// Names that the host gives, of files above all, as text: bytes that may be anything but 0, and need not be UTF-8.
///
/// A byte that is not part of UTF-8 becomes a character of its own, U+10FF00 and the byte, so that the text leads to the same
/// file again. Those characters themselves, which mean nothing to anyone, count as such bytes too. What goes to a terminal or
/// into a report shows them as \xNN.
public enum HostName {
  private static let first: UInt32 = 0x10_FF00

  /// The text of a name.
  public static func string(_ name: some Sequence<UInt8>) -> String {
    let bytes = Array(name)
    if let text = String(validating: bytes, as: UTF8.self), !hasForeignBytes(text) { return text }
    var text = String.UnicodeScalarView()
    var index = 0
    while index < bytes.count {
      let length = scalarLength(bytes[index])
      if length > 0, index + length <= bytes.count,
        let scalar = String(validating: bytes[index..<index + length], as: UTF8.self)?.unicodeScalars.first,
        byte(scalar) == nil
      {
        text.append(scalar)
        index += length
      } else {
        text.append(Unicode.Scalar(first + UInt32(bytes[index])).unsafelyUnwrapped)
        index += 1
      }
    }
    return String(text)
  }

  /// The text of a name that ends with a 0.
  public static func string(cString name: UnsafePointer<CChar>) -> String {
    var bytes: [UInt8] = []
    var next = name
    while next.pointee != 0 {
      bytes.append(UInt8(bitPattern: next.pointee))
      next += 1
    }
    return string(bytes)
  }

  /// The bytes of a name.
  public static func bytes(_ text: String) -> [UInt8] {
    guard hasForeignBytes(text) else { return Array(text.utf8) }
    return text.unicodeScalars.flatMap { scalar in byte(scalar).map { [$0] } ?? Array(String(scalar).utf8) }
  }

  /// The name as the host's calls want it, with a 0 at its end.
  public static func cString(_ text: String) -> [CChar] { bytes(text).map { CChar(bitPattern: $0) } + [0] }

  /// The byte that a character stands for, if it stands for one that is not part of UTF-8.
  public static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
    (first + 0x80...first + 0xFF).contains(scalar.value) ? UInt8(truncatingIfNeeded: scalar.value) : nil
  }

  private static func hasForeignBytes(_ text: String) -> Bool {
    text.unicodeScalars.contains { byte($0) != nil }
  }

  /// How many bytes a character takes that begins with `byte`; 0 where none does.
  private static func scalarLength(_ byte: UInt8) -> Int {
    switch byte {
    case 0..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }
}
