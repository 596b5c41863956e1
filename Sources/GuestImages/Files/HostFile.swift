import Glibc
import HostFiles

/// Reading whole files from the host.
public enum HostFile {
  /// The largest file that is read: nothing larger could be placed below 4 GiB next to a kernel.
  public static let maxSize = 3 << 30

  /// The bytes of the regular file at `path`.
  ///
  /// - Parameter first: read no more than these; nil for the whole file.
  /// - Throws: `GuestImageError` with reason `unreadable`, `notAFile` or `absurdSize`.
  public static func read(_ path: String, first: Int? = nil) throws(GuestImageError) -> [UInt8] {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    var status = stat()
    guard stat(HostName.cString(path), &status) == 0 else { throw unreadable(path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw GuestImageError(file: path, .notAFile, "is a directory", expected: "a file")
    default:
      throw GuestImageError(file: path, .notAFile, "is a device, pipe or socket", expected: "a regular file")
    }
    let wanted = min(Int(status.st_size), first ?? .max)
    guard wanted <= maxSize else {
      throw GuestImageError(
        file: path, .absurdSize, "is \(status.st_size) bytes long", expected: "at most \(maxSize) bytes")
    }
    let descriptor = open(HostName.cString(path), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }

    let capacity = wanted
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
      while filled < capacity {
        let count = Glibc.read(descriptor, buffer.baseAddress! + filled, capacity - filled)
        if count > 0 {
          filled += count
        } else if count == 0 {
          break  // The file shrank meanwhile; its format will tell.
        } else if errno != EINTR {
          failed = true
          break
        }
      }
    }
    if failed { throw unreadable(path) }
    return bytes
  }

  private static func unreadable(_ path: String) -> GuestImageError {
    let why = String(cString: strerror(errno))
    return GuestImageError(file: path, .unreadable, "can't be read (\(why))", expected: "a readable file")
  }

  /// The last component of `path`: the name a guest may see, since the rest of a path belongs to the host.
  public static func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
