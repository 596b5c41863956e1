import Glibc

/// Shows long output on a terminal a screen at a time.
struct Pager {
  private let print: ([String]) -> Void

  /// - Parameter print: prints lines.
  init(print: @escaping ([String]) -> Void) { self.print = print }

  /// Prints `lines`; where they don't fit on the screen, with a stop after each screen: Return shows a line, `q` and Ctrl-C end
  /// it, any other key shows the next screen. Where no person reads, all at once.
  func show(_ lines: [String]) {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, let size = Self.screen() else {
      return print(lines)
    }
    var room = size.rows - 1
    for line in lines {
      let needed = max(1, (line.count + size.columns - 1) / size.columns)
      if needed > room {
        switch Self.ask() {
        case .end: return
        case .line: room = needed
        case .screen: room = size.rows - 1
        }
      }
      print([line])
      room -= needed
    }
  }

  private enum Wish { case line, screen, end }

  private static func screen() -> (rows: Int, columns: Int)? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 2, size.ws_col > 0 else {
      return nil
    }
    return (Int(size.ws_row), Int(size.ws_col))
  }

  private static func ask() -> Wish {
    let prompt = "-- more: space, Return, q --"
    StandardError.write(prompt)
    defer { StandardError.write("\r" + String(repeating: " ", count: prompt.count) + "\r") }
    var before = termios()
    guard tcgetattr(STDIN_FILENO, &before) == 0 else { return .end }
    var keys = before
    // Each key at once and unseen, Ctrl-C too.
    keys.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    tcsetattr(STDIN_FILENO, TCSANOW, &keys)
    defer { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
    var byte: UInt8 = 0
    guard read(STDIN_FILENO, &byte, 1) == 1 else { return .end }
    switch byte {
    case UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4, 0x1b: return .end
    case UInt8(ascii: "\r"), UInt8(ascii: "\n"): return .line
    default: return .screen
    }
  }
}
