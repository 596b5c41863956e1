import Emulator
import IA32
import Reports
import Traces

/// Events as lines, while the guest runs.
enum TraceCommands {
  static let all: [Command] = [
    Command(
      ["trace on"], .trace,
      "print events as they happen: \(EventKinds.names.joined(separator: ", ")), or all",
      usage: "trace on [-e] KIND,...", example: "trace on flush,fault", completion: .words(EventKinds.names),
      action: on),
    Command(
      ["trace off"], .trace, "print no more events", usage: "trace off", example: "trace off", action: off),
  ]

  private static func on(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    _ = arguments.takeFlag("-e")
    try arguments.expectSomething()
    do throws(EventKindsError) {
      session.printEvents(try EventKinds(list: arguments.words.joined(separator: ",")))
      return .nothing
    } catch {
      throw ShellError("\(error)")
    }
  }

  private static func off(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    try arguments.expectNothing()
    session.printEvents([])
    return .nothing
  }
}

extension DebuggerSession {
  /// From now on events of these kinds are printed, in the form of a text trace. Those of a past that is executed again on the
  /// way somewhere are not.
  fileprivate func printEvents(_ kinds: EventKinds) {
    if let tracer { machine.stopObserving(tracer) }
    tracer = nil
    guard !kinds.isEmpty else { return }
    tracer = machine.observe(kinds) { [unowned self] event, moment in
      guard self.stops.isStopping else { return }
      let line = TextLayout.line(TraceEvent(event, moment), isExact: true)
      let place = self.bracketed(moment.linear)
      self.tell([line + (place.isEmpty ? "" : " ;\(place)")])
    }
  }
}
