import Glibc

/// Lines of standard input where it is no terminal, with something else to be served while none has come.
final class PipedLines {
  private var bytes: [UInt8] = []
  private var isAtEnd = false

  /// The next line without its end; nil at the end of the input, or after Ctrl-C.
  func next() -> String? {
    while true {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeFirst(end + 1) }
        return String(decoding: bytes[..<end], as: UTF8.self)
      }
      if isAtEnd {
        guard !bytes.isEmpty else { return nil }
        defer { bytes = [] }
        return String(decoding: bytes, as: UTF8.self)
      }
      if Interruption.takePrompt() { return nil }
      guard LineEditor.waitForKey(200) else { continue }
      var part = [UInt8](repeating: 0, count: 4096)
      let count = read(STDIN_FILENO, &part, part.count)
      if count > 0 { bytes += part[..<count] } else if count == 0 || errno != EINTR { isAtEnd = true }
    }
  }
}
