import Glibc
import Reports

/// Help, broken into lines of the terminal's width, but for examples: those can be copied as they are.
enum HelpText {
  /// Wide enough that the argument parser breaks nothing itself.
  static let unbroken = 100_000
  /// Where the texts of options begin.
  private static let column = 26

  /// Breaks the lines of `text` that are longer than `width`.
  static func wrapped(_ text: String, width: Int = terminalWidth) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { wrap(String($0), max(40, width)) }
      .joined(separator: "\n")
  }

  /// The columns of the terminal; 80 where there is none.
  static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func wrap(_ line: String, _ width: Int) -> [String] {
    let words = line.split(separator: " ")
    guard line.count > width, let first = words.first else { return [line] }
    let indent = line.prefix { $0 == " " }.count
    // A command line to be copied.
    let isExample = indent > 0 && !line.hasPrefix("  -") && (first == "pagewalk" || first == "printf")
    guard !isExample else { return [line] }
    let isOption = line.hasPrefix("  ") && line.count > column && line.prefix(column).hasSuffix("  ")
    let hanging = isOption || indent == column ? column : indent
    let head = isOption ? String(line.prefix(column)) : String(repeating: " ", count: indent)
    let body = isOption ? line.dropFirst(column).split(separator: " ") : words
    var lines: [String] = []
    var current = head
    var isEmpty = true
    for word in body {
      if !isEmpty, current.count + 1 + word.count > width {
        lines.append(current)
        current = String(repeating: " ", count: hanging)
        isEmpty = true
      }
      current += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return lines + [current]
  }
}
