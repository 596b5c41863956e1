/// Reads a binary trace.
final class TraceReader: BlockSource {
  private let input: InputFile
  private let decompressor = Decompressor()
  let header: TraceHeader
  let map: ImageMap
  let form = TraceForm.binary
  private(set) var ending: TraceEnding?
  var announcedEnding: TraceEnding? { ending }
  private let firstBlock: UInt64
  /// Where the blocks end; nil in a file that was never finished.
  private var blocksEnd: UInt64?
  private var index: [IndexEntry] = []
  private var lines: [UInt32: String] = [:]
  private var position: UInt64
  private var nextEvent: UInt64 = 0

  var file: String { input.path }
  var fractionRead: Double { min(1, Double(position) / Double(max(input.length, 1))) }

  /// - Throws: `TraceError` for a header that is damaged or of another version.
  init(_ input: InputFile) throws(TraceError) {
    self.input = input
    let preamble = try TracePreamble(input)
    header = preamble.header
    map = preamble.map
    firstBlock = preamble.end
    position = preamble.end
    try readFooter()
  }

  private static func damaged(_ input: InputFile, _ what: String) -> TraceError {
    TraceError(file: input.path, .corrupt, "its \(what) is damaged", expected: "a trace as it was recorded")
  }

  // MARK: Footer

  private func readFooter() throws(TraceError) {
    let size = UInt64(TraceLayout.trailerSize)
    guard input.length >= firstBlock + size else { return }
    let trailer = input.read(at: input.length - size, count: TraceLayout.trailerSize)
    guard trailer.count == TraceLayout.trailerSize, Array(trailer[8...]) == TraceLayout.trailerMagic else {
      return
    }
    let offset = trailer.little(UInt64.self, at: 0)
    let headerSize = UInt64(TraceLayout.footerHeaderSize)
    guard offset >= firstBlock, offset <= input.length, input.length - offset >= headerSize + size else {
      throw Self.damaged(input, "end")
    }
    let head = input.read(at: offset, count: TraceLayout.footerHeaderSize)
    guard head.count == TraceLayout.footerHeaderSize,
      head.little(UInt32.self, at: 0) == TraceLayout.footerMagic
    else { throw Self.damaged(input, "end") }
    let (length, packedLength) = (head.little(UInt32.self, at: 4), head.little(UInt64.self, at: 8))
    guard length <= TraceLayout.maxFooterBytes, packedLength <= UInt64(TraceLayout.maxFooterBytes),
      packedLength == input.length - offset - headerSize - size
    else { throw Self.damaged(input, "end") }
    let packed = input.read(at: offset + headerSize, count: Int(packedLength))
    guard Checksum.of(Array(head[..<16]), packed) == head.little(UInt64.self, at: 16),
      let text = decompressor.decompress(packed[...], count: Int(length)), takeFooter(text),
      isOrderly(index, before: offset)
    else { throw Self.damaged(input, "end") }
    blocksEnd = offset
  }

