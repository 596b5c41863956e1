import Glibc

/// The lines of a file, one after the other, in one buffer.
final class LineReader {
  private let input: InputFile
  private var buffer: UnsafeMutableRawBufferPointer
  /// The bytes that are there and not handed out.
  private var start = 0
  private var end = 0
  /// How many bytes of the file have been read.
  private(set) var offset: UInt64 = 0
  /// Of the line read last, from 1 on.
  private(set) var number = 0

  private static let pieceBytes = 1 << 20
  private static let maxLineBytes = 1 << 20

  init(_ input: InputFile) {
    self.input = input
    buffer = .allocate(byteCount: Self.maxLineBytes + Self.pieceBytes, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// The next line without its end, good until the next call; nil at the end. A last line without an end counts as not there: it
  /// may be cut off.
  ///
  /// - Throws: `TraceError` for a line that is too long to be one of a trace.
  func next() throws(TraceError) -> UnsafeRawBufferPointer? {
    var searched = start
    while true {
      if let base = buffer.baseAddress, let found = memchr(base + searched, 0x0a, end - searched) {
        let line = UnsafeRawBufferPointer(start: base + start, count: base.distance(to: found) - start)
        start += line.count + 1
        number += 1
        return line
      }
      guard end - start <= Self.maxLineBytes else {
        throw TraceError(file: input.path, .corrupt, "line \(number + 1) is too long to be one of a trace")
      }
      let rest = end - start
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
      (start, end, searched) = (0, rest, rest)
      let count = input.read(
        at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[end..<end + Self.pieceBytes]))
      if count == 0 { return nil }
      offset += UInt64(count)
      end += count
    }
  }

  /// The next line as a string.
  func nextString() throws(TraceError) -> String? {
    try next().map { String(decoding: $0, as: UTF8.self) }
  }
}
