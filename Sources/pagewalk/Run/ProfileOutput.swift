import Glibc
import Reports

/// The files that a profile goes to: PREFIX.txt, PREFIX.folded and PREFIX.walks.folded. They are made before the run, so
/// that a wrong path costs nothing.
final class ProfileOutput {
  /// A file that can't be made.
  struct Failure: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String {
      "can't write the profile to '\(path)': \(reason); expected a path in a folder that exists and can be written to"
    }
  }

  private let text: Int32
  private let cycles: Int32
  private let walkCycles: Int32

  /// - Throws: `Failure` for the first file that can't be made.
  init(prefix: String) throws(Failure) {
    text = try Self.create(prefix + ".txt")
    cycles = try Self.create(prefix + ".folded")
    walkCycles = try Self.create(prefix + ".walks.folded")
  }

  deinit {
    for descriptor in [text, cycles, walkCycles] { close(descriptor) }
  }

  /// Writes all forms of the profile; false if one of them didn't arrive.
  func write(_ report: ProfileReport) -> Bool {
    let parts = [
      (report.text(), text), (report.folded(.cycles), cycles), (report.folded(.walkCycles), walkCycles),
    ]
    return parts.reduce(true) { FileOutput.write(Array($1.0.utf8)[...], to: $1.1) && $0 }
  }

  private static func create(_ path: String) throws(Failure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
    return descriptor
  }
}
