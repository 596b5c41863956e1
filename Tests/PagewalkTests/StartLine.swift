/// The line in which `run` says how it starts an image.
enum StartLine {
  /// What was said on standard error without that line: what tests of a run's end look at.
  static func removed(from error: String) -> String {
    guard let end = error.firstIndex(of: "\n"), isOne(error[..<end]) else { return error }
    return String(error[error.index(after: end)...])
  }

  private static func isOne(_ line: some StringProtocol) -> Bool {
    line.hasPrefix("pagewalk: ")
      && (line.contains(": Multiboot, its header at offset ")
        || line.contains(": plain ELF with EAX and EBX 0"))
  }
}
