import Glibc
import Synchronization

/// A file that is written from its beginning on and takes its place when it is complete: a reader of the path sees what was
/// there before or the whole new file, never a part.
///
/// The bytes go to a temporary file of a unique name in the same folder, which is brought to the disk and renamed; through a
/// symbolic link, onto what the link leads to. Two writers of one path don't meet: the one that finishes last wins. The temporary
/// file goes when writing fails, when the object goes unfinished, and when SIGHUP, SIGINT or SIGTERM ends the process. What is no
/// regular file, such as a pipe or /dev/stdout, is written directly.
public final class ReplacementFile {
  /// What is done while the file grows.
  public enum Mode: Sendable {
    /// Nothing is at the path until the file is complete.
    case whenComplete
    /// A file that is not there yet is written in its place, so that a part of it is left when the process is killed. One that
    /// is there is replaced as ever.
    case growingIfNew
  }

  /// The path, as it was given.
  public let path: String
  /// How many bytes have been written.
  public private(set) var length: UInt64 = 0
  /// Why writing failed; nothing is written from then on.
  public private(set) var failure: FileFailure?
  /// Whether the bytes go into a file beside the path that takes its place at the end.
  public var isBeside: Bool { temporary != nil }

  private let target: String
  private var temporary: String?
  private var descriptor: Int32

  private static let serial = Atomic<Int>(0)
  /// How many temporary names are tried. All being taken means that something else is wrong.
  private static let maxAttempts = 100

  /// - Throws: `FileFailure` if the file can't be made.
  public init(_ path: String, mode: Mode = .whenComplete) throws(FileFailure) {
    self.path = path
    target = FilePath.target(of: path)
    // A limit on the size of files is an error to report, and not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    var status = stat()
    let isThere = stat(HostName.cString(target), &status) == 0
    if isThere, status.st_mode & S_IFMT != S_IFREG {
      descriptor = open(HostName.cString(target), O_WRONLY | O_CLOEXEC)
      if descriptor < 0 { throw FileFailure(path, "can't be written", code: errno) }
      return
    }
    let (folder, name) = FilePath.split(target)
    AbandonedTemporaries.remove(of: name, in: folder)
    if !isThere, mode == .growingIfNew {
      descriptor = open(HostName.cString(target), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return }
      guard errno == EEXIST else { throw FileFailure(path, "can't be written", code: errno) }
    }
    if isThere, access(HostName.cString(target), W_OK) != 0 {
      throw FileFailure(path, "can't be written", code: errno)
    }
    (descriptor, temporary) = try Self.makeTemporary(beside: target, for: path)
    if isThere { _ = fchmod(descriptor, status.st_mode & 0o7777) }
  }

  deinit { abandon() }

  private static func makeTemporary(
    beside target: String, for path: String
  ) throws(FileFailure) -> (Int32, String) {
    let (folder, name) = FilePath.split(target)
    let start = AbandonedTemporaries.start(of: name)
    for _ in 0..<maxAttempts {
      let number = serial.wrappingAdd(1, ordering: .relaxed).newValue
      let temporary = "\(folder)/\(start)\(getpid())-\(number)"
      let descriptor = open(HostName.cString(temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        TemporaryFiles.add(temporary)
        return (descriptor, temporary)
      }
      guard errno == EEXIST else { break }
    }
    throw FileFailure(path, "can't be written", code: errno)
  }

  // MARK: Writing

  /// Writes all parts or, if the disk is full, none: what was there stays whole. `failure` says whether it worked.
  public func write(_ parts: [UInt8]...) {
    guard failure == nil, descriptor >= 0 else { return }
    let start = length
    for part in parts {
      guard part.withUnsafeBytes({ writeAll($0) }) else {
        failure = FileFailure(path, "can't be written to its end", code: errno)
        _ = ftruncate(descriptor, off_t(start))
        length = start
        return
      }
    }
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count > 0 {
        done += count
      } else if count < 0, errno == EAGAIN {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, -1)
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    length += UInt64(done)
    return true
  }

  // MARK: The end

  /// Brings everything to the disk and puts the file in its place.
  ///
  /// - Throws: `FileFailure` if anything was or is not written. What was at the path before is still there then.
  public func finish() throws(FileFailure) {
    try closeWhole()
    guard let temporary else { return }
    guard rename(HostName.cString(temporary), HostName.cString(target)) == 0 else {
      let failure = FileFailure(path, "can't be replaced", code: errno)
      abandon()
      throw failure
    }
    settled(temporary)
  }

  /// Brings everything to the disk, and puts the file beside the path, which stays as it was: under the path with `suffix`, and a
  /// number if that is taken.
  ///
  /// - Returns: where the file is.
  /// - Throws: `FileFailure` if anything was or is not written.
  public func finishBeside(suffix: String) throws(FileFailure) -> String {
    try closeWhole()
    guard let temporary else { return path }
    for number in 1...Self.maxAttempts {
      let ending = number == 1 ? suffix : "\(suffix)-\(number)"
      guard link(HostName.cString(temporary), HostName.cString(target + ending)) != 0 else {
        unlink(HostName.cString(temporary))
        settled(temporary)
        return (target == path ? path : target) + ending
      }
      guard errno == EEXIST else { break }
    }
    let failure = FileFailure(path + suffix, "can't be written", code: errno)
    abandon()
    throw failure
  }

  /// Leaves the path as it was. A file that grew in its place stays as far as it was written.
  public func abandon() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    guard let temporary else { return }
    unlink(HostName.cString(temporary))
    settled(temporary)
  }

  private func closeWhole() throws(FileFailure) {
    if failure == nil, fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      failure = FileFailure(path, "can't be written to its end", code: errno)
    }
    if descriptor >= 0, close(descriptor) != 0, failure == nil {
      failure = FileFailure(path, "can't be written to its end", code: errno)
    }
    descriptor = -1
    if let failure {
      abandon()
      throw failure
    }
  }

  private func settled(_ temporary: String) {
    TemporaryFiles.forget(temporary)
    self.temporary = nil
    // The folder holds the name: without this, a crash of the host may bring the old one back.
    let folder = open(HostName.cString(FilePath.split(target).folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}

extension ReplacementFile {
  /// Replaces the file at `path` by `bytes`.
  ///
  /// - Throws: `FileFailure` if they can't be written; what was there before is still there then.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileFailure) {
    let file = try ReplacementFile(path)
    file.write(bytes)
    try file.finish()
  }
}
