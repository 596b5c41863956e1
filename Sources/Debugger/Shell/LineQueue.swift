/// Lines of commands that are executed before the next one is asked for: of a sourced file, a defined command, a stop's
/// commands. The batch that came last goes first.
struct LineQueue {
  struct Line {
    var text: String
    /// Such as "walk.pw:3"; nil for lines that the person gave.
    var place: String?
  }

  private var batches: [[Line]] = []
  /// Batches that wait for each other at most: a command that calls itself for ever ends here.
  static let maxDepth = 64

  var depth: Int { batches.count }

  /// Puts lines in front of all others.
  /// - Throws: `ShellError` when too many wait for each other.
  mutating func push(_ lines: [Line]) throws(ShellError) {
    guard !lines.isEmpty else { return }
    guard batches.count < Self.maxDepth else {
      batches = []
      throw ShellError("commands call commands more than \(Self.maxDepth) deep: all of them end")
    }
    batches.append(lines.reversed())
  }

  /// The next line of the last batch.
  mutating func next() -> Line? {
    guard let last = batches.indices.last else { return nil }
    let line = batches[last].popLast()
    if batches[last].isEmpty { batches.removeLast() }
    return line
  }

  /// Forgets the batches above `depth`.
  mutating func cut(to depth: Int) { batches.removeLast(max(0, batches.count - depth)) }
}

extension DebuggerSession {
  /// The next line for whoever asks in the middle of a command; nil at the end of all input.
  func takeLine(_ prompt: String) -> String? {
    if queue.depth > 0 { return queue.next()?.text }
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
