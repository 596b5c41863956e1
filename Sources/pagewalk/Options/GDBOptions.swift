import ArgumentParser
import GDBServer

/// Where gdb attaches, and what the guest does until then.
struct GDBOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Wait for gdb at a TCP port (of this machine alone, unless an address is given; port 0 chooses one), at a Unix socket, or \
      on standard input and output (-).
      """, valueName: "[address:]port|path|-"),
    transform: ServerAddress.init(parsing:))
  var gdb: ServerAddress?

  @Option(
    help: ArgumentHelp(
      "With --gdb: 'no' lets the guest run while no gdb is attached. (default: yes)", valueName: "yes|no"),
    transform: Self.parseChoice)
  var gdbWait: Bool?

  func validate() throws {
    if gdbWait != nil, gdb == nil { throw ValidationError("--gdb-wait goes with --gdb") }
    if gdbWait == false, gdb == .standardStreams {
      throw ValidationError("--gdb-wait=no does not go with --gdb -: gdb is attached from the beginning")
    }
  }

  var policy: GDBServer.Policy {
    var policy = GDBServer.Policy()
    policy.waitsForClient = gdbWait ?? true
    return policy
  }

  private static func parseChoice(_ text: String) throws -> Bool {
    guard text == "yes" || text == "no" else {
      throw ValidationError("'\(text)' is neither yes nor no")
    }
    return text == "yes"
  }
}
