import Emulator
import Foundation
import TestSupport
import Testing

@testable import Traces

/// Files that may hold anything: they are read as far as they make sense, and never trap or hang.
@Suite("Hostile traces")
struct HostileTraceTests {
  /// Mutations of one form; the slow sweep makes more.
  static let mutations = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] == nil ? 400 : 10_000

  /// A binary trace with its checksums made right: what is changed inside is what a reader gets to see.
  private static func mended(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    func put(_ value: UInt64, _ offset: Int) {
      for index in 0..<8 where offset + index < bytes.count {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
      }
    }
    guard bytes.count > 48 else { return bytes }
    let sizes = [12, 16, 20].map { Int(bytes.little(UInt32.self, at: $0)) }
    guard sizes[0] + sizes[2] + 32 <= bytes.count else { return bytes }
    put(
      Checksum.of(
        Array(bytes[..<24]), Array(bytes[32..<32 + sizes[0]]),
        Array(bytes[32 + sizes[0]..<32 + sizes[0] + sizes[2]])), 24)
    var at = 32 + sizes[0] + sizes[2]
    while at + 56 <= bytes.count, bytes.little(UInt32.self, at: at) == TraceLayout.blockMagic {
      let first = Int(bytes.little(UInt32.self, at: at + 12))
      let second = Int(bytes.little(UInt32.self, at: at + 20))
      guard at + 56 + first + second <= bytes.count else { break }
      put(
        Checksum.of(
          Array(bytes[at..<at + 48]), Array(bytes[at + 56..<at + 56 + first]),
          Array(bytes[at + 56 + first..<at + 56 + first + second])), at + 48)
      at += 56 + first + second
    }
    if at + 24 <= bytes.count, bytes.little(UInt32.self, at: at) == TraceLayout.footerMagic {
      let size = bytes.little(UInt64.self, at: at + 8)
      if size <= UInt64(bytes.count - at - 24) {
        put(Checksum.of(Array(bytes[at..<at + 16]), Array(bytes[at + 24..<at + 24 + Int(size)])), at + 16)
      }
    }
    return bytes
  }

  /// Reads a file in every way that there is. Returns how many events there were.
  @discardableResult
  private func readAll(_ path: String) -> Int {
    var count = 0
    do throws(TraceError) {
      _ = try TraceFile.header(of: path)
      let source = try TraceFile.open(path)
      for line in TextLayout.header(source.header, source.map) { #expect(!line.contains("\u{1b}")) }
      try? source.checkIsGolden()
      var statistics = TraceStatistics()
      var exports = ExportFormat.allCases.map { $0.make() }
      for index in exports.indices { _ = exports[index].begin(source.header) }
      let cursor = TraceCursor(source)
      while count < 3000, let event = try cursor.next() {
        count += 1
        statistics.add(event, symbol: source.symbol(at: event.moment.linear))
        _ = TextLayout.line(event, isExact: true, place: source.line(at: event.moment.linear))
        if count < 50 {
          for index in exports.indices { _ = exports[index].take(event, number: cursor.number, symbol: nil) }
        }
      }
      _ = statistics.lines(functions: 5)
      for cycle in [0, 1, 12_345, UInt64.max] {
        let source = try TraceFile.open(path)
        try source.seek(cycle: cycle)
        let cursor = TraceCursor(source)
        for _ in 0..<10 { if try cursor.next() == nil { break } }
      }
    } catch {
      let text = "\(error)"
      #expect(!text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }, "\(text)")
    }
    return count
  }

  private func sweep(
    _ form: TraceForm, seed: UInt64, _ change: (inout [UInt8], inout SeededGenerator) -> Void
  ) throws {
    let file = TraceFileTests()
    defer { file.remove() }
    var random = SeededGenerator(seed: seed)
    try file.write(RandomEvents.make(400, &random), form)
    let whole = try [UInt8](Data(contentsOf: URL(filePath: file.path)))
    for _ in 0..<Self.mutations {
      var bytes = whole
      change(&bytes, &random)
      try Data(bytes).write(to: URL(filePath: file.path))
      readAll(file.path)
    }
  }

  private static func scribble(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let extremes: [[UInt8]] = [
      [0], [0xff], [0x1b], [0x0a], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0x80],
      [UInt8](repeating: 0xff, count: 8),
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0, 0, 0, 0, 0x80],
      Array("99999999999999999999".utf8),
      Array("-1".utf8), Array("ffffffffffffffffff".utf8),
    ]
    for _ in 0...Int(random.below(3)) where !bytes.isEmpty {
      let at = Int(random.below(UInt32(bytes.count)))
      switch random.below(5) {
      case 0: bytes[at] ^= 1 << (random.byte() & 7)
      case 1, 2:
        for (index, byte) in extremes[Int(random.below(UInt32(extremes.count)))].enumerated()
        where at + index < bytes.count { bytes[at + index] = byte }
      case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + Int(random.below(40))))
      default:
        let end = min(bytes.count, at + Int(random.below(60)))
        bytes.insert(contentsOf: bytes[at..<end], at: Int(random.below(UInt32(bytes.count))))
      }
    }
    if random.below(6) == 0 { bytes.removeLast(Int(random.below(UInt32(max(bytes.count, 1))))) }
  }

  @Test func damagedBinaryTraces() throws {
    try sweep(.binary, seed: 101) { bytes, random in Self.scribble(&bytes, &random) }
  }

  /// The same behind the checksums.
  @Test func forgedBinaryTraces() throws {
    try sweep(.binary, seed: 102) { bytes, random in
      Self.scribble(&bytes, &random)
      bytes = Self.mended(bytes)
    }
  }

  @Test func damagedTextTraces() throws {
    try sweep(.text, seed: 103) { bytes, random in Self.scribble(&bytes, &random) }
  }

  /// Every number of the fixed parts at its extremes, with right checksums.
  @Test func everyHeaderFieldAtItsExtremes() throws {
    let file = TraceFileTests()
    defer { file.remove() }
    var random = SeededGenerator(seed: 104)
    try file.write(RandomEvents.make(300, &random))
    let whole = try [UInt8](Data(contentsOf: URL(filePath: file.path)))
    let block = 32 + Int(whole.little(UInt32.self, at: 12)) + Int(whole.little(UInt32.self, at: 20))
    let footer = Int(whole.little(UInt64.self, at: whole.count - 16))
    var fields: [(offset: Int, size: Int)] = [8, 12, 16, 20].map { ($0, 4) }
    for offset in [0, 4, 8, 12, 16, 20] { fields.append((block + offset, 4)) }
    for offset in [24, 32, 40] { fields.append((block + offset, 8)) }
    fields += [(footer, 4), (footer + 4, 4), (footer + 8, 8), (whole.count - 16, 8)]
    for (offset, size) in fields {
      for value in [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, .max - 1, .max] as [UInt64] {
        var bytes = whole
        for index in 0..<size {
          bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
        }
        for bytes in [bytes, Self.mended(bytes)] {
          try Data(bytes).write(to: URL(filePath: file.path))
          readAll(file.path)
        }
      }
    }
  }

  /// A block whose header claims more events than there are is no golden, however the run ends.
  @Test func aBlockThatClaimsTooMuchIsDamaged() throws {
    let file = TraceFileTests()
    defer { file.remove() }
    var random = SeededGenerator(seed: 105)
    let events = RandomEvents.make(300, &random)
    try file.write(events)
    var bytes = try [UInt8](Data(contentsOf: URL(filePath: file.path)))
    let block = 32 + Int(bytes.little(UInt32.self, at: 12)) + Int(bytes.little(UInt32.self, at: 20))
    bytes[block + 4] &+= 1
    try Data(Self.mended(bytes)).write(to: URL(filePath: file.path))
    let verifier = try TraceVerifier(
      golden: try TraceFile.open(file.path), timing: .strict, isSameBuild: true, map: TraceFileTests.map,
      symbol: { _ in nil })
    for (event, moment) in events { _ = verifier.take(event, moment) }
    var ending = TraceFileTests.ending
    ending.events = verifier.compared
    verifier.finish(ending)
    #expect(verifier.failure?.reason == .corrupt, "\(String(describing: verifier.failure))")
  }

  /// Numbers in the text of a header and of an ending.
  @Test func extremesInHeaderLines() throws {
    let file = TraceFileTests()
    defer { file.remove() }
    var random = SeededGenerator(seed: 106)
    try file.write(RandomEvents.make(20, &random), .text)
    let whole = String(decoding: try Data(contentsOf: URL(filePath: file.path)), as: UTF8.self)
    let lines = whole.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let values = [
      "", "0", "-1", "18446744073709551615", "18446744073709551616", "0-18446744073709551615",
      "ffffffffffffffff-0",
      "ffffffffffffffff-ffffffffffffffff", "\"", "\"\\x\"", "\u{1b}[2J", "ffffffff ffffffff 4294967295",
    ]
    for index in lines.indices where lines[index].hasPrefix("# ") {
      guard let colon = lines[index].firstIndex(of: ":") else { continue }
      for value in values {
        var changed = lines
        changed[index] = lines[index][...colon] + " " + value
        try Data(changed.joined(separator: "\n").utf8).write(to: URL(filePath: file.path))
        readAll(file.path)
      }
    }
  }

  /// Source files and symbols may be called anything; a trace stays readable, and says what a terminal can print.
  @Test(arguments: [TraceForm.binary, .text])
  func namesWithControlCharacters(_ form: TraceForm) throws {
    let path = TraceFileTests().path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let name = "a\n# end: exit 0\u{1b}[31m ; \\(x.c:1)\u{7f}\u{85}"
    var random = SeededGenerator(seed: 107)
    let events = RandomEvents.make(100, &random)
    let sink: any TraceSink =
      switch form {
      case .binary:
        try TraceWriter(path: path, header: TraceFileTests.header(), map: TraceFileTests.map) { _ in name }
      case .text:
        try TextWriter(path: path, header: TraceFileTests.header()) { _ in
          PrintableText.place(symbol: "f+0x1", line: PrintableText.escaped(name) + ":7")
        }
      }
    for event in events { sink.append(event.0, event.1) }
    var ending = TraceFileTests.ending
    ending.events = sink.count
    try sink.finish(ending)
    let source = try TraceFile.open(path)
    let cursor = TraceCursor(source)
    var read: [TraceEvent] = []
    while let event = try cursor.next() { read.append(event) }
    #expect(read == events.map { TraceEvent($0.0, $0.1) })
    let place = try #require(events.last { $0.0.kind.rawValue > 2 }?.1.linear)
    let line = source.line(at: place)?.replacing("\\x28", with: "(").replacing("\\x29", with: ")") ?? "none"
    #expect(line.contains("a\\n# end: exit 0\\x1b[31m ; \\\\(x.c:1)\\x7f\\x85"), "\(line)")
  }
}
