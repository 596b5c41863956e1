import Glibc
import HostFiles
import Reports

/// A stream of bytes to standard output or a file. Every write of the program goes through one of these, and is checked
/// here: what fails is kept until `finish` throws it, and nothing is written from then on.
final class Output {
  /// Standard output. `Main` finishes it, whatever the command was.
  nonisolated(unsafe) static let standard = Output(descriptor: STDOUT_FILENO, name: "standard output")

  private let name: String
  private let descriptor: Int32
  /// Takes its place when `finish` says that it is complete; nil for standard output.
  private let file: ReplacementFile?
  private var buffer: [UInt8] = []
  /// The error number of the first write that failed.
  private var failure: Int32?
  /// `finish` has thrown it: a command that finishes standard output itself says it once.
  private var isTold = false

  private static let bufferSize = 1 << 16

  private init(descriptor: Int32, name: String, file: ReplacementFile? = nil) {
    self.descriptor = descriptor
    self.name = name
    self.file = file
  }

  /// A file that is at `path`, in the place of what was there, when it is finished.
  ///
  /// - Throws: `OutputError` if it can't be made.
  convenience init(creating path: String) throws(OutputError) {
    do throws(FileFailure) {
      self.init(descriptor: -1, name: path, file: try ReplacementFile(path))
    } catch {
      throw OutputError(error)
    }
  }

  /// A file, or standard output for nil.
  ///
  /// - Throws: `OutputError` if the file can't be made.
  static func to(_ path: String?) throws(OutputError) -> Output {
    guard let path else { return standard }
    return try Output(creating: path)
  }

  /// Whether what is written still arrives.
  var isListening: Bool { failure == nil }

  func write(_ text: String) { write(text.utf8) }

  /// Writes `lines`, each with a line end.
  func write(lines: [String]) {
    for line in lines {
      write(line.utf8)
      write(CollectionOfOne(UInt8(ascii: "\n")))
    }
  }

  func write(_ bytes: some Sequence<UInt8>) {
    guard isListening else { return }
    buffer += bytes
    if buffer.count >= Self.bufferSize { flush() }
  }

  /// Makes everything written so far visible.
  func flush() {
    guard isListening, !buffer.isEmpty else { return }
    if let file {
      file.write(buffer)
      failure = file.failure?.code
    } else {
      failure = DescriptorWriter.write(buffer, to: descriptor)
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes what is left. Nothing may follow.
  ///
  /// - Throws: `OutputError` if not everything could be written. A reader that has seen enough and has closed its end
  ///   of a pipe is not an error.
  func finish() throws(OutputError) {
    flush()
    if let file {
      do throws(FileFailure) {
        try file.finish()
      } catch {
        throw OutputError(error)
      }
      return
    }
    if let failure, failure != EPIPE, !isTold {
      isTold = true
      throw OutputError(name: name, "can't be written to its end", failure)
    }
  }
}

/// A file or stream that could not be written: which, and why.
struct OutputError: Error, CustomStringConvertible {
  let description: String

  init(_ failure: FileFailure) { description = failure.description }

  init(name: String, _ problem: String, _ code: Int32) {
    description = "\(name): \(problem) (\(String(cString: strerror(code))))"
  }
}

/// Standard error, unbuffered. What can't be written there is lost, since there is nowhere left to say so.
enum StandardError {
  static let descriptor = STDERR_FILENO

  static func write(_ text: String) { write(Array(text.utf8)) }

  static func write(_ bytes: [UInt8]) { _ = DescriptorWriter.write(bytes, to: descriptor) }

  /// Says `lines`: those that begin at the margin as the program's own, the indented ones as their details.
  static func report(_ lines: [String]) {
    write(lines.map { ($0.hasPrefix(" ") ? "" : "pagewalk: ") + PlainText.of($0) + "\n" }.joined())
  }
}

/// The system call.
private enum DescriptorWriter {
  /// Writes all of `bytes`, waiting where the other side is slow.
  /// - Returns: nil, or the error number.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if count < 0, errno == EAGAIN {
          var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&request, 1, -1)
        } else if count == 0 || errno != EINTR {
          return count == 0 ? EIO : errno
        }
      }
      return nil
    }
  }
}

/// Descriptors 0, 1 and 2 as the program finds them.
enum StandardDescriptors {
  /// Opens /dev/null for those that are closed, so that no file that is opened later becomes one of them. Input is at
  /// its end then, and writing to an output fails as it would have.
  static func fill() {
    // A limit on the size of files is an error to report, and not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest free number, which is this one. For reading alone: a write to it is an error to report.
      _ = open("/dev/null", O_RDONLY)
    }
  }
}
