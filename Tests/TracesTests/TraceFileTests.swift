import Emulator
import Foundation
import IA32
import TestSupport
import Testing

@testable import Traces

/// Files: whole, cut off, damaged, of another version.
@Suite("Trace files")
struct TraceFileTests {
  static func header(isExact: Bool = true) -> TraceHeader {
    var header = TraceHeader(
      image: "build/a \"kernel\".elf", imageDigest: SHA256.hexadecimal(of: []), memoryBytes: 64 << 20,
      timing: .full, machine: "name: \"p6\"\nfrequency: 133 MHz\ntlb:\n  data-4k: {entries: 64, ways: 4}\n",
      kinds: .all)
    header.commandLine = "a=\"b\" c\\d\n\u{7f}é"
    header.modules = [TraceHeader.Module(argument: "root.img:root x", digest: SHA256.hexadecimal(of: [1]))]
    header.maxCycles = 1 << 40
    header.input = [0, 10, 13, 34, 92, 200]
    header.filter.addresses = [0x1000...0x1fff, 0xf_0000_0000...0xf_ffff_ffff]
    header.filter.symbols = ["kernel main"]
    header.filter.rings = [0, 3]
    header.filter.cycles = 5...UInt64.max
    header.isExact = isExact
    return header
  }

  static let map: ImageMap = {
    var map = ImageMap()
    map.parts = [ImageMap.Part(linear: 0xc010_0000, physical: 0x10_0000, size: 0x4000)]
    map.names = [
      ImageMap.Name(address: 0xc010_0000, size: 0x40, isCode: true, name: "start"),
      ImageMap.Name(address: 0xc010_1000, size: 0, isCode: false, name: "Kernel.table of pages"),
    ]
    return map
  }()

  static let ending = TraceEnding(reason: "exit 3", cycles: 1234, instructions: 567, events: 0)

  let path = FileManager.default.temporaryDirectory.appending(path: "pagewalk-trace-\(UUID().uuidString)")
    .path

  func write(_ events: [(MachineEvent, EventMoment)], _ form: TraceForm = .binary, isExact: Bool = true)
    throws
  {
    let header = Self.header(isExact: isExact)
    let sink: any TraceSink =
      switch form {
      case .binary: try TraceWriter(path: path, header: header, map: Self.map) { "line \($0)" }
      case .text:
        try TextWriter(path: path, header: header, map: Self.map) {
          "f+0x\($0.linear) (a.c:\($0.linear % 100))"
        }
      }
    for event in events { sink.append(event.0, event.1) }
    var ending = Self.ending
    ending.events = sink.count
    try sink.finish(ending)
  }

