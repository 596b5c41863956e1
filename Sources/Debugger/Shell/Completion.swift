import Reports

/// What the word being typed can become.
public struct Completion {
  private let session: DebuggerSession
  /// Names beyond this many are not offered.
  private static let limit = 200

  /// Completion with the commands and symbols of `session`.
  public init(_ session: DebuggerSession) { self.session = session }

  /// The completions of `word`, which stands behind `before` in the line; sorted.
  public func candidates(for word: String, after before: String) -> [String] {
    let words = before.split(separator: " ").map(String.init)
    var found = Set(commandWords(word, after: words))
    if let (command, length) = try? session.commands.find(stripped(words)), length <= words.count {
      switch command.completion {
      case .nothing: break
      case .expression: found.formUnion(names(word))
      case .command: found.formUnion(commandWords(word, after: Array(words.dropFirst(length))))
      case .words(let choices): found.formUnion(choices.filter { $0.hasPrefix(word) })
      }
    }
    return Array(found.sorted().prefix(Self.limit))
  }

  private func stripped(_ words: [String]) -> [String] {
    guard let first = words.first, let slash = first.firstIndex(of: "/") else { return words }
    return [String(first[..<slash])] + words.dropFirst()
  }

  /// The next words of names that begin with `words`.
  private func commandWords(_ word: String, after words: [String]) -> [String] {
    session.commands.commands.flatMap(\.names).compactMap { name in
      let parts = name.split(separator: " ").map(String.init)
      guard parts.count > words.count, Array(parts.prefix(words.count)) == words,
        parts[words.count].hasPrefix(word)
      else { return nil }
      return parts[words.count]
    }
  }

  private func names(_ word: String) -> [String] {
    // Behind an operator only the name itself is completed.
    let start =
      word.lastIndex { !SymbolNames.isNameCharacter($0) }.map { word.index(after: $0) } ?? word.startIndex
    let (kept, name) = (word[..<start], word[start...])
    let all =
      RegisterNames.all.map { "$" + $0 } + SessionVariables.names.map { "$" + $0 } + session.names.simpleNames
    return all.filter { $0.hasPrefix(name) }.map { kept + $0 }
  }
}
