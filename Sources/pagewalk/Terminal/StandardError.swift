import Glibc

/// Standard error, unbuffered.
enum StandardError {
  static let descriptor = STDERR_FILENO

  /// Writes all of `text`; what can't be written is lost, since there is nowhere left to say so.
  static func write(_ text: String) {
    FileOutput.write(Array(text.utf8)[...], to: descriptor)
  }
}

/// Writing to file descriptors.
enum FileOutput {
  /// Writes all of `bytes`, waiting where the other side is slow. Returns false if the other side is gone.
  @discardableResult
  static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count < 0, errno == EAGAIN {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, -1)
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    return true
  }
}
