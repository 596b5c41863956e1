import FlyingFox
import FlyingSocks
import Foundation
import Synchronization
import WebView

/// The server of the page, on loopback alone and on threads of its own.
public final class PageServer: Sendable {
  /// Who may ask, and the page's address.
  public let gate: RequestGuard
  private let task: Task<Void, any Error>
  private static let page = Data(WebPageText.live.bytes)
  /// A body that is longer than this is refused, in bytes.
  private static let maxBody = 16384

  /// Begins to serve.
  /// - Parameters:
  ///   - port: 0 lets the system choose.
  ///   - board: where questions go.
  /// - Throws: `PageServerError` where the port can't be had.
  public init(port: UInt16, board: JobBoard) throws(PageServerError) {
    let token = RequestGuard.makeToken()
    let found = Mutex<UInt16?>(nil)
    let failure = Mutex<String?>(nil)
    let started = DispatchSemaphore(value: 0)
    let server: HTTPServer
    do {
      server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: port), logger: .disabled)
    } catch {
      throw PageServerError(port: port, reason: "\(error)")
    }
    task = Task.detached {
      await server.appendRoute("*") { request in
        let gate = RequestGuard(port: found.withLock { $0 } ?? 0, token: token)
        return await Self.answer(request, gate, board)
      }
      let run = Task { try await server.run() }
      do {
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await server.waitUntilListening(timeout: 5) }
          group.addTask { try await run.value }
          try await group.next()
          if case .ip4(_, let port)? = await server.listeningAddress { found.withLock { $0 = port } }
          started.signal()
          // The other task ends with the server.
          try await group.waitForAll()
        }
      } catch {
        failure.withLock { $0 = "\(error)" }
        started.signal()
      }
    }
    started.wait()
    guard let port = found.withLock({ $0 }) else {
      throw PageServerError(port: port, reason: failure.withLock { $0 } ?? "it can't be had")
    }
    gate = RequestGuard(port: port, token: token)
  }

  /// Ends.
  public func stop() { task.cancel() }

  // MARK: Answers

  private static func answer(_ request: HTTPRequest, _ gate: RequestGuard, _ board: JobBoard) async
    -> HTTPResponse
  {
    let verdict = gate.judge(
      .init(
        method: request.method.rawValue, path: request.path, host: request.headers[HTTPHeader("Host")],
        origin: request.headers[HTTPHeader("Origin")], site: request.headers[HTTPHeader("Sec-Fetch-Site")]))
    switch verdict {
    case .refused(let status, let reason): return response(status, "text/plain", Data((reason + "\n").utf8))
    case .allowed(""): return response(200, "text/html", page)
    case .allowed(let path):
      guard path.hasPrefix("api/") else {
        return response(404, "text/plain", Data("nothing is there\n".utf8))
      }
      return await ask(String(path.dropFirst(4)), request, board)
    }
  }

  private static func ask(_ name: String, _ request: HTTPRequest, _ board: JobBoard) async -> HTTPResponse {
    var body: [UInt8]?
    if request.method == .POST {
      // A page of another site can't send this type without being asked first.
      guard request.headers[HTTPHeader("Content-Type")]?.hasPrefix("application/json") == true,
        let length = request.headers[HTTPHeader("Content-Length")].flatMap({ Int($0) }), length <= maxBody,
        let data = try? await request.bodyData
      else { return response(400, "application/json", Data(#"{"error":"expected a short JSON body"}"#.utf8)) }
      body = Array(data)
      if name == "stop" {
        board.requestStop()
        return response(200, "application/json", Data("{}".utf8))
      }
    }
    var parameters: [String: String] = [:]
    for item in request.query { parameters[item.name] = item.value.removingPercentEncoding ?? item.value }
    let answer = await board.ask(.init(name, parameters, body: body))
    return response(answer.status, "application/json", Data(answer.body.utf8))
  }

  private static let phrases = [
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict",
    421: "Misdirected Request", 503: "Service Unavailable",
  ]

  private static func response(_ status: Int, _ type: String, _ body: Data) -> HTTPResponse {
    HTTPResponse(
      statusCode: HTTPStatusCode(status, phrase: phrases[status] ?? "Refused"),
      headers: [
        HTTPHeader("Content-Type"): type + "; charset=utf-8", HTTPHeader("Cache-Control"): "no-store",
        HTTPHeader("X-Content-Type-Options"): "nosniff", HTTPHeader("Referrer-Policy"): "no-referrer",
        HTTPHeader("X-Frame-Options"): "DENY", HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin",
      ], body: body)
  }
}

/// Why there is no server.
public struct PageServerError: Error, Hashable, Sendable, CustomStringConvertible {
  let port: UInt16
  let reason: String

  /// One sentence.
  public var description: String { "can't serve the page at 127.0.0.1:\(port): \(reason)" }
}
