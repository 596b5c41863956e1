import Glibc
import HostFiles

/// A regular file that is read piece by piece.
package final class InputFile {
  let path: String
  package let length: UInt64
  private let descriptor: Int32

  /// - Throws: `TraceError` if it can't be read.
  package init(_ path: String) throws(TraceError) {
    self.path = path
    // Not blocking: a pipe without a writer is not waited for.
    descriptor = open(HostName.cString(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw TraceError(file: path, .unusableFile, "can't be read (\(String(cString: strerror(errno))))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw TraceError(file: path, .unusableFile, "is not a regular file", expected: "a trace")
    }
    length = UInt64(status.st_size)
  }

  deinit { close(descriptor) }

  /// Up to `count` bytes from `offset` on; fewer at the end, and where the host can't read.
  package func read(at offset: UInt64, count: Int) -> [UInt8] {
    guard offset < length, count > 0 else { return [] }
    let wanted = Int(min(UInt64(count), length - offset))
    return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      filled = read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  /// Fills `buffer` from `offset` on, as far as the file goes. Returns how many bytes that were.
  func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress, offset < length else { return 0 }
    let wanted = Int(min(UInt64(buffer.count), length - offset))
    var filled = 0
    while filled < wanted {
      let count = pread(descriptor, base + filled, wanted - filled, off_t(offset) + off_t(filled))
      if count > 0 { filled += count } else if count == 0 || errno != EINTR { break }
    }
    return filled
  }
}
