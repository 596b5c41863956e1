import Glibc
import GuestImages

/// The lines that were typed at the debugger's prompt, kept from session to session: one a line, the newest last, in
/// `pagewalk/debug-history` of the XDG state folder.
///
/// Each line is added to the file when it is typed, so that a session that is killed, or another that runs beside it, loses none.
struct CommandHistory {
  private let path: String?
  /// Lines that are read from the file at most.
  private static let maxLines = 1000
  /// A file that has become longer than this, in bytes, is cut to its last lines.
  private static let maxFileBytes = 256 << 10

  /// - Parameter environment: looks up a variable.
  init(environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }) {
    path = Self.folder(environment).map { $0 + "/pagewalk/debug-history" }
  }

  /// `XDG_STATE_HOME`, which counts only if it is absolute; else `.local/state` of the home folder. XDG Base Directory
  /// Specification 0.8.
  private static func folder(_ environment: (String) -> String?) -> String? {
    if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state }
    guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
    return home + "/.local/state"
  }

  /// The lines of earlier sessions, the oldest first; none if there are none or they can't be read.
  func load() -> [String] {
    guard let path, let bytes = try? HostFile.read(path) else { return [] }
    let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(Self.maxLines).map {
      String(decoding: $0, as: UTF8.self)
    }
    // What another session adds in between is lost from the file, not from that session.
    if bytes.count > Self.maxFileBytes { replace(with: lines) }
    return lines
  }

  /// Adds a line. A history that can't be written is no reason to complain: nothing else depends on it.
  func add(_ line: String) {
    guard let path, !line.isEmpty, !line.utf8.contains(where: { $0 < 0x20 }) else { return }
    makeFolders(above: path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // One write, so that lines of two sessions don't mix.
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  private func replace(with lines: [String]) {
    guard let path else { return }
    let temporary = path + ".\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    if count != bytes.count || rename(temporary, path) != 0 { unlink(temporary) }
  }

  private func makeFolders(above path: String) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      mkdir(folder, 0o700)
    }
  }
}
