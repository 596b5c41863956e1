import CEdit
import Debugger
import Glibc

/// Lines from a terminal, with editing, history and completion: libedit.
enum LineEditor {
  /// What the word before the cursor can become. Set before the first line is read, and read on the same thread.
  nonisolated(unsafe) private static var completion: Completion?

  static func prepare(_ completion: Completion) {
    self.completion = completion
    edit_prepare { text, start, _ in
      edit_completion_is_over()
      guard let text else { return nil }
      return LineEditor.matches(String(cString: text), start: Int(start))
    }
  }

  /// The next line; nil at the end of the input.
  static func read(prompt: String) -> String? {
    guard let line = readline(prompt) else { return nil }
    defer { free(line) }
    if line.pointee != 0 { add_history(line) }
    return String(cString: line)
  }

  /// libedit's form: what all matches begin with, the matches, nil. It frees everything.
  private static func matches(_ word: String, start: Int) -> UnsafeMutablePointer<
    UnsafeMutablePointer<CChar>?
  >? {
    guard let completion, let line = edit_line() else { return nil }
    let before = String(decoding: Array(String(cString: line).utf8.prefix(start)), as: UTF8.self)
    let found = completion.candidates(for: word, after: before)
    guard let first = found.first else { return nil }
    let common = found.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    let all = [common] + found
    let size = (all.count + 1) * MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
    guard let memory = malloc(size) else { return nil }
    let list = memory.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: all.count + 1)
    for (index, text) in all.enumerated() { list[index] = strdup(text) }
    list[all.count] = nil
    return list
  }
}

extension String {
  fileprivate func commonPrefix(with other: String) -> String {
    String(zip(self, other).prefix { $0 == $1 }.map(\.0))
  }
}
