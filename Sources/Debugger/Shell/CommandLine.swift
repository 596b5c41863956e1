import Reports

/// A line of text as a command: what any front-end gives to the session.
extension DebuggerSession {
  /// Words of a line.
  static func words(_ line: String) -> [String] {
    line.split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }.map(String.init)
  }

  /// Executes one command and gives its answer, in both forms.
  ///
  /// - Parameter line: a command with its arguments. `--json` in it says that the JSON form will be used.
  /// - Returns: the answer, and whether JSON was asked for. What a command leaves to be done (a sourced file, commands of a
  ///   stop) is not done yet: see `Shell`.
  /// - Throws: `ShellError` with one line that says why not.
  public func answer(to line: String) throws(ShellError) -> (answer: Answer, isJSON: Bool) {
    var words = Self.words(line)
    var isJSON = false
    if let index = words.firstIndex(of: "--json") {
      words.remove(at: index)
      isJSON = true
    }
    guard let first = words.first else {
      throw ShellError("--json alone is no command: put it behind one that shows something")
    }
    if let body = defined[first] {
      try call(first, body, Array(words.dropFirst()))
      return (.nothing, isJSON)
    }
    // A format belongs to the first word: "x/4xw".
    var format: String?
    if let slash = first.firstIndex(of: "/") {
      format = String(first[first.index(after: slash)...])
      words[0] = String(first[..<slash])
    }
    let (command, length) = try commands.find(words)
    if let format, !command.takesFormat {
      throw ShellError("'\(command.name)' takes no format such as '/\(format)': expected \(command.usage)")
    }
    let arguments = Arguments(
      format: format, words: Array(words.dropFirst(length)), usage: command.usage, isJSON: isJSON)
    return (try command.action(self, arguments), isJSON)
  }

  /// Puts the lines of a defined command in front, with `$arg0`, `$arg1`, ... and `$argc` filled in.
  private func call(_ name: String, _ body: [String], _ words: [String]) throws(ShellError) {
    var lines: [LineQueue.Line] = []
    for (index, text) in body.enumerated() {
      var text = text.replacing("$argc", with: String(words.count))
      for (number, word) in words.enumerated().reversed() {
        text = text.replacing("$arg\(number)", with: word)
      }
      guard !text.contains("$arg") else {
        throw ShellError(
          "'\(name)' wants more than \(words.count) arguments: its line \(index + 1) is '\(text)'")
      }
      lines.append(.init(text: text, place: "\(name):\(index + 1)"))
    }
    try queue.push(lines)
  }
}
