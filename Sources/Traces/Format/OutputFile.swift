import Glibc

/// A file that is being written from its beginning on.
final class OutputFile {
  let path: String
  private var descriptor: Int32
  private(set) var length: UInt64 = 0
  /// Why writing failed; nothing is written from then on.
  private(set) var failure: TraceError?

  /// - Throws: `TraceError` if it can't be made.
  init(creating path: String) throws(TraceError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Self.error(path, "can't be written", errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private static func error(_ path: String, _ what: String, _ code: Int32) -> TraceError {
    TraceError(file: path, .unusableFile, "\(what) (\(String(cString: strerror(code))))")
  }

  /// Writes all parts or, if the disk is full, none: what was there stays whole.
  func write(_ parts: [UInt8]...) {
    guard failure == nil else { return }
    let start = length
    for part in parts {
      guard part.withUnsafeBytes({ write($0) }) else {
        failure = Self.error(path, "can't be written to its end", errno)
        _ = ftruncate(descriptor, off_t(start))
        length = start
        return
      }
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count > 0 { done += count } else if count == 0 || errno != EINTR { return false }
    }
    length += UInt64(done)
    return true
  }

  /// Brings everything to the disk and closes.
  ///
  /// - Throws: `TraceError` if anything was or is not written.
  func finish() throws(TraceError) {
    if failure == nil, fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      failure = Self.error(path, "can't be written to its end", errno)
    }
    if close(descriptor) != 0, failure == nil {
      failure = Self.error(path, "can't be written to its end", errno)
    }
    descriptor = -1
    if let failure { throw failure }
  }
}
