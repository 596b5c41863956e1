import CEdit
import Debugger
import Glibc

/// Lines from a terminal, with editing, history and completion: libedit.
enum LineEditor {
  /// What the word before the cursor can become. Set before the first line is read, and read on the same thread.
  nonisolated(unsafe) private static var completion: Completion?
  /// The history of all sessions. Set and used as `completion` is.
  nonisolated(unsafe) private static var history: CommandHistory?
  /// The line that is being read has been dropped by Ctrl-C: what libedit returns is not to be executed.
  nonisolated(unsafe) private static var isDropped = false
  /// Something else to wait for beside the keyboard: a descriptor, and what is done when it can be read. Set and used as
  /// `completion` is.
  nonisolated(unsafe) static var other: (descriptor: Int32, serve: () -> Void)?
  /// A key that is still to be handed to libedit.
  nonisolated(unsafe) private static var nextKey: Int32?

  static func prepare(_ completion: Completion, history: CommandHistory = CommandHistory()) {
    self.completion = completion
    self.history = history
    edit_prepare(
      { text, start, _ in
        edit_completion_is_over()
        guard let text else { return nil }
        return LineEditor.matches(String(cString: text), start: Int(start))
      }, { _ in LineEditor.key() })
    for line in history.load() { add_history(line) }
  }

  /// The next line; nil at the end of the input. Ctrl-C drops what was typed and asks again.
  static func read(prompt: String) -> String? {
    while true {
      isDropped = false
      nextKey = nil
      Interruption.forgetPrompt()
      guard let line = readline(prompt) else { return nil }
      defer { free(line) }
      if isDropped { continue }
      if line.pointee != 0 {
        add_history(line)
        history?.add(String(cString: line))
      }
      return String(cString: line)
    }
  }

  // MARK: Keys

  private static let killLine: Int32 = 0x15

  /// The next character for libedit; -1 at the end of the input. Ctrl-C becomes the key that clears the line, and Return.
  private static func key() -> Int32 {
    if let key = nextKey {
      nextKey = nil
      return key
    }
    while true {
      if Interruption.takePrompt() {
        isDropped = true
        StandardError.write("^C")
        nextKey = Int32(UInt8(ascii: "\n"))
        return killLine
      }
      // A signal ends the wait; one that comes just before it is seen soon.
      guard waitForKey(200) else { continue }
      guard let first = byte() else { return -1 }
      return character(from: first)
    }
  }

  /// Whether standard input can be read within this many milliseconds. What comes in beside it is served.
  static func waitForKey(_ milliseconds: Int32) -> Bool {
    var requests = [pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)]
    if let other { requests.append(pollfd(fd: other.descriptor, events: Int16(POLLIN), revents: 0)) }
    guard poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return false }
    if requests.count > 1, requests[1].revents != 0 { other?.serve() }
    return requests[0].revents != 0
  }

  private static func byte() -> UInt8? {
    var byte: UInt8 = 0
    while true {
      let count = Glibc.read(STDIN_FILENO, &byte, 1)
      if count == 1 { return byte }
      guard count < 0, errno == EINTR else { return nil }
    }
  }

  /// A character of UTF-8, as libedit counts in them.
  private static func character(from first: UInt8) -> Int32 {
    let more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0
    var bytes = [first]
    for _ in 0..<more {
      guard let next = byte() else { break }
      bytes.append(next)
    }
    return Int32(String(decoding: bytes, as: UTF8.self).unicodeScalars.first?.value ?? 0xfffd)
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
