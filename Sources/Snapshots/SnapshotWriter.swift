import Emulator
import HostFiles
import Traces

/// Writes a snapshot's file. It takes its place when it is whole and on the disk.
public struct SnapshotWriter {
  private let file: ReplacementFile
  private let compressor = Compressor()
  private var last: UInt64

  /// Writes the machine as it stands.
  ///
  /// - Parameters:
  ///   - header: but for cycle and instructions, which the machine has.
  ///   - rom: the machine's boot ROM.
  ///   - archive: what `Machine.archive` gave here.
  /// - Returns: the file's length in bytes.
  /// - Throws: `SnapshotError` if it can't be written; what was at the path before is still there then.
  public static func write(
    _ machine: Machine, _ header: SnapshotHeader, rom: [UInt8], archive: [UInt8], to path: String
  ) throws(SnapshotError) -> UInt64 {
    var header = header
    header.cycle = machine.cycle
    header.instructions = machine.counters.instructions
    do throws(FileFailure) {
      var writer = try SnapshotWriter(path)
      writer.put(.header, Array(header.lines.map { $0 + "\n" }.joined().utf8))
      writer.put(.rom, rom)
      writer.put(.state, archive)
      let pages = writer.putPages(of: machine.memory)
      var end: [UInt8] = []
      end.append(little: pages)
      writer.put(.end, end)
      let length = writer.file.length
      try writer.file.finish()
      return length
    } catch {
      throw SnapshotError(file: path, .unusableFile, error.problem)
    }
  }

  private init(_ path: String) throws(FileFailure) {
    file = try ReplacementFile(path)
    let preamble = SnapshotLayout.preamble
    last = Checksum.of(preamble)
    file.write(preamble)
  }

  /// In as many blocks as it takes, one at least.
  private mutating func put(_ kind: SnapshotLayout.Kind, _ bytes: [UInt8]) {
    bytes.withUnsafeBytes { all in
      var start = 0
      repeat {
        let end = min(all.count, start + SnapshotLayout.maxBlock)
        putBlock(kind, UnsafeRawBufferPointer(rebasing: all[start..<end]))
        start = end
      } while start < all.count
    }
  }

  private mutating func putBlock(_ kind: SnapshotLayout.Kind, _ bytes: UnsafeRawBufferPointer) {
    let stored = compressor.compress(bytes)
    var header: [UInt8] = []
    header.append(little: kind.rawValue)
    header.append(little: UInt32(bytes.count))
    header.append(little: UInt32(stored.count))
    header.append(little: UInt32(0))
    last = stored.withUnsafeBytes { SnapshotLayout.checksum(after: last, header: header, stored: $0) }
    header.append(little: last)
    file.write(header, stored)
  }

  /// - Returns: how many they were.
  private mutating func putPages(of memory: PhysicalMemory) -> UInt64 {
    var frames: [UInt8] = []
    var contents: [UInt8] = []
    contents.reserveCapacity(SnapshotLayout.pagesInBlock * SnapshotLayout.pageBytes)
    var count: UInt64 = 0
    memory.forEachNonzeroPage { frame, page in
      frames.append(little: frame)
      contents.append(contentsOf: page)
      count += 1
      guard contents.count == SnapshotLayout.pagesInBlock * SnapshotLayout.pageBytes else { return }
      put(.pages, frames + contents)
      frames.removeAll(keepingCapacity: true)
      contents.removeAll(keepingCapacity: true)
    }
    if !frames.isEmpty { put(.pages, frames + contents) }
    return count
  }
}
