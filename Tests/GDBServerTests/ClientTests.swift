import Glibc
import GuestImages
import Runs
import Testing

@testable import Debugger
@testable import GDBServer

@Suite("Clients come and go")
struct ClientTests {
  /// A server at a socket, and clients that connect to it.
  private final class Place {
    let path = "/tmp/pagewalk-gdb-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let session: DebuggerSession
    let server: GDBServer

    init() throws {
      let port = try ClientPort(.unix(path: path))
      let console = RemoteConsole(KeepingConsole(), port, canType: false)
      session = try Guests.code(Guests.endless).session
      let other = session
      server = GDBServer(
        DebuggerSession(machine: other.machine, image: nil, console: console, history: other.history), port,
        console)
    }

    func connect() -> Int32 {
      let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
      _ = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      _ = fcntl(client, F_SETFL, O_NONBLOCK)
      return client
    }

    /// Sends a packet, and gives all that comes back.
    func ask(_ client: Int32, _ text: String, then more: [UInt8] = []) -> String {
      let wire = Packet.framed(Array(text.utf8)) + more
      _ = wire.withUnsafeBytes { write(client, $0.baseAddress, $0.count) }
      for _ in 0..<3 { server.round(waiting: 0) }
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = read(client, &buffer, buffer.count)
      return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : "\(count)"
    }
  }

  @Test("A second client is refused with a reason, and the first is served on")
  func second() throws {
    let place = try Place()
    let first = place.connect()
    #expect(place.ask(first, "qC") == "+$QC1#c5")
    let second = place.connect()
    #expect(place.ask(second, "qC").contains("E.another gdb is attached to this guest"))
    #expect(place.ask(first, "qC") == "+$QC1#c5")
    close(first)
    close(second)
  }

  @Test("A client that goes takes its stops along; the next finds the guest where it stood")
  func next() throws {
    let place = try Place()
    let first = place.connect()
    #expect(place.ask(first, "Z0,200000,1").contains("OK"))
    #expect(place.ask(first, "vCont;c", then: [3]).contains("T02"))
    let cycle = place.session.machine.cycle
    close(first)
    let second = place.connect()
    #expect(place.ask(second, "?").contains("T05"))
    #expect(place.session.machine.breakpoints.isEmpty)
    #expect(place.session.machine.cycle == cycle)
    #expect(place.ask(second, "D").contains("OK"))
    let third = place.connect()
    #expect(place.ask(third, "qC").contains("QC1"))
    close(second)
    close(third)
  }

  @Test("A client that closes while the guest runs stops it")
  func vanishing() throws {
    let place = try Place()
    let first = place.connect()
    #expect(place.ask(first, "qC").contains("QC1"))
    let wire = Packet.framed(Array("vCont;c".utf8)) + Array("$half".utf8)
    _ = wire.withUnsafeBytes { write(first, $0.baseAddress, $0.count) }
    close(first)
    for _ in 0..<3 { place.server.round(waiting: 0) }
    let second = place.connect()
    #expect(place.ask(second, "qC") == "+$QC1#c5")
    close(second)
  }

  @Test(
    "A place is written as gdb's users write it",
    arguments: [
      ("1234", "127.0.0.1:1234"), (":0", "127.0.0.1:0"), ("localhost:1", "127.0.0.1:1"),
      ("0.0.0.0:5", "0.0.0.0:5"),
      ("./s", "./s"), ("-", "-"),
    ])
  func places(_ text: String, _ shown: String) throws {
    #expect(try ServerAddress(parsing: text).description == shown)
  }

  @Test(
    "What is no place is refused",
    arguments: ["", "x", "1.2.3:4", "65536", "a/\(String(repeating: "b", count: 107))"])
  func noPlaces(_ text: String) {
    #expect(throws: ServerAddressError.self) { try ServerAddress(parsing: text) }
  }
}
