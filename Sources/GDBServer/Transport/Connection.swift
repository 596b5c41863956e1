import Glibc

/// The bytes from and to one client. Reading never waits longer than it is told; writing waits until the client takes them,
/// but not for ever.
final class Connection {
  private let input: Int32
  private let output: Int32
  private let isSocket: Bool
  /// False once the client has gone.
  private(set) var isOpen = true
  /// How long a client may leave its bytes untaken before it counts as gone, in milliseconds.
  private static let writeTimeout: Int32 = 10_000

  /// What is to be asked whether bytes have arrived.
  var descriptor: Int32 { input }

  /// A connected socket, closed with the connection.
  init(socket: Int32) {
    input = socket
    output = socket
    isSocket = true
  }

  /// A pair of descriptors that stay open.
  init(input: Int32, output: Int32) {
    self.input = input
    self.output = output
    isSocket = false
  }

  deinit { if isSocket { Glibc.close(input) } }

  /// What has arrived; empty if nothing comes within `milliseconds` (0 does not wait, a negative time waits for ever) or
  /// if the client has gone.
  func receive(waiting milliseconds: Int32) -> [UInt8] {
    guard isOpen else { return [] }
    var request = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, milliseconds) > 0 else { return [] }
    var end = false
    let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, filled in
      let count = read(input, buffer.baseAddress, buffer.count)
      filled = max(count, 0)
      end = count == 0 || count < 0 && errno != EINTR && errno != EAGAIN
    }
    if end { isOpen = false }
    return bytes
  }

  /// Sends all of `bytes`, or finds that the client has gone.
  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while isOpen, !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        // A client that has gone is an error to see here, not a signal.
        isSocket
          ? Glibc.send(output, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
          : write(output, bytes.baseAddress, bytes.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var request = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
        if poll(&request, 1, Self.writeTimeout) == 0 { isOpen = false }
      } else if errno != EINTR {
        isOpen = false
      }
    }
  }

  /// Sends nothing more. What the client still sends can be read, so that it gets what it was sent last.
  func finish() { if isSocket { shutdown(output, Int32(SHUT_WR)) } }

  /// Ends the connection from this side.
  func close() { isOpen = false }
}
