import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import Reports
import Testing

/// Exports, read back by others where they are there.
@Suite("Trace exports")
struct TraceExportTests {
  let runner: TraceRunner
  init() throws { runner = try TraceRunner() }

  /// Perfetto's own protobuf definitions read the file, and tell what the guest did: 14 events and a flow from the store of a
  /// page-table entry to the walk that uses it. Needs PyPI's `perfetto`; `PAGEWALK_PYTHON` names the Python that has it.
  @Test(.enabled(if: PerfettoReader.python != nil, "no Python with the package 'perfetto'"))
  func perfettoReadsItsFile() throws {
    let python = try #require(PerfettoReader.python)
    let image = ".build/images/missing-flush/unmap-free-fixed.elf"
    let recorded = try runner.run(
      "trace", "record", "--quiet", "--memory", "16M", "-e",
      "instruction,walk,pte-store,flush,tlb-fill,fault,mode",
      image, "-o", runner.path("a.pwt"))
    #expect(recorded.status == 0, "\(recorded.error)")
    let exported = try runner.run(
      "trace", "export", "--to", "perfetto", runner.path("a.pwt"), "-o", runner.path("a.perfetto-trace"))
    #expect(exported.status == 0, "\(exported.error)")
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = ["-c", PerfettoReader.script, runner.path("a.perfetto-trace")]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let stat = try runner.run("trace", "stat", runner.path("a.pwt")).output
    func count(_ kind: String) -> Int? {
      stat.split(separator: "\n").first { $0.hasPrefix("  \(kind) ") }?.split(separator: " ").last.flatMap {
        Int($0)
      }
    }
    #expect(text.contains("unknown 0\n"), "\(text)")
    #expect(text.contains("walks \(count("walk") ?? -1)\n"), "\(text)\(stat)")
    #expect(text.contains("stores \(count("pte-store") ?? -1)\n"), "\(text)\(stat)")
    #expect(text.contains("flushes \(count("flush") ?? -1)\n"), "\(text)\(stat)")
    #expect(text.contains("function guest_main\n"), "\(text)")
    #expect(text.contains("ordered True\n"), "\(text)")
    #expect(text.contains("flows that end in a walk of their entry True\n"), "\(text)")
  }

  @Test func ndjsonIsJSON() throws {
    let ended = try runner.run("trace", "export", "--to", "ndjson", "Tests/Golden/minikernel.pwt")
    #expect(ended.status == 0)
    var kinds: [String: Int] = [:]
    for line in ended.output.split(separator: "\n") {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      kinds[object?["kind"] as? String ?? "?", default: 0] += 1
      #expect(object?["cycle"] is Int && object?["eip"] is String)
    }
    #expect((kinds["walk"] ?? 0) > 1000 && (kinds["flush"] ?? 0) > 10)
  }

