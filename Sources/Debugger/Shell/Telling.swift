import Reports

extension DebuggerSession {
  /// Prints lines at once.
  func tell(_ lines: [String]) { emit(lines.map(PlainText.of)) }
}
