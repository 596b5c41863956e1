import Reports

/// What stands behind a command's name.
public struct Arguments: Sendable {
  /// What stands behind a slash at the name: "4xw" in "x/4xw"; nil without one.
  public let format: String?
  /// The rest of the line, cut at spaces.
  public private(set) var words: [String]
  /// The command's usage, for complaints.
  let usage: String
  /// The answer will be printed as JSON.
  let isJSON: Bool

  init(format: String? = nil, words: [String], usage: String, isJSON: Bool = false) {
    self.format = format
    self.words = words
    self.usage = usage
    self.isJSON = isJSON
  }

  /// The rest of the line, with one space between words.
  public var text: String { words.joined(separator: " ") }
  public var isEmpty: Bool { words.isEmpty }

  /// Takes an option out of the words; whether it was there.
  public mutating func takeFlag(_ flag: String) -> Bool {
    guard let index = words.firstIndex(of: flag) else { return false }
    words.remove(at: index)
    return true
  }

  /// Takes the last word if it is one of `choices` and not the only one.
  public mutating func takeLast(of choices: [String]) -> String? {
    words.count > 1 ? takeLastWord(of: choices) : nil
  }

  /// Takes the last word if it is one of `choices`.
  mutating func takeLastWord(of choices: [String]) -> String? {
    guard let last = words.last, choices.contains(last) else { return nil }
    words.removeLast()
    return last
  }

  /// Takes a word and all behind it; what was behind it, nil without the word.
  mutating func takeAll(after word: String) -> String? {
    guard let index = words.firstIndex(of: word) else { return nil }
    defer { words.removeSubrange(index...) }
    return words[(index + 1)...].joined(separator: " ")
  }

  /// - Throws: `ShellError` when words are left that nothing asked for.
  public func expectNothing() throws(ShellError) {
    guard words.isEmpty else {
      throw ShellError("'\(text)' is too much: expected \(usage)")
    }
  }

  /// - Throws: `ShellError` when there are no words.
  public func expectSomething() throws(ShellError) {
    guard !words.isEmpty else { throw ShellError("something is missing: expected \(usage)") }
  }

  /// The decimal count that is the only word; `fallback` where there is none.
  /// - Throws: `ShellError` for anything else than a number from 1 on.
  public func count(default fallback: UInt64) throws(ShellError) -> UInt64 {
    guard let word = words.first else { return fallback }
    guard words.count == 1, let count = UInt64(word), count > 0 else {
      throw ShellError("'\(text)' is not a count: expected \(usage)")
    }
    return count
  }
}
