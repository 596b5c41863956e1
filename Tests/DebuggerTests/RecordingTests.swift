import Foundation
import GuestImages
import IA32
import TestSupport
import Testing
import Traces

@testable import Debugger
@testable import Emulator

/// Traces and the debugger together.
@Suite("Traces under the debugger")
struct RecordingTests {
  /// The bytes of a recording of all events of `test`'s guest while `body` lets it run to its end.
  private func record(_ test: TestSession, _ body: () -> Void) throws -> Data {
    let image = try #require(test.session.image)
    let file = FileManager.default.temporaryDirectory.appending(path: "recording-\(UUID().uuidString).pwt")
    defer { try? FileManager.default.removeItem(at: file) }
    var header = TraceHeader(
      image: "image", imageDigest: "", memoryBytes: 64 << 20, timing: .full, machine: "", kinds: .all)
    header.isExact = true
    let writer = try TraceWriter(path: file.path, header: header, map: ImageMap(image)) { _ in nil }
    let observer = test.machine.observe(.all) { event, moment in writer.append(event, moment) }
    body()
    test.machine.stopObserving(observer)
    try writer.finish(
      TraceEnding(
        reason: "exit", cycles: test.machine.cycle, instructions: test.machine.counters.instructions,
        events: writer.count))
    return try Data(contentsOf: file)
  }

  @Test(arguments: ["missing-flush/missing-invlpg", "stale", "paging-tour"])
  func aRecordingIsTheSameWithADebuggerAttached(_ image: String) throws {
    let free = try TestSession.guest(image, timing: .full)
    let expected = try record(free) { free.say("c") }
    let test = try TestSession.guest(image, timing: .full)
    var random = SeededGenerator(seed: 11)
    let recording = try record(test) {
      test.say("set stale warn")
      test.say("catch fault")
      for _ in 0..<60 where test.session.ended == nil {
        test.say("si \(Int.random(in: 1...400, using: &random))")
        test.say(TraceTests.looking.randomElement(using: &random) ?? "bt")
        test.say("until $pc")
        test.say("tb $pc")
      }
      while test.session.ended == nil { test.say("c") }
    }
    #expect(expected.count > 1000)
    // Not the values themselves: a failure would compare them byte by byte.
    let isSame = recording == expected
    #expect(isSame)
  }

  @Test func eventsAsLines() throws {
    let test = try TestSession.guest("missing-flush/missing-invlpg-fixed")
    var printed: [String] = []
    test.session.emit = { printed += $0 }
    #expect(test.say("trace on nonsense").hasPrefix("error: "))
    #expect(test.say("trace on -e flush,mode") == "")
    test.say("c")
    let all = printed
    #expect(
      all.contains { $0.hasPrefix("flush by=invlpg linear=40000000 eip=") && $0.contains(" ; <bug+") })
    #expect(all.contains { $0.hasPrefix("mode register=cr0 ") })
    // The past says nothing twice on the way, and again when it is run again.
    test.say("goto 0")
    test.say("goto 1000000000")
    #expect(printed == all)
    test.say("goto 0")
    test.say("c")
    #expect(printed == all + all)
    test.say("trace off")
    test.say("goto 0")
    test.say("c")
    #expect(printed == all + all)
  }
}
