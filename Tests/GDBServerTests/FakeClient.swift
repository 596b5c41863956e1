import Emulator
import Glibc
import GuestImages
import IA32
import Runs

@testable import Debugger
@testable import GDBServer

/// A guest behind a server, and the client's end of its connection, in one thread: what is sent is answered by `round`.
final class FakeClient {
  let session: DebuggerSession
  let server: GDBServer
  let base = KeepingConsole()
  private let socket: Int32
  private var reader = PacketReader()
  /// What gdb would print.
  var printed = ""
  /// Acknowledgements, requests to repeat, and damaged packets.
  var others: [PacketReader.Item] = []

  /// - Parameter port: nil for a connection of its own; else a client connects to it.
  init(_ session: (RemoteConsole) throws -> DebuggerSession) throws {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw FakeClientError() }
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      var size: Int32 = 1 << 20
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    socket = ends[0]
    let port = ClientPort(Connection(socket: ends[1]))
    let console = RemoteConsole(base, port, canType: false)
    self.session = try session(console)
    server = GDBServer(self.session, port, console)
  }

  deinit { close(socket) }

  /// Goes away.
  func hangUp() { shutdown(socket, Int32(SHUT_RDWR)) }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) } }

  /// The packets that came back; `O` packets are printed.
  func receive() -> [String] {
    var buffer = [UInt8](repeating: 0, count: 1 << 15)
    var packets: [String] = []
    while true {
      let count = read(socket, &buffer, buffer.count)
      guard count > 0 else { return packets }
      for item in reader.receive(buffer.prefix(count)) {
        guard case .packet(let payload) = item else {
          others.append(item)
          continue
        }
        if payload.first == UInt8(ascii: "O"), payload.count > 2,
          let text = HexText.decoded(payload.dropFirst())
        {
          printed += String(decoding: text, as: UTF8.self)
        } else {
          packets.append(String(decoding: payload, as: UTF8.self))
        }
      }
    }
  }

  /// Sends a packet, and gives what it is answered with; "-" for no answer.
  @discardableResult
  func ask(_ packet: String, then more: [UInt8] = []) -> String { ask(Array(packet.utf8), then: more) }

  @discardableResult
  func ask(_ payload: [UInt8], then more: [UInt8] = []) -> String {
    send(Packet.framed(payload) + more)
    server.round(waiting: 0)
    let packets = receive()
    return packets.isEmpty ? "-" : packets.joined(separator: " | ")
  }

  /// What a monitor command prints.
  func monitor(_ line: String) -> String {
    printed = ""
    let answer = ask("qRcmd,\(String(decoding: HexText.encoded(Array(line.utf8)), as: UTF8.self))")
    return answer == "OK" ? printed : "answered \(answer)"
  }
}

struct FakeClientError: Error {}

/// Guests for the tests.
enum Guests {
  /// Stores 5 at 102000h, loads it, and exits with 6.
  static let short: [UInt8] = [
    0xB8, 5, 0, 0, 0,  // 100020 mov eax, 5
    0xA3, 0, 0x20, 0x10, 0,  // 100025 mov [102000h], eax
    0xA1, 0, 0x20, 0x10, 0,  // 10002a mov eax, [102000h]
    0x40,  // 10002f inc eax
    0xE6, 0xF4,  // 100030 out F4h, al
  ]
  /// Jumps to itself.
  static let endless: [UInt8] = [0xEB, 0xFE]

  /// A client of a guest with code at 100020h in flat protected mode.
  static func code(_ code: [UInt8]) throws -> FakeClient {
    let flags: UInt32 = 0x1_0000
    let words: [UInt32] = [
      0x1BAD_B002, flags, 0 &- 0x1BAD_B002 &- flags, 0x10_0000, 0x10_0000, 0, 0x10_4000, 0x10_0020,
    ]
    let header = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    return try FakeClient { try boot(GuestImage(file: "code", bytes: header + code), 4, $0) }
  }

  /// A session over an image.
  static func boot(
    _ image: GuestImage, _ mebibytes: UInt64, _ console: any GuestConsole,
    extensions: CPUFeatures = []
  ) throws -> DebuggerSession {
    let memory = try MemoryMap(bytes: mebibytes << 20)
    let plan = try BootPlan(image: image, commandLine: "", modules: [], memory: memory.bootRegions)
    var configuration = MachineConfiguration(
      memoryBytes: memory.bytes, rom: BootROM.image(handover: plan.handover), timing: .functional)
    configuration.identity.extensions = extensions
    let machine = try Machine(configuration)
    try plan.load(into: machine.memory)
    return DebuggerSession(machine: machine, image: image, console: console)
  }
}
