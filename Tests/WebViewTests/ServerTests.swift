import Debugger
import Foundation
import Reports
import Synchronization
import Testing

@testable import WebServer
@testable import WebView

@Suite("Who may ask the server")
struct GuardTests {
  let gate = RequestGuard(port: 8080, token: "0123456789abcdef0123456789abcdef")
  var path: String { "/\(gate.token)/api/status" }

  func judge(
    _ path: String, method: String = "GET", host: String? = "127.0.0.1:8080", origin: String? = nil,
    site: String? = nil
  ) -> RequestGuard.Verdict {
    gate.judge(.init(method: method, path: path, host: host, origin: origin, site: site))
  }

  func isRefused(_ verdict: RequestGuard.Verdict, _ status: Int) -> Bool {
    if case .refused(status, _) = verdict { true } else { false }
  }

  @Test("The page with its token")
  func allowed() {
    #expect(judge(path) == .allowed("api/status"))
    #expect(
      judge(path, method: "POST", origin: "http://127.0.0.1:8080", site: "same-origin")
        == .allowed("api/status"))
    #expect(judge(path, host: "localhost:8080", origin: "http://localhost:8080") == .allowed("api/status"))
    #expect(judge("/\(gate.token)/") == .allowed(""))
  }

  @Test(
    "Other names for this host: DNS rebinding",
    arguments: ["evil.example:8080", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8080.evil.example", ""])
  func hosts(_ host: String) {
    #expect(isRefused(judge(path, host: host), 421))
  }

  @Test("No host")
  func noHost() { #expect(isRefused(judge(path, host: nil), 421)) }

  @Test(
    "Other sites' pages",
    arguments: ["http://evil.example", "null", "https://127.0.0.1:8080", "http://127.0.0.1:8081", ""])
  func origins(_ origin: String) {
    #expect(isRefused(judge(path, method: "POST", origin: origin), 403))
  }

  @Test("Requests that a browser sends for another site", arguments: ["cross-site", "same-site"])
  func sites(_ site: String) { #expect(isRefused(judge(path, site: site), 403)) }

  @Test(
    "Wrong tokens",
    arguments: [
      "/", "/api/status", "/0123456789abcdef0123456789abcdee/api/status", "/0123/api/status", "//",
      "/%30123456789abcdef/",
    ])
  func tokens(_ path: String) { #expect(isRefused(judge(path), 404)) }

  @Test("Other methods")
  func methods() { #expect(isRefused(judge(path, method: "DELETE"), 405)) }

  @Test("Tokens differ, and have 128 bits")
  func random() {
    let tokens = Set((0..<100).map { _ in RequestGuard.makeToken() })
    #expect(tokens.count == 100 && tokens.allSatisfy { $0.count == 32 })
  }
}

@Suite("The page's desk")
struct DeskTests {
  let desk: PageDesk
  let guest: WebGuest

  init() throws {
    guest = try WebGuest("stale")
    desk = PageDesk(guest.source, JobBoard())
  }

  func ask(_ name: String, _ parameters: [String: String] = [:], _ body: String? = nil) throws -> (Int, Any) {
    let answer = desk.answer(.init(name, parameters, body: body.map { Array($0.utf8) }))
    return (
      answer.status,
      try JSONSerialization.jsonObject(with: Data(answer.body.utf8), options: .fragmentsAllowed)
    )
  }

  @Test("A command moves the guest, and questions see it")
  func commands() throws {
    let (status, answer) = try ask("do", [:], #"{"command":"continue"}"#)
    #expect(status == 200 && string(answer, "answer", "reason") == "exit")
    #expect(number(try ask("status").1, "stale") == 4)
    let timeline = try ask("timeline", ["from": "0", "to": "1200000", "bins": "100"]).1
    #expect(list(timeline, "counts", "stale").compactMap { ($0 as? NSNumber)?.intValue }.reduce(0, +) == 4)
    let events = try ask("events", ["from": "0", "to": "1200000", "kinds": "stale,cr3", "limit": "3"]).1
    #expect(list(events, "rows").count == 3)
    #expect(number(events, "total") ?? 0 > 3)
  }

  @Test(
    "What belongs to the shell is refused",
    arguments: [
      "source /etc/passwd", "define x", "quit", "step-walk", "sw", "commands 1", "help", "trace on all",
      "nonsense", "",
    ])
  func refused(_ command: String) throws {
    let (_, answer) = try ask("do", [:], #"{"command":"\#(command)"}"#)
    #expect(string(answer, "refused") != nil)
    #expect(!guest.session.wantsToQuit)
  }

  @Test(
    "Nonsense is answered with a sentence",
    arguments: [
      ("timeline", ["from": "5", "to": "5"]), ("timeline", [:]), ("timeline", ["from": "-1", "to": "x"]),
      ("nothing", [:]),
      ("walk", ["linear": "4294967296"]), ("space", ["from": "9", "to": "1"]),
    ])
  func nonsense(_ name: String, _ parameters: [String: String]) throws {
    let (status, answer) = try ask(name, parameters)
    #expect(status == 404 && string(answer, "error") != nil)
  }

  @Test("Numbers at the edges of their ranges")
  func extremes() throws {
    let most = String(UInt64.max)
    for (name, parameters) in [
      ("timeline", ["from": "0", "to": most, "bins": most]),
      ("timeline", ["from": "18446744073709551614", "to": most]),
      ("events", ["from": "0", "to": most, "limit": most]),
      ("misses", ["array": most, "from": "0", "to": most]),
      ("misses", ["array": "2", "from": "0", "to": most, "bins": "0"]),
      ("frames", ["from": most, "count": most]),
      ("walk", ["event": most]), ("walk", ["linear": "4294967295"]),
    ] {
      #expect([200, 404].contains(try ask(name, parameters).0), "\(name) \(parameters)")
    }
    for body in ["", "[]", "{", #"{"command":1}"#, #"{"what":"walk2"}"#] {
      #expect(string(try ask("step", [:], body).1, "refused") != nil)
      #expect(string(try ask("do", [:], body).1, "refused") != nil)
    }
  }

  @Test("While the guest runs, or the shell is in the middle of a command, it can be looked at and not moved")
  func held() throws {
    desk.isHeld = true
    #expect(try ask("do", [:], #"{"command":"continue"}"#).0 == 409)
    #expect(try ask("moment").0 == 200)
    desk.isHeld = false
    desk.isRunning = true
    #expect(try ask("step", [:], #"{"what":"walk","forward":true}"#).0 == 409)
    #expect(try ask("status").0 == 200)
  }
}

@Suite("The server")
struct ServerTests {
  /// A request over the network, with the desk served meanwhile on this thread.
  func fetch(
    _ path: String, _ server: PageServer, _ desk: PageDesk, headers: [String: String] = [:],
    body: String? = nil
  ) throws -> (Int, String) {
    let arguments =
      ["-s", "-m", "20", "-w", "\n%{http_code}", "http://127.0.0.1:\(server.gate.port)\(path)"]
      + headers.flatMap { ["-H", "\($0.key): \($0.value)"] } + (body.map { ["-d", $0] } ?? [])
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["curl"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    let isOver = Atomic<Bool>(false)
    nonisolated(unsafe) var text = ""
    let reader = Thread {
      text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      isOver.store(true, ordering: .releasing)
    }
    try process.run()
    reader.start()
    while !isOver.load(ordering: .acquiring) {
      desk.serve()
      usleep(1000)
    }
    process.waitUntilExit()
    let parts = text.split(separator: "\n", omittingEmptySubsequences: false)
    return (Int(parts.last ?? "") ?? 0, parts.dropLast().joined(separator: "\n"))
  }

  @Test("It gives the page and answers to those with the token, and nothing to others")
  func serve() throws {
    let guest = try WebGuest("stale")
    let desk = PageDesk(guest.source, JobBoard())
    let server = try PageServer(port: 0, board: desk.board)
    defer { server.stop() }
    let base = "/\(server.gate.token)/"
    let page = try fetch(base, server, desk)
    #expect(page.0 == 200 && page.1.hasPrefix("<!doctype html>"))
    #expect(try fetch(base + "api/status", server, desk).1.contains(#""cycle":0"#))
    let json = ["Content-Type": "application/json"]
    let moved = try fetch(
      base + "api/step", server, desk, headers: json, body: #"{"what":"walk","forward":true}"#)
    #expect(moved.0 == 200 && guest.session.machine.cycle > 0)
    #expect(try fetch("/", server, desk).0 == 404)
    #expect(try fetch(base + "api/status", server, desk, headers: ["Host": "evil.example"]).0 == 421)
    #expect(try fetch(base + "api/status", server, desk, headers: ["Origin": "http://evil.example"]).0 == 403)
    // A form of another site's page could send this type.
    #expect(try fetch(base + "api/step", server, desk, body: "what=walk").0 == 400)
    #expect(
      try fetch(base + "api/do", server, desk, headers: json, body: String(repeating: "x", count: 20_000)).0
        == 400)
    desk.board.close()
    #expect(try fetch(base + "api/status", server, desk).0 == 503)
    #expect(throws: PageServerError.self) { try PageServer(port: server.gate.port, board: JobBoard()) }
  }
}
