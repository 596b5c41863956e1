import Glibc
import HostFiles

/// Paths of the host's files, as text.
public enum HostPaths {
  /// Everything before the last component; "." where there is nothing.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Whether a regular file is there, perhaps behind symbolic links.
  public static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(HostName.cString(path), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether a folder is there, perhaps behind symbolic links.
  public static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(HostName.cString(path), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The folder that relative paths begin at; "/" where it is gone.
  public static var workingDirectory: String {
    guard let buffer = getcwd(nil, 0) else { return "/" }
    defer { free(buffer) }
    return HostName.string(cString: buffer)
  }

  /// `path` without symbolic links, from the root.
  public static func absolute(_ path: String) -> String {
    guard let buffer = realpath(HostName.cString(path), nil) else { return path }
    defer { free(buffer) }
    return HostName.string(cString: buffer)
  }

  /// An absolute path as seen from the working directory, if it lies below.
  public static func shortened(_ path: String) -> String {
    let here = workingDirectory + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }
}
