import Glibc

/// Paths of files that are to be written.
enum FilePath {
  /// Symbolic links that are followed, one leading to the other. Linux follows as many.
  private static let maxLinks = 40

  /// Everything before the last component, and the last component.
  static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, String(path[path.index(after: slash)...]))
  }

  /// Where writing to `path` leads: behind its symbolic links, whether or not something is there.
  static func target(of path: String) -> String {
    var path = path
    for _ in 0..<maxLinks {
      guard let link = readLink(path) else { break }
      path = link.hasPrefix("/") ? link : split(path).folder + "/" + link
    }
    return path
  }

  private static func readLink(_ path: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      let count = readlink(HostName.cString(path), buffer.baseAddress!, buffer.count - 1)
      guard count >= 0 else { return nil }
      buffer[count] = 0
      return HostName.string(cString: buffer.baseAddress!)
    }
  }
}
