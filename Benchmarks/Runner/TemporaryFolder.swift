import Foundation

/// A folder for one run's files.
struct TemporaryFolder {
  let path: String

  init() throws(BenchError) {
    path = FileManager.default.temporaryDirectory.path + "/pagewalk-bench-\(UUID().uuidString)"
    try makeFolder("")
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  func makeFolder(_ name: String) throws(BenchError) {
    try attempt("make \(path)/\(name)") {
      try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: false)
    }
  }

  /// Writes `text` to the file `name` and returns its path.
  func write(_ name: String, _ text: String) throws(BenchError) -> String {
    try attempt("write \(path)/\(name)") {
      try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }
    return "\(path)/\(name)"
  }

  func copy(_ file: String, to name: String) throws(BenchError) {
    try attempt("copy \(file)") {
      try FileManager.default.copyItem(atPath: file, toPath: "\(path)/\(name)")
    }
  }

  private func attempt(_ what: String, _ action: () throws -> Void) throws(BenchError) {
    do {
      try action()
    } catch {
      throw .system(what, reason: error.localizedDescription)
    }
  }
}