  @Test func addressTracesHaveEachInstruction() throws {
    let stat = try runner.run("trace", "stat", "Tests/Golden/hello-instructions.pwt").output
    let count = try #require(
      stat.split(separator: "\n").first { $0.hasPrefix("  instruction ") }?.split(separator: " ").last.flatMap
      {
        Int($0)
      })
    _ = try runner.run(
      "trace", "export", "--to", "champsim", "Tests/Golden/hello-instructions.pwt", "-o",
      runner.path("a.champsim"))
    #expect(try runner.bytes("a.champsim").count == 64 * count)
    let lackey = try runner.run("trace", "export", "--to", "lackey", "Tests/Golden/hello-instructions.pwt")
      .output
    let lines = lackey.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("I  ") } == count)
    #expect(lines.allSatisfy { $0.hasPrefix("I  ") || $0.hasPrefix(" L ") || $0.hasPrefix(" S ") })
  }

  /// What `show` prints of a whole trace is a trace itself.
  @Test func whatIsShownCanBeVerified() throws {
    let shown = try runner.run("trace", "show", "Tests/Golden/stale.pwt")
    #expect(shown.status == 0)
    try Data(shown.output.utf8).write(to: runner.folder.appending(path: "stale.trace"))
    let ended = try runner.run(
      "trace", "verify", "--image", ".build/images/stale.elf", runner.path("stale.trace"))
    #expect(ended.status == 0, "\(ended.error)")
    #expect(try runner.run("trace", "diff", "Tests/Golden/stale.pwt", runner.path("stale.trace")).status == 0)
    let at = try runner.run("trace", "show", "--at", "20000", "--count", "1", "Tests/Golden/stale.pwt").output
    let cycle = at.split(separator: " ").first { $0.hasPrefix("cycle=") }.flatMap { Int($0.dropFirst(6)) }
    #expect((cycle ?? 0) >= 20_000 && (cycle ?? 0) < 40_000, "\(at)")
  }

  @Test func reportsForPrograms() throws {
    let images = ".build/images/missing-flush"
    _ = try runner.run(
      "trace", "record", "--quiet", "--memory", "16M", "\(images)/alias-fixed.elf", "-o",
      runner.path("<a>&b.pwt"))
    let good = try runner.run("trace", "verify", "--tap", runner.path("<a>&b.pwt"))
    #expect(good.status == 0)
    #expect(good.output.hasPrefix("TAP version 13\n1..1\nok 1 - "), "\(good.output)")
    let bad = try runner.run(
      "trace", "verify", "--tap", "--junit", runner.path("report.xml"), "--image", "\(images)/alias.elf",
      runner.path("<a>&b.pwt"))
    #expect(bad.status == 1)
    #expect(
      bad.output.contains("\nnot ok 1 - ") && bad.output.contains("\n#   missing flush:"), "\(bad.output)")
    let report = try XMLDocument(data: runner.bytes("report.xml"))
    #expect(try report.nodes(forXPath: "/testsuites/testsuite[@failures='1']/testcase/failure").count == 1)
    let json = try runner.run("test", "--json", runner.folder.path).output
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: [[String: Any]]]
    #expect(object?["goldens"]?.first?["result"] as? String == "same")
  }
}

enum PerfettoReader {
  /// A Python that has the package.
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["PAGEWALK_PYTHON"]
    for python in [named, "/usr/bin/python3", "/usr/local/bin/python3"].compactMap(\.self)
    where FileManager.default.isExecutableFile(atPath: python) {
      let process = Process()
      process.executableURL = URL(filePath: python)
      process.arguments = ["-c", "import perfetto.protos.perfetto.trace.perfetto_trace_pb2"]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { continue }
      process.waitUntilExit()
      if process.terminationStatus == 0 { return python }
    }
    return nil
  }()

  static let script = """
    import sys
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb
    from google.protobuf.unknown_fields import UnknownFieldSet
    trace = pb.Trace()
    trace.ParseFromString(open(sys.argv[1], 'rb').read())
    def unknown(message):
        count = len(UnknownFieldSet(message))
        for field, value in message.ListFields():
            if field.message_type:
                for part in (value if hasattr(value, 'add') else [value]):
                    count += unknown(part)
        return count
    print('unknown', unknown(trace))
    tracks = {p.track_descriptor.uuid: p.track_descriptor.name for p in trace.packet if p.HasField('track_descriptor')}
    events = [(p.timestamp, tracks[p.track_event.track_uuid], p.track_event) for p in trace.packet
              if p.HasField('track_event')]
    T = pb.TrackEvent
    walks = [e for _, track, e in events if track == 'Page walker' and e.type == T.TYPE_SLICE_BEGIN]
    stores = [e for _, track, e in events if track == 'Page tables']
    print('walks', len(walks))
    print('stores', len(stores))
    print('flushes', sum(1 for _, track, e in events if track == 'TLB' and e.name.startswith('flush ')))
    for name in sorted({e.name for _, track, e in events if track == 'CPU' and e.type == T.TYPE_SLICE_BEGIN}):
        print('function', name)
    depth = {}
    ordered = True
    last = {}
    for time, track, e in events:
        ordered = ordered and time >= last.get(track, 0)
        last[track] = time
        depth[track] = depth.get(track, 0) + {T.TYPE_SLICE_BEGIN: 1, T.TYPE_SLICE_END: -1}.get(e.type, 0)
        ordered = ordered and depth[track] in (0, 1)
    print('ordered', ordered and not any(depth.values()))
    note = lambda e, name: [a.string_value for a in e.debug_annotations if a.name == name]
    begun = {flow: note(e, 'at') for e in stores for flow in e.flow_ids}
    ended = [(begun[flow], note(e, 'pde-at') + note(e, 'pte-at')) for e in walks for flow in e.terminating_flow_ids]
    print('flows that end in a walk of their entry', len(ended) > 0 and all(a[0] in b for a, b in ended))
    """
}
