import Emulator
import Glibc
import GuestImages
import HostFiles
import Traces

/// A raw image of a disk in a file of the host, sectors of 512 bytes one behind the other. What a guest writes stays in the machine;
/// a file that was opened for it takes it when the run has ended.
public final class DiskFile: Sendable {
  /// The file's name, as the caller gave it.
  public let file: String
  /// What the machine reads.
  public let source: DiskSource
  /// Whether the guest's writes go to the file at the end.
  public let isWritable: Bool
  private let descriptor: Int32

  /// Opens the file of `FILE[:rw]`.
  ///
  /// - Throws: `GuestImageError` for a file that is no disk image or can't be opened.
  public convenience init(_ argument: String) throws(GuestImageError) {
    let isWritable = argument.hasSuffix(":rw")
    try self.init(reading: isWritable ? String(argument.dropLast(3)) : argument, isWritable: isWritable)
  }

  /// Opens the file at `file`, to be written too where the guest's writes are to go there.
  ///
  /// - Throws: `GuestImageError` for a file that is no disk image or can't be opened.
  public init(reading file: String, isWritable: Bool = false) throws(GuestImageError) {
    func refusal(_ reason: GuestImageError.Reason, _ problem: String, _ expected: String) -> GuestImageError {
      GuestImageError(file: file, reason, problem, expected: expected)
    }
    // Opening a pipe for reading alone would wait for its writer.
    let descriptor = open(HostName.cString(file), (isWritable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let why = String(cString: strerror(errno))
      throw refusal(
        .unreadable, "can't be opened (\(why))", isWritable ? "a file that can be written" : "a readable file"
      )
    }
    var isTaken = false
    defer { if !isTaken { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw refusal(.notAFile, "is no regular file", "a raw disk image")
    }
    var magic = [UInt8](repeating: 0, count: 4)
    if pread(descriptor, &magic, 4, 0) == 4, magic == [0x51, 0x46, 0x49, 0xFB] {
      throw refusal(
        .malformed, "is a qcow image", "a raw one (qemu-img convert -O raw \(file) disk.img)")
    }
    let size = UInt64(DiskSource.sectorSize)
    let bytes = UInt64(max(0, status.st_size))
    guard bytes >= size, bytes % size == 0 else {
      throw refusal(
        .malformed, "is \(bytes) bytes long", "a raw disk image of whole sectors of \(size) bytes")
    }
    isTaken = true
    self.file = file
    self.isWritable = isWritable
    self.descriptor = descriptor
    source = DiskSource(sectorCount: bytes / size) { sector in
      var buffer = [UInt8](repeating: 0, count: DiskSource.sectorSize)
      return pread(descriptor, &buffer, buffer.count, off_t(sector * size)) == buffer.count ? buffer : nil
    }
  }

  deinit { close(descriptor) }

  /// A checksum of the file's contents, by which a trace or a snapshot knows its disk again.
  ///
  /// - Throws: `GuestImageError` if the host can't read it to its end.
  public func checksum() throws(GuestImageError) -> UInt64 {
    var sum = Checksum()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset = 0
    let end = Int(source.sectorCount) * DiskSource.sectorSize
    while offset < end {
      let wanted = min(buffer.count, end - offset)
      let count = pread(descriptor, &buffer, wanted, off_t(offset))
      guard count == wanted else {
        throw GuestImageError(
          file: file, .unreadable, "can't be read at byte \(offset)", expected: "a disk image of \(end) bytes"
        )
      }
      buffer.withUnsafeBytes { sum.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      offset += count
    }
    return sum.value
  }

  /// Writes what the guest wrote, and waits until it is on the disk.
  ///
  /// - Throws: `GuestImageError` if the host can't.
  public func write(_ sectors: [(sector: UInt64, bytes: [UInt8])]) throws(GuestImageError) {
    guard isWritable, !sectors.isEmpty else { return }
    for (sector, bytes) in sectors {
      guard
        pwrite(descriptor, bytes, bytes.count, off_t(sector * UInt64(DiskSource.sectorSize))) == bytes.count
      else { throw unwritable() }
    }
    guard fsync(descriptor) == 0 else { throw unwritable() }
  }

  private func unwritable() -> GuestImageError {
    let why = String(cString: strerror(errno))
    return GuestImageError(
      file: file, .unreadable, "what the guest wrote can't be written (\(why))",
      expected: "room on the host's disk")
  }
}
