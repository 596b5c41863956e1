import Glibc

/// Waits for clients at a place. Only one is served at a time: the caller refuses others.
final class Listener {
  /// Where it listens, with the port that the system chose.
  let address: ServerAddress
  /// What is to be asked whether a client has come.
  let descriptor: Int32
  private let socketPath: String?

  /// - Throws: `ListenerError` where the place can't be had.
  init(_ wanted: ServerAddress) throws(ListenerError) {
    switch wanted {
    case .standardStreams: throw ListenerError(place: "-", reason: "standard streams need no listener")
    case .tcp(let host, let port):
      let (descriptor, port) = try Self.listen(host: host, port: port)
      self.descriptor = descriptor
      address = .tcp(host: host, port: port)
      socketPath = nil
    case .unix(let path):
      descriptor = try Self.listen(path: path)
      address = wanted
      socketPath = path
    }
  }

  deinit {
    close(descriptor)
    if let socketPath { unlink(socketPath) }
  }

  /// A client, if one comes within `milliseconds` (0 does not wait, a negative time waits for ever).
  func accept(waiting milliseconds: Int32) -> Connection? {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, milliseconds) > 0 else { return nil }
    let client = Glibc.accept(descriptor, nil, nil)
    guard client >= 0 else { return nil }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    _ = fcntl(client, F_SETFL, O_NONBLOCK)
    // Answers are short and waited for: no gathering. It fails on Unix sockets, which do not gather.
    var one: Int32 = 1
    setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    return Connection(socket: client)
  }

  private static func listen(host: String, port: UInt16) throws(ListenerError) -> (Int32, UInt16) {
    let place = "\(host):\(port)"
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ListenerError(place: place, errno: errno) }
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &name.sin_addr) == 1 else {
      close(descriptor)
      throw ListenerError(place: place, reason: "it is not an IPv4 address")
    }
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
    }
    guard isBound, Glibc.listen(descriptor, 4) == 0 else {
      let error = errno
      close(descriptor)
      throw ListenerError(place: place, errno: error)
    }
    var length = size
    _ = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return (descriptor, UInt16(bigEndian: name.sin_port))
  }

  private static func listen(path: String) throws(ListenerError) -> Int32 {
    removeDeadSocket(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ListenerError(place: path, errno: errno) }
    guard withName(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 4) == 0 else {
      let error = errno
      close(descriptor)
      throw ListenerError(place: path, errno: error)
    }
    return descriptor
  }

  /// Removes what an earlier server left behind: a socket that nobody answers at, and nothing else.
  private static func removeDeadSocket(_ path: String) {
    var information = stat()
    guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard probe >= 0 else { return }
    defer { close(probe) }
    if withName(path, { connect(probe, $0, $1) }) != 0, errno == ECONNREFUSED { unlink(path) }
  }

  private static func withName(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { room in
      room.copyBytes(from: path.utf8.prefix(room.count - 1))
    }
    return withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// Why a gdb server can't listen at a place.
public struct ListenerError: Error, Hashable, Sendable, CustomStringConvertible {
  let place: String
  let reason: String

  init(place: String, reason: String) {
    self.place = place
    self.reason = reason
  }

  init(place: String, errno code: Int32) {
    self.init(place: place, reason: String(cString: strerror(code)))
  }

  /// One sentence.
  public var description: String { "can't listen for gdb at \(place): \(reason)" }
}