  private func takeFooter(_ text: [UInt8]) -> Bool {
    var single: [String: String] = [:]
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].hasSuffix(":") else { return false }
      switch parts[0] {
      case "block:":
        let numbers = parts[1].split(separator: " ").compactMap { UInt64($0) }
        guard numbers.count == 3 else { return false }
        index.append(IndexEntry(offset: numbers[0], firstEvent: numbers[1], firstCycle: numbers[2]))
      case "place:":
        let words = parts[1].split(separator: " ", maxSplits: 1)
        guard words.count == 2, let linear = UInt32(words[0], radix: 16),
          PrintableText.isPrintable(words[1])
        else { return false }
        lines[linear] = String(words[1])
      default: single[String(parts[0].dropLast())] = String(parts[1])
      }
    }
    ending = TraceEnding(lines: single)
    return ending != nil
  }

  /// Whether the index names blocks of this file, one behind the other.
  private func isOrderly(_ index: [IndexEntry], before end: UInt64) -> Bool {
    guard index.allSatisfy({ $0.offset >= firstBlock && $0.offset < end }),
      index.allSatisfy({ $0.firstEvent < ending?.events ?? 0 })
    else { return false }
    return zip(index, index.dropFirst()).allSatisfy {
      $0.offset < $1.offset && $0.firstEvent < $1.firstEvent
    }
  }

  func line(at linear: UInt32) -> String? { lines[linear] }
  func symbol(at linear: UInt32) -> String? { nil }

  // MARK: Blocks

  func seek(cycle: UInt64) throws(TraceError) {
    position = firstBlock
    nextEvent = 0
    for entry in index where entry.firstCycle <= cycle {
      position = entry.offset
      nextEvent = entry.firstEvent
    }
    // The index may name only some of the blocks. What makes no sense, `nextBlock` says.
    let end = blocksEnd ?? input.length
    while let (head, size) = blockHeader(), head.little(UInt64.self, at: 40) < cycle {
      let (next, overflow) = nextEvent.addingReportingOverflow(UInt64(head.little(UInt32.self, at: 4)))
      guard !overflow, position < end, size <= end - position else { return }
      nextEvent = next
      position += size
    }
  }

  /// The header of the block at `position`, and the whole block's size.
  private func blockHeader() -> (head: [UInt8], size: UInt64)? {
    let head = input.read(at: position, count: TraceLayout.blockHeaderSize)
    guard head.count == TraceLayout.blockHeaderSize, head.little(UInt32.self, at: 0) == TraceLayout.blockMagic
    else { return nil }
    let size = UInt64(head.little(UInt32.self, at: 12)) + UInt64(head.little(UInt32.self, at: 20))
    return (head, UInt64(TraceLayout.blockHeaderSize) + size)
  }

  func nextBlock() throws(TraceError) -> TraceBlock? {
    if let blocksEnd, position >= blocksEnd {
      guard position == blocksEnd, nextEvent == ending?.events else { throw Self.damaged(input, "end") }
      return nil
    }
    if blocksEnd == nil, position == input.length { throw unfinished }
    guard let (head, size) = blockHeader() else {
      // Cut off in a block's header or, behind all blocks, in the footer.
      let isFooter =
        input.read(at: position, count: 4).elementsEqual(
          withUnsafeBytes(of: TraceLayout.footerMagic.littleEndian, Array.init))
      throw blocksEnd == nil
        && (isFooter || input.length - position < UInt64(TraceLayout.blockHeaderSize))
        ? unfinished : damagedBlock
    }
    guard size <= (blocksEnd ?? input.length) - position else {
      throw blocksEnd == nil ? unfinished : damagedBlock
    }
    let sizes = [8, 12, 16, 20].map { head.little(UInt32.self, at: $0) }
    let (events, packedEvents, times, packedTimes) = (sizes[0], sizes[1], sizes[2], sizes[3])
    guard sizes.allSatisfy({ $0 <= TraceLayout.maxBlockBytes }) else { throw damagedBlock }
    let payload = input.read(
      at: position + UInt64(TraceLayout.blockHeaderSize), count: Int(packedEvents + packedTimes))
    guard payload.count == Int(packedEvents + packedTimes), head.little(UInt64.self, at: 24) == nextEvent,
      Checksum.of(
        Array(head[..<48]), Array(payload[..<Int(packedEvents)]), Array(payload[Int(packedEvents)...]))
        == head.little(UInt64.self, at: 48),
      let eventBytes = decompressor.decompress(payload[..<Int(packedEvents)], count: Int(events)),
      let timeBytes = decompressor.decompress(payload[Int(packedEvents)...], count: Int(times))
    else { throw damagedBlock }
    let count = head.little(UInt32.self, at: 4)
    let (next, overflow) = nextEvent.addingReportingOverflow(UInt64(count))
    // No event takes less than a byte in each stream.
    guard count > 0, !overflow, count <= events, count <= times else { throw damagedBlock }
    defer {
      position += size
      nextEvent = next
    }
    return TraceBlock(firstEvent: nextEvent, count: count, events: eventBytes, times: timeBytes)
  }

  private var unfinished: TraceError {
    TraceError(
      file: file, .incomplete, "ends after event \(nextEvent): its recorder was stopped before the end",
      expected: "a trace that was recorded to its end")
  }

  private var damagedBlock: TraceError {
    TraceError(
      file: file, .corrupt, "is damaged after event \(nextEvent), at byte \(position)",
      expected: "a trace as it was recorded")
  }
}
