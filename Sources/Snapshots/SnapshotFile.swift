import Emulator
import HostFiles
import IA32
import Traces

/// A snapshot's file, open for reading. The header has been read and is whole; the rest is read when a machine is to be made of it.
public final class SnapshotFile {
  /// The path, as it was given.
  public let path: String
  /// What the snapshot says of its machine.
  public private(set) var header: SnapshotHeader
  /// The file's length in bytes.
  public var length: UInt64 { input.length }

  /// What the blocks behind the header hold, but for RAM.
  public struct Contents {
    /// The boot ROM.
    public var rom: [UInt8] = []
    /// The state as `Machine.archive` gave it.
    public var archive: [UInt8] = []
    /// Pages of RAM that are not all zeros.
    public var pages: UInt64 = 0
  }

  private let input: InputFile
  private let decompressor = Decompressor()
  private var position = UInt64(SnapshotLayout.preambleBytes)
  private var last: UInt64

  /// - Throws: `SnapshotError` for a file that is none, of another version or damaged in its first part.
  public init(_ path: String) throws(SnapshotError) {
    self.path = path
    do throws(TraceError) {
      input = try InputFile(path)
    } catch {
      throw SnapshotError(file: path, .unusableFile, error.problem, expected: "a snapshot")
    }
    let preamble = input.read(at: 0, count: SnapshotLayout.preambleBytes)
    guard preamble.starts(with: SnapshotLayout.magic) else {
      throw SnapshotError(
        file: path, .notASnapshot, "is not a snapshot", expected: "a file that 'pagewalk snapshot save' wrote"
      )
    }
    guard preamble.count == SnapshotLayout.preambleBytes else { throw Self.cutOff(path) }
    let version = preamble.little(UInt32.self, at: 8)
    guard version == SnapshotHeader.version else {
      throw SnapshotError(
        file: path, .otherVersion, "is a snapshot of version \(version)",
        expected: "version \(SnapshotHeader.version): one that this program saved")
    }
    last = Checksum.of(preamble)
    header = SnapshotHeader(
      image: .init(path: "", checksum: 0), memoryBytes: 0, timing: .full, machine: "")
    guard case (.header, let text) = try nextBlock() else { throw damaged("has no header") }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    guard let read = SnapshotHeader(lines: lines) else {
      throw damaged("has a header that means nothing")
    }
    header = read
  }

  /// Reads all the rest, checking every byte; each page is given to `page`. Once.
  ///
  /// - Throws: `SnapshotError` for a damaged file, or what `page` throws.
  public func read(
    page: (_ frame: UInt64, _ contents: UnsafeRawBufferPointer) throws(SnapshotError) -> Void
  ) throws(SnapshotError) -> Contents {
    var contents = Contents()
    var lastFrame: UInt64?
    while true {
      let (kind, bytes) = try nextBlock()
      switch kind {
      case .header: throw damaged("has two headers")
      case .rom: contents.rom += bytes
      case .state: contents.archive += bytes
      case .pages: contents.pages += try readPages(bytes, after: &lastFrame, page)
      case .end:
        guard bytes.count == 8, bytes.little(UInt64.self, at: 0) == contents.pages else {
          throw damaged("has other pages than it says")
        }
        guard position == input.length else { throw damaged("goes on behind its end") }
        return contents
      }
      guard contents.rom.count <= SnapshotLayout.maxBlock, contents.archive.count <= SnapshotLayout.maxState
      else { throw damaged("holds more than any machine has") }
    }
  }

  private func readPages(
    _ bytes: [UInt8], after lastFrame: inout UInt64?,
    _ page: (_ frame: UInt64, _ contents: UnsafeRawBufferPointer) throws(SnapshotError) -> Void
  ) throws(SnapshotError) -> UInt64 {
    let size = SnapshotLayout.pageBytes
    let (count, rest) = bytes.count.quotientAndRemainder(dividingBy: size + 8)
    guard rest == 0 else { throw damaged("has a part of a page") }
    for index in 0..<count {
      let frame = bytes.little(UInt64.self, at: index * 8)
      guard lastFrame.map({ $0 < frame }) ?? true, frame < 1 << 40 else {
        throw damaged("has pages in no order")
      }
      lastFrame = frame
      let result = bytes.withUnsafeBytes { all -> Result<Void, SnapshotError> in
        let start = count * 8 + index * size
        do throws(SnapshotError) {
          return .success(try page(frame, UnsafeRawBufferPointer(rebasing: all[start..<start + size])))
        } catch {
          return .failure(error)
        }
      }
      try result.get()
    }
    return UInt64(count)
  }

  /// The next block's kind and contents.
  private func nextBlock() throws(SnapshotError) -> (SnapshotLayout.Kind, [UInt8]) {
    let block = input.read(at: position, count: SnapshotLayout.blockHeaderBytes)
    guard block.count == SnapshotLayout.blockHeaderBytes else { throw Self.cutOff(path) }
    let count = Int(block.little(UInt32.self, at: 4))
    let storedCount = Int(block.little(UInt32.self, at: 8))
    guard let kind = SnapshotLayout.Kind(rawValue: block.little(UInt32.self, at: 0)),
      count <= SnapshotLayout.maxBlock, storedCount <= 2 * SnapshotLayout.maxBlock
    else { throw damaged("has a block that means nothing") }
    let stored = input.read(at: position + UInt64(block.count), count: storedCount)
    guard stored.count == storedCount else { throw Self.cutOff(path) }
    let sum = stored.withUnsafeBytes {
      SnapshotLayout.checksum(after: last, header: Array(block[..<16]), stored: $0)
    }
    guard sum == block.little(UInt64.self, at: 16),
      let bytes = decompressor.decompress(stored[...], count: count)
    else { throw damaged("has a block whose checksum is another") }
    last = sum
    position += UInt64(block.count + storedCount)
    return (kind, bytes)
  }

  /// Damage, and where.
  private func damaged(_ what: String) -> SnapshotError {
    SnapshotError(
      file: path, .damaged, "is damaged: it \(what), at byte \(position)",
      expected: "the file as it was saved")
  }

  private static func cutOff(_ path: String) -> SnapshotError {
    SnapshotError(
      file: path, .damaged, "is damaged: it ends too early", expected: "the file as it was saved")
  }
}
