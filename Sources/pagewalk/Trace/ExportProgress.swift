import Glibc

/// How far an export has come, on a terminal's standard error: one line that is written over, and gone at the end.
struct ExportProgress {
  private let isShown: Bool
  private var next = ContinuousClock.now + .milliseconds(500)
  private var hasShown = false

  /// - Parameter isShown: not where the export itself goes to the terminal.
  init(isShown: Bool) { self.isShown = (isShown || isatty(STDOUT_FILENO) == 0) && isatty(STDERR_FILENO) == 1 }

  /// - Parameter fraction: from 0 to 1.
  mutating func show(_ fraction: Double) {
    guard isShown, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .milliseconds(200)
    hasShown = true
    StandardError.write("\r\(Int(fraction * 100)) % exported")
  }

  /// Takes the line away.
  mutating func end() {
    guard hasShown else { return }
    hasShown = false
    StandardError.write("\r                \r")
  }
}
