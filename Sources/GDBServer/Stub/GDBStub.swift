import Debugger
import Emulator
import Runs

/// Answers packets: the debugger's command model in gdb's words.
final class GDBStub {
  let session: DebuggerSession
  let console: RemoteConsole
  let shell: Shell
  let stops: RemoteStops
  private let send: ([UInt8]) -> Void
  /// What the client said that it understands.
  var client = ClientFeatures()
  /// The client stays when the guest has been killed, and may run it again: `target extended-remote`.
  private(set) var isExtended = false
  /// Memory packets are about physical addresses.
  var isPhysical = false
  /// The parts of single stepping that QEMU lets clients choose.
  var stepping = SteppingBits()
  /// What the stub is asked to do beyond answering.
  enum Wish: Hashable {
    /// The client leaves.
    case detach
    /// The server ends.
    case kill
    /// From now on packets are not acknowledged.
    case stopAcknowledging
  }
  /// What is to be done when the answer has been sent.
  private(set) var wish: Wish?

  /// - Parameter send: sends a packet to the client while another one's answer is being made.
  init(_ session: DebuggerSession, _ console: RemoteConsole, send: @escaping ([UInt8]) -> Void) {
    self.session = session
    self.console = console
    self.send = send
    shell = Shell(session)
    stops = RemoteStops(session.stops)
  }

  /// A client has come, or gone.
  func reset() {
    stops.removeAll()
    client = ClientFeatures()
    isExtended = false
    isPhysical = false
    stepping = SteppingBits()
    wish = nil
  }

  /// What was wished since this was asked last.
  func takeWish() -> Wish? {
    defer { wish = nil }
    return wish
  }

  func wish(_ wish: Wish) { self.wish = wish }

  // MARK: Answers

  /// The answer to a packet.
  func answer(to packet: [UInt8]) -> Reply {
    guard let letter = packet.first else { return .unsupported }
    let rest = PacketScanner(packet.dropFirst())
    switch letter {
    case UInt8(ascii: "q"), UInt8(ascii: "Q"), UInt8(ascii: "v"): return answerNamed(packet)
    case UInt8(ascii: "g"): return RegisterPackets(session: session).readAll()
    case UInt8(ascii: "G"): return RegisterPackets(session: session).writeAll(rest)
    case UInt8(ascii: "p"): return RegisterPackets(session: session).read(rest)
    case UInt8(ascii: "P"): return RegisterPackets(session: session).write(rest)
    case UInt8(ascii: "m"): return memory.readText(rest)
    case UInt8(ascii: "x"): return memory.readBinary(rest)
    case UInt8(ascii: "M"): return memory.writeText(rest)
    case UInt8(ascii: "X"): return memory.writeBinary(rest)
    case UInt8(ascii: "Z"): return stops.insert(rest)
    case UInt8(ascii: "z"): return stops.remove(rest)
    default: return answerControl(letter, rest)
    }
  }

  private func answerControl(_ letter: UInt8, _ rest: PacketScanner) -> Reply {
    switch letter {
    case UInt8(ascii: "?"): return .bytes(StopReply.plain(session).payload)
    case UInt8(ascii: "c"): return resume(.run, at: rest)
    case UInt8(ascii: "s"): return resume(.step, at: rest)
    case UInt8(ascii: "C"): return resume(.run, behindSignal: rest)
    case UInt8(ascii: "S"): return resume(.step, behindSignal: rest)
    case UInt8(ascii: "b"): return goBack(rest)
    case UInt8(ascii: "H"): return selectThread(rest)
    case UInt8(ascii: "T"):
      var scanner = rest
      return ThreadID.isOurs(&scanner).map { $0 ? .ok : .error(1) } ?? .malformed
    case UInt8(ascii: "D"):
      wish(.detach)
      return .ok
    case UInt8(ascii: "k"):
      wish(.kill)
      return .silence
    case UInt8(ascii: "!"):
      isExtended = true
      return .ok
    case UInt8(ascii: "R"):
      // No answer: GDB manual, E.2.
      _ = restart()
      return .silence
    default: return .unsupported
    }
  }

  private var memory: MemoryPackets { MemoryPackets(session: session, isPhysical: isPhysical) }

  private func selectThread(_ rest: PacketScanner) -> Reply {
    var scanner = rest
    guard scanner.take("g") || scanner.take("c") else { return .malformed }
    return ThreadID.isOurs(&scanner).map { $0 ? .ok : .error(1) } ?? .malformed
  }

  // MARK: Going on

  /// Lets the guest go on, and answers where it came to stand.
  func resume(_ resumption: Resumption) -> Reply {
    let resuming = Resuming(
      session: session, console: console, stops: stops, client: client, detours: stepping.detours)
    var reply = resuming.perform(resumption)
    // The commands of stops that were hit may take the guest elsewhere.
    let place = session.machine.cycle
    switch shell.executeWaiting() {
    case .done(let lines): reply.lines += lines
    case .failed(let message): reply.lines.append(message)
    }
    if session.machine.cycle != place {
      reply.payload =
        session.ended?.exitValue.map(StopReply.exited)?.payload ?? StopReply.plain(session).payload
    }
    console.forgetInterruptions()
    say(reply.lines)
    return .bytes(reply.payload)
  }

  private func resume(_ resumption: Resumption, at rest: PacketScanner) -> Reply {
    var scanner = rest
    if !scanner.isAtEnd {
      guard let address = scanner.hexadecimal(UInt32.self), scanner.isAtEnd else { return .malformed }
      do throws(ShellError) {
        try session.write(UInt128(address), toRegister: "eip")
      } catch {
        return .refusal(error.message)
      }
    }
    return resume(resumption)
  }

  private func resume(_ resumption: Resumption, behindSignal rest: PacketScanner) -> Reply {
    var scanner = rest
    guard scanner.hexadecimal(UInt8.self) != nil else { return .malformed }
    guard scanner.isAtEnd || scanner.take(";") else { return .malformed }
    return resume(resumption, at: scanner)
  }

  private func goBack(_ rest: PacketScanner) -> Reply {
    var scanner = rest
    if scanner.take("s") { return resume(.stepBack) }
    return scanner.take("c") ? resume(.runBack) : .unsupported
  }

  /// Goes to where the history begins.
  func restart() -> Reply {
    do throws(ShellError) {
      try session.go(to: session.history.firstCycle)
      return .bytes(StopReply.plain(session).payload)
    } catch {
      return .refusal(error.message)
    }
  }

  // MARK: Words

  private static let maxTextBytes = 8192

  /// Lets gdb print lines. Only while it waits for the guest, or for a command's answer.
  func say(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    var rest = Array(lines.map { $0 + "\n" }.joined().utf8)[...]
    while !rest.isEmpty {
      send([UInt8(ascii: "O")] + HexText.encoded(rest.prefix(Self.maxTextBytes)))
      rest = rest.dropFirst(Self.maxTextBytes)
    }
  }
}
