import Glibc

/// Where gdb clients come and go: one is served at a time, others are refused with a sentence.
public final class ClientPort {
  /// Where clients find it, with the port that the system chose.
  public let address: ServerAddress
  private let listener: Listener?
  private var connection: Connection?
  private var refused: [Connection] = []
  private var reader = PacketReader()
  private var packets: [[UInt8]] = []
  private var queuedBytes = 0
  private var lastSent: [UInt8] = []
  /// Whether packets are acknowledged: until the client asks for the opposite.
  private(set) var acknowledges = true
  /// The client wants the guest to stop.
  private(set) var isInterruptPending = false
  /// How many clients have come so far.
  private(set) var clients = 0
  /// Bytes of packets that may wait while the guest runs.
  private static let maxQueuedBytes = 4 << 20

  /// Listens at a place; standard input and output are a client that is there already.
  /// - Throws: `ListenerError` where the place can't be had.
  public init(_ wanted: ServerAddress) throws(ListenerError) {
    if wanted == .standardStreams {
      listener = nil
      address = wanted
      greet(Connection(input: STDIN_FILENO, output: STDOUT_FILENO))
    } else {
      let listener = try Listener(wanted)
      self.listener = listener
      address = listener.address
    }
  }

  /// A port with one client and no place for others.
  init(_ connection: Connection) {
    listener = nil
    address = .standardStreams
    greet(connection)
  }

  private func greet(_ connection: Connection) {
    self.connection = connection
    clients += 1
    reader.reset()
    packets = []
    queuedBytes = 0
    lastSent = []
    acknowledges = true
    isInterruptPending = false
  }

  /// Whether a client is there.
  var isConnected: Bool { connection != nil }
  /// Whether a client may still come.
  var canConnect: Bool { listener != nil }

  // MARK: Receiving

  /// Takes what has arrived, and whoever has come; waits for it at most `milliseconds`.
  func poll(waiting milliseconds: Int32) {
    var requests = (connection.map { [$0] } ?? []).map(\.descriptor) + refused.map(\.descriptor)
    if let listener { requests.append(listener.descriptor) }
    var polled = requests.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard Glibc.poll(&polled, nfds_t(polled.count), packets.isEmpty ? milliseconds : 0) > 0 else { return }
    if let connection { take(connection.receive(waiting: 0)) }
    if connection?.isOpen == false { dropClient() }
    for client in refused { _ = client.receive(waiting: 0) }
    refused.removeAll { !$0.isOpen }
    if let new = listener?.accept(waiting: 0) {
      if connection == nil { greet(new) } else { refuse(new) }
    }
  }

  private func take(_ bytes: [UInt8]) {
    for item in reader.receive(bytes) {
      switch item {
      case .packet(let payload):
        if acknowledges { connection?.send([UInt8(ascii: "+")]) }
        packets.append(payload)
        queuedBytes += payload.count
      case .damaged: if acknowledges { connection?.send([UInt8(ascii: "-")]) }
      case .wantsRepetition: if acknowledges { connection?.send(lastSent) }
      case .acknowledged: break
      case .interrupt: isInterruptPending = true
      }
    }
    if queuedBytes > Self.maxQueuedBytes { connection?.close() }
  }

  /// The next packet that has arrived. One that asks for nothing to be stopped any more is gone with the last packet.
  func takePacket() -> [UInt8]? {
    guard !packets.isEmpty else { return nil }
    let packet = packets.removeFirst()
    queuedBytes -= packet.count
    return packet
  }

  /// The guest stands still: what asked it to has been heard.
  func forgetInterrupt() { isInterruptPending = false }

  // MARK: Sending

  /// Sends a packet.
  func send(_ payload: [UInt8]) {
    lastSent = Packet.framed(payload)
    connection?.send(lastSent)
    if connection?.isOpen == false { dropClient() }
  }

  /// From now on packets are neither acknowledged nor sent again.
  func stopAcknowledging() { acknowledges = false }

  /// Ends the connection to the client, if one is there.
  func dropClient() {
    connection?.finish()
    connection = nil
    packets = []
    queuedBytes = 0
    isInterruptPending = false
  }

  /// The first thing that a gdb asks is answered with why it is not served.
  private func refuse(_ client: Connection) {
    client.send([UInt8(ascii: "+")] + Packet.framed(Array("E.another gdb is attached to this guest".utf8)))
    client.finish()
    refused.append(client)
  }
}
