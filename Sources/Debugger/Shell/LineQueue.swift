/// Lines of commands that are executed before the next one is asked for: of a sourced file, a defined command, a stop's
/// commands. The batch that came last goes first.
struct LineQueue {
  struct Line {
    var text: String
    /// Such as "walk.pw:3"; nil for lines that the person gave.
    var place: String?
  }

  private struct Batch {
    /// The lines that are left, the next one last.
    var lines: [Line]
    /// It is over with its last line's beginning, so that the commands of a stop may end with `continue` as often as they like.
    /// Others last until that line has been executed, so that one that calls itself for ever gets too deep.
    var endsEarly: Bool
  }

  private var batches: [Batch] = []
  /// Batches that wait for each other at most: a command that calls itself for ever ends here.
  static let maxDepth = 64

  var depth: Int { batches.count }

  /// Puts lines in front of all others.
  /// - Throws: `ShellError` when too many wait for each other.
  mutating func push(_ lines: [Line], endsEarly: Bool = false) throws(ShellError) {
    guard !lines.isEmpty else { return }
    guard batches.count < Self.maxDepth else {
      batches = []
      throw ShellError("commands call commands more than \(Self.maxDepth) deep: all of them end")
    }
    batches.append(Batch(lines: lines.reversed(), endsEarly: endsEarly))
  }

  /// The next line of the batches above `depth`; nil when there is none.
  mutating func next(above depth: Int = 0) -> Line? {
    while batches.count > depth, let last = batches.last {
      guard let line = last.lines.last else {
        batches.removeLast()
        continue
      }
      batches[batches.count - 1].lines.removeLast()
      if last.endsEarly, last.lines.count == 1 { batches.removeLast() }
      return line
    }
    return nil
  }

  /// Forgets the batches above `depth`.
  mutating func cut(to depth: Int) { batches.removeLast(max(0, batches.count - depth)) }
}

extension DebuggerSession {
  /// The next line, for a command that reads on; nil at the end of all input.
  func takeLine(_ prompt: String) -> String? {
    if let line = queue.next() { return line.text }
    return nextLine(prompt)
  }

  /// The lines up to `end`, for `commands` and `define`.
  /// - Throws: `ShellError` when they don't end, or there are too many.
  func takeBody() throws(ShellError) -> [String] {
    var lines: [String] = []
    while let line = takeLine("> ") {
      let text = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.joined(separator: " ")
      if text == "end" { return lines }
      guard lines.count < Self.maxBodyLines else {
        throw ShellError("more than \(Self.maxBodyLines) lines before 'end'")
      }
      if !text.isEmpty, !text.hasPrefix("#") { lines.append(text) }
    }
    throw ShellError("the lines end without 'end'")
  }

  private static let maxBodyLines = 1000
}
