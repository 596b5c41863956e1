/// Where a gdb server listens: what `--gdb` takes.
public enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
  /// A TCP port on an IPv4 address in dotted decimals; port 0 lets the system choose.
  case tcp(host: String, port: UInt16)
  /// A Unix socket by its path.
  case unix(path: String)
  /// Standard input and output, for gdb's `target remote | pagewalk …`.
  case standardStreams

  /// Reads `[ADDRESS:]PORT`, `:PORT`, a path (it holds a slash), or `-`. Without an address it is loopback.
  /// - Throws: `ServerAddressError` with a sentence.
  public init(parsing text: String) throws(ServerAddressError) {
    if text == "-" {
      self = .standardStreams
      return
    }
    if text.contains("/") {
      // `sockaddr_un` has room for 107 bytes and a zero.
      guard text.utf8.count <= 107 else { throw .pathTooLong(text) }
      self = .unix(path: text)
      return
    }
    let colon = text.lastIndex(of: ":")
    let host = colon.map { String(text[..<$0]) } ?? ""
    let portText = colon.map { String(text[text.index(after: $0)...]) } ?? text
    guard let port = UInt16(portText) else { throw .badPort(text) }
    let address = host.isEmpty || host == "localhost" ? "127.0.0.1" : host
    guard Self.isIPv4(address) else { throw .badHost(host) }
    self = .tcp(host: address, port: port)
  }

  private static func isIPv4(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }

  /// What gdb's `target remote` takes to reach it.
  public var description: String {
    switch self {
    case .tcp(let host, let port): "\(host):\(port)"
    case .unix(let path): path
    case .standardStreams: "-"
    }
  }
}

/// Why a text names no place for a gdb server.
public enum ServerAddressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No port can be read from this.
  case badPort(String)
  /// This is not an IPv4 address.
  case badHost(String)
  /// A socket can't have so long a path.
  case pathTooLong(String)

  /// One sentence that says what would be right.
  public var description: String {
    switch self {
    case .badPort(let text):
      "'\(text)' is not a place for a gdb server: expected [ADDRESS:]PORT with a port from 0 to 65535, the path of a socket, or -"
    case .badHost(let host): "'\(host)' is not an IPv4 address: expected such as 127.0.0.1"
    case .pathTooLong(let path): "the socket's path '\(path)' has more than 107 bytes"
    }
  }
}
