import Reports
import Traces
internal import WebPage

/// The page as one HTML file: frame, style, program, and a report's data.
public struct WebPageText: Sendable {
  /// The file's bytes.
  public let bytes: [UInt8]

  /// The page of a live session: it asks the server that it came from, and nobody else.
  public static let live = WebPageText(data: nil)

  /// The page with the data of a finished run, which asks nobody.
  public static func report(_ data: JSONValue) -> WebPageText { WebPageText(data: data) }

  private init(data: JSONValue?) {
    var program: [UInt8] = []
    var part: UInt32 = 0
    while true {
      let bytes = Self.bytes(pagewalk_page_js(part))
      if bytes.isEmpty { break }
      program += bytes
      part += 1
    }
    var text = ""
    Self.replace(
      in: String(decoding: Self.bytes(pagewalk_page_html()), as: UTF8.self), into: &text,
      [
        "@POLICY@": Self.policy(program: program, isLive: data == nil),
        "@STYLE@": String(decoding: Self.bytes(pagewalk_page_css()), as: UTF8.self),
        "@DATA@": Self.escaped(data?.text ?? "null"),
        "@PROGRAM@": String(decoding: program, as: UTF8.self),
      ])
    bytes = Array(text.utf8)
  }

  /// JSON that may stand inside a script element: nothing in it ends the element, whatever a guest calls its symbols.
  static func escaped(_ json: String) -> String {
    json.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing("&", with: "\\u0026")
  }

  /// The program whose digest stands here is all that a browser executes; even a mistake in the page could not run a guest's text.
  public static func policy(program: [UInt8], isLive: Bool) -> String {
    let digest = base64(digits(SHA256.hexadecimal(of: program)))
    return "default-src 'none'; script-src 'sha256-\(digest)'; style-src 'unsafe-inline'; img-src data:; "
      + "connect-src \(isLive ? "'self'" : "'none'"); form-action 'none'; base-uri 'none'"
  }

  /// One pass: what is put in is not looked through for marks.
  private static func replace(in frame: String, into text: inout String, _ parts: [String: String]) {
    var rest = frame[...]
    while let start = rest.firstIndex(of: "@") {
      text += rest[..<start]
      if let (mark, part) = parts.first(where: { rest[start...].hasPrefix($0.key) }) {
        text += part
        rest = rest[rest.index(start, offsetBy: mark.count)...]
      } else {
        text.append("@")
        rest = rest[rest.index(after: start)...]
      }
    }
    text += rest
  }

  private static func bytes(_ file: pagewalk_page_file) -> [UInt8] {
    Array(UnsafeBufferPointer(start: file.bytes, count: Int(file.length)))
  }

  private static func digits(_ text: String) -> [UInt8] {
    let values = text.utf8.map { UInt8($0 < 0x3a ? $0 - 0x30 : $0 - 0x57) }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }

  /// RFC 4648, 4.
  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let value = (0..<3).reduce(UInt32(0)) { $0 << 8 | UInt32($1 < group.count ? group[start + $1] : 0) }
      for index in 0..<4 {
        text.append(index <= group.count ? alphabet[Int(value >> UInt32(18 - 6 * index) & 63)] : "=")
      }
    }
    return text
  }
}
