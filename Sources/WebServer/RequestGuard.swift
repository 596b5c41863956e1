/// Who may ask: the page that this server gave out, and nobody else on the host or in the browser.
///
/// The token in the path keeps out other users and other sites' pages, which can't read it. The Host header keeps out names that
/// somebody else's DNS lets point here (DNS rebinding); Origin and Sec-Fetch-Site keep out requests that other sites' pages
/// make a browser send.
public struct RequestGuard: Hashable, Sendable {
  /// The secret in the path: 32 hexadecimal digits.
  public let token: String
  /// The server's port.
  public let port: UInt16

  /// - Parameter token: the secret; another one each time where none is given.
  public init(port: UInt16, token: String = Self.makeToken()) {
    self.port = port
    self.token = token
  }

  /// 128 bits of the system's random numbers.
  public static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let text = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
  }

  /// Where the page is.
  public var address: String { "http://127.0.0.1:\(port)/\(token)/" }

  /// What a request says of where it comes from.
  public struct Request: Hashable, Sendable {
    /// "GET" or "POST".
    public var method: String
    /// With the token, without the query.
    public var path: String
    /// Host.
    public var host: String?
    /// Origin.
    public var origin: String?
    /// Sec-Fetch-Site.
    public var site: String?

    /// A request with these headers.
    public init(method: String, path: String, host: String?, origin: String? = nil, site: String? = nil) {
      self.method = method
      self.path = path
      self.host = host
      self.origin = origin
      self.site = site
    }
  }

  /// What becomes of a request.
  public enum Verdict: Hashable, Sendable {
    /// It may ask for this: the path behind the token.
    case allowed(String)
    /// The status, and why.
    case refused(Int, String)
  }

  /// Judges a request.
  public func judge(_ request: Request) -> Verdict {
    let names = ["127.0.0.1:\(port)", "localhost:\(port)"]
    guard let host = request.host, names.contains(host.lowercased()) else {
      return .refused(421, "this server is 127.0.0.1:\(port), and nothing else")
    }
    if let origin = request.origin {
      guard names.contains(where: { origin.lowercased() == "http://\($0)" }) else {
        return .refused(403, "other sites' pages get nothing here")
      }
    }
    if let site = request.site, site != "same-origin", site != "none" {
      return .refused(403, "other sites' pages get nothing here")
    }
    guard request.method == "GET" || request.method == "POST" else { return .refused(405, "GET or POST") }
    let parts = request.path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: true)
    guard let first = parts.first, Self.isEqual(String(first), token) else {
      return .refused(404, "there is nothing here without the token that was printed")
    }
    return .allowed(parts.count > 1 ? String(parts[1]) : "")
  }

  /// Takes as long for every wrong token.
  private static func isEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
