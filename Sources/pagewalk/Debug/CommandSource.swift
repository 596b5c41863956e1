import Debugger
import Glibc

/// Where the shell's lines come from: scripts first, then standard input.
final class CommandSource {
  /// Scripts that have not been read to their end: the lines left, and the number of the next.
  private var scripts: [(file: String, lines: ArraySlice<Substring>)]
  /// Whether a person types.
  let isTerminal: Bool
  /// Called before a prompt: the guest may be in the middle of a line.
  private let beginLine: () -> Void
  /// Where the last line stood, such as "walk.pw:3"; nil for standard input.
  private(set) var place: String?
  private let piped = PipedLines()

  init(scripts: [(file: String, text: String)], session: DebuggerSession, beginLine: @escaping () -> Void) {
    self.scripts = scripts.map {
      ($0.file, $0.text.split(separator: "\n", omittingEmptySubsequences: false)[...])
    }
    self.beginLine = beginLine
    isTerminal = isatty(STDIN_FILENO) == 1
    if isTerminal { LineEditor.prepare(Completion(session)) }
  }

  /// The next line; nil at the end of everything.
  func next(prompt: String) -> String? {
    while let script = scripts.first {
      guard let line = script.lines.first else {
        scripts.removeFirst()
        continue
      }
      place = "\(script.file):\(script.lines.startIndex + 1)"
      scripts[0].lines.removeFirst()
      return String(line)
    }
    place = nil
    guard isTerminal else { return LineEditor.other == nil ? readLine() : piped.next() }
    beginLine()
    return LineEditor.read(prompt: prompt)
  }
}