  func read() throws -> (events: [TraceEvent], source: any BlockSource) {
    let source = try TraceFile.open(path)
    let cursor = TraceCursor(source)
    var events: [TraceEvent] = []
    while let event = try cursor.next() { events.append(event) }
    return (events, source)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  @Test(arguments: [TraceForm.binary, .text])
  func whatIsWrittenIsRead(_ form: TraceForm) throws {
    defer { remove() }
    var random = SeededGenerator(seed: 11)
    let events = RandomEvents.make(form == .binary ? 200_000 : 10_000, &random)
    try write(events, form)
    let (read, source) = try read()
    let isSame = read == events.map { TraceEvent($0.0, $0.1) }
    #expect(isSame)
    #expect(source.header == Self.header())
    #expect(source.ending?.reason == "exit 3")
    #expect(source.ending?.events == UInt64(events.count))
    #expect(source.map.parts == Self.map.parts)
    #expect(source.form == form)
    if form == .binary {
      #expect(source.map == Self.map)
      let place = events.last { $0.0.kind.rawValue > 2 }?.1.linear ?? 0
      #expect(source.line(at: place) == "line \(place)" || source.line(at: place) == nil)
    }
  }

  @Test func twoRecordingsAreTheSameBytes() throws {
    defer { remove() }
    var random = SeededGenerator(seed: 12)
    let events = RandomEvents.make(50_000, &random)
    try write(events)
    let first = try Data(contentsOf: URL(filePath: path))
    try write(events)
    #expect(try Data(contentsOf: URL(filePath: path)) == first)
  }

  @Test func seekingFindsTheBlock() throws {
    defer { remove() }
    let events: [(MachineEvent, EventMoment)] = (0..<400_000).map {
      let eip = UInt32($0) &* 2_654_435_761
      return (
        .fault(FaultEvent(vector: 6, errorCode: 0, linear: 0)),
        EventMoment(cycle: UInt64($0) * 10, instruction: UInt64($0), eip: eip, linear: eip)
      )
    }
    try write(events)
    let source = try TraceFile.open(path)
    for wanted in [0, 1, 55, 12_345, 399_999] as [UInt64] {
      try source.seek(cycle: wanted * 10)
      let cursor = TraceCursor(source)
      var event = try cursor.next()
      while let next = event, next.moment.cycle < wanted * 10 { event = try cursor.next() }
      #expect(event?.moment.cycle == wanted * 10)
      #expect(cursor.number == wanted + 1)
    }
  }

  /// A killed recorder's file can be read up to the last complete block, and says that it is not whole.
  @Test func aFileThatIsCutOffIsReadAsFarAsItGoes() throws {
    defer { remove() }
    var random = SeededGenerator(seed: 13)
    let events = RandomEvents.make(80_000, &random)
    try write(events)
    let whole = try [UInt8](Data(contentsOf: URL(filePath: path)))
    let expected = events.map { TraceEvent($0.0, $0.1) }
    var lengths: Set<Int> = []
    for cut in stride(from: 8, to: whole.count, by: whole.count / 25) {
      try Data(whole[..<cut]).write(to: URL(filePath: path))
      var read: [TraceEvent] = []
      var failure: TraceError?
      do throws(TraceError) {
        let cursor = TraceCursor(try TraceFile.open(path))
        while let event = try cursor.next() { read.append(event) }
      } catch {
        failure = error
      }
      #expect(failure?.reason == .incomplete, "\(String(describing: failure)) at \(cut)")
      let isSame = read[...] == expected[..<read.count]
      #expect(isSame)
      lengths.insert(read.count)
    }
    #expect(lengths.count > 2, "more than one block")
  }

  @Test func damageIsFound() throws {
    defer { remove() }
    var random = SeededGenerator(seed: 14)
    let events = RandomEvents.make(30_000, &random)
    try write(events)
    let whole = try [UInt8](Data(contentsOf: URL(filePath: path)))
    let expected = events.map { TraceEvent($0.0, $0.1) }
    for _ in 0..<100 {
      var bytes = whole
      let at = Int(random.next() % UInt64(bytes.count))
      bytes[at] ^= 1 << (random.byte() & 7)
      try Data(bytes).write(to: URL(filePath: path))
      var read = 0
      var failure: TraceError?
      do throws(TraceError) {
        let cursor = TraceCursor(try TraceFile.open(path))
        while let event = try cursor.next() {
          guard event == expected[read] else { break }
          read += 1
        }
      } catch {
        failure = error
      }
      #expect(failure != nil, "byte \(at)")
    }
  }

  @Test func anotherVersionIsNamed() throws {
    defer { remove() }
    try write([])
    var bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
    bytes[8] = 9
    try Data(bytes).write(to: URL(filePath: path))
    #expect {
      _ = try TraceFile.open(path)
    } throws: {
      ($0 as? TraceError)?.reason == .otherVersion
        && "\($0)".hasSuffix(
          "is a trace of format version 9, and this pagewalk reads version 2; expected the pagewalk that recorded it, or a trace recorded again with this one"
        )
    }
    for (version, end) in [
      ("1", "expected a trace recorded again with 'trace record' or 'trace bless'"),
      ("3", "or a trace recorded again with this one"),
      ("\u{1b}[31m", "or a trace recorded again with this one"),
      ("", "or a trace recorded again with this one"),
    ] {
      try Data("# pagewalk-trace \(version)\n".utf8).write(to: URL(filePath: path))
      #expect {
        _ = try TraceFile.open(path)
      } throws: {
        ($0 as? TraceError)?.reason == .otherVersion && "\($0)".hasSuffix(end) && !"\($0)".contains("\u{1b}")
      }
    }
  }

  @Test func otherFilesAreNoTraces() throws {
    defer { remove() }
    for bytes in [Data(), Data("hello".utf8), Data(repeating: 0, count: 100)] {
      try bytes.write(to: URL(filePath: path))
      #expect {
        _ = try TraceFile.open(path)
      } throws: { ($0 as? TraceError)?.reason == .notATrace }
    }
    for path in ["/", "/nonexistent", "/dev/zero"] {
      #expect {
        _ = try TraceFile.open(path)
      } throws: { ($0 as? TraceError)?.reason == .unusableFile }
    }
  }

  /// /dev/full is a disk without room.
  @Test func aFullDiskIsSaid() throws {
    #expect {
      _ = try TraceWriter(path: "/dev/full", header: Self.header(), map: Self.map)
    } throws: { "\($0)" == "/dev/full: can't be written to its end (No space left on device)" }
  }

  @Test func textThatIsCutOffIsReadAsFarAsItGoes() throws {
    defer { remove() }
    var random = SeededGenerator(seed: 15)
    let events = RandomEvents.make(5000, &random)
    try write(events, .text)
    let whole = try [UInt8](Data(contentsOf: URL(filePath: path)))
    try Data(whole[..<(whole.count / 2)]).write(to: URL(filePath: path))
    var read = 0
    #expect {
      let cursor = TraceCursor(try TraceFile.open(path))
      while try cursor.next() != nil { read += 1 }
    } throws: { ($0 as? TraceError)?.reason == .incomplete }
    #expect((2000..<3000).contains(read), "\(read)")
  }

  /// FIPS 180-4's own examples, and the edges of a block.
  @Test func digestsAreRight() {
    #expect(SHA256.hexadecimal(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexadecimal(of: "abc".utf8) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    #expect(
      SHA256.hexadecimal(of: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hexadecimal(of: [UInt8](repeating: 97, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    for length in 50...140 {
      let bytes = [UInt8](repeating: 7, count: length)
      var hash = SHA256()
      for byte in bytes { hash.update([byte][...]) }
      #expect(hash.finish() == SHA256.hexadecimal(of: bytes))
    }
  }
}
