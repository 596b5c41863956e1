import Glibc
import Traces

/// A file or standard output, written in large pieces.
struct ExportTarget: ~Copyable {
  private let path: String?
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  /// Whether what is written still arrives.
  private(set) var isListening = true

  private static let bufferSize = 1 << 18

  /// - Parameter path: nil for standard output.
  /// - Throws: `TraceError` if the file can't be made.
  init(_ path: String?) throws {
    self.path = path
    guard let path else {
      descriptor = STDOUT_FILENO
      return
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw TraceError(file: path, .unusableFile, "can't be written (\(String(cString: strerror(errno))))")
    }
    self.descriptor = descriptor
  }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    buffer += bytes
    if buffer.count >= Self.bufferSize { flush() }
  }

  /// What is left after a mistake in the middle is out, too.
  deinit { if isListening { FileOutput.write(buffer[...], to: descriptor) } }

  private mutating func flush() {
    if isListening { isListening = FileOutput.write(buffer[...], to: descriptor) }
    buffer.removeAll(keepingCapacity: true)
  }

  /// - Throws: `TraceError` if a file could not be written to its end.
  mutating func finish() throws {
    flush()
    let why = errno
    guard let path else { return }
    guard close(descriptor) == 0, isListening else {
      throw TraceError(
        file: path, .unusableFile, "can't be written to its end (\(String(cString: strerror(why))))")
    }
  }
}
