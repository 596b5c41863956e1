import Debugger
import Emulator
import Reports

/// A front-end of the debugger for gdb: takes clients at a port, one after the other, and answers them.
///
/// The guest stands while no client is there, unless it was begun without waiting. A client that goes leaves it as it is, and the
/// next one finds it there, with its past.
public final class GDBServer {
  /// How a server begins and ends.
  public struct Policy: Hashable, Sendable {
    /// The guest stands while no client is there; else it runs then.
    public var waitsForClient = true
    /// The server ends when the guest has, and no client is there any more.
    public var endsWithGuest = false

    /// Waits for clients, for ever.
    public init() {}
  }

  private let session: DebuggerSession
  private let port: ClientPort
  private let console: RemoteConsole
  private let policy: Policy
  private let stub: GDBStub
  /// The client that the stub knows, by its number; 0 for none.
  private var served = 0
  private var isOver = false
  /// How long it sleeps at most before it looks at the keyboard, in milliseconds.
  private static let nap: Int32 = 200

  /// - Parameters:
  ///   - session: whose console is `console`.
  ///   - port: where clients come.
  public init(
    _ session: DebuggerSession, _ port: ClientPort, _ console: RemoteConsole, policy: Policy = .init()
  ) {
    self.session = session
    self.port = port
    self.console = console
    self.policy = policy
    stub = GDBStub(session, console) { port.send($0) }
    session.emit = { [unowned self] lines in
      if self.port.isConnected { self.stub.say(lines) } else { self.console.say(lines) }
    }
  }

  /// What a person types to come here.
  public var invitation: String {
    "gdb -ex 'target remote \(port.address)'" + (session.image.map { " \($0.file)" } ?? "")
  }

  /// Serves clients until one kills the guest, the keyboard's Ctrl-C comes while the guest stands, or nobody can come any more.
  public func serve() {
    while !isOver { round(waiting: Self.nap) }
    port.dropClient()
  }

  /// Answers what has arrived; waits for it at most `milliseconds`.
  func round(waiting milliseconds: Int32) {
    let mayRun = !policy.waitsForClient && session.ended == nil
    port.poll(waiting: mayRun && !port.isConnected ? 0 : milliseconds)
    if console.isKeyboardInterrupted {
      // Where gdb has started this process, its Ctrl-C comes here too.
      if port.canConnect { isOver = true } else { console.forgetInterruptions() }
    }
    meetClient()
    while !isOver, let packet = port.takePacket() {
      serve(packet)
      meetClient()
    }
    // It stands: a Ctrl-C that came too late has nothing to stop.
    if port.isConnected { port.forgetInterrupt() }
    guard !isOver, !port.isConnected else { return }
    if !port.canConnect || policy.endsWithGuest && session.ended != nil { isOver = true }
    if mayRun, !isOver { runAlone() }
  }

  /// Notes that a client has come or gone.
  private func meetClient() {
    let present = port.isConnected ? port.clients : 0
    guard present != served else { return }
    served = present
    console.noteClient()
    stub.reset()
  }

  private func serve(_ packet: [UInt8]) {
    let client = port.clients
    let payload = stub.answer(to: packet).payload
    // Another client may have come while the guest ran: the answer is not for it.
    guard port.isConnected, port.clients == client else { return }
    if let payload { port.send(payload) }
    switch stub.takeWish() {
    case nil: break
    case .stopAcknowledging: port.stopAcknowledging()
    case .detach: port.dropClient()
    case .kill: isOver = true
    }
  }

  /// Runs with nobody there, until a client comes or the guest has ended.
  private func runAlone() {
    do throws(ShellError) {
      let standing = try session.run()
      if standing.reason == .waiting { port.poll(waiting: Self.nap) }
    } catch {
      console.say([error.message])
    }
  }
}
