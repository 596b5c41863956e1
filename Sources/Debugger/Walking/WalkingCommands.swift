import Emulator
import IA32
import Reports

/// Stepping through translations.
enum WalkingCommands {
  static let all: [Command] = [
    Command(
      ["step-walk", "sw"], .run,
      "run to the guest's next access (to the page of ADDR), and step through its translation",
      usage: "step-walk [ADDR] [r|w|x]", example: "sw 0x40000123 w", completion: .expression, action: stepWalk
    )
  ]

  static func stepWalk(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    let kinds: [String: PageAccess.Kind] = ["r": .read, "w": .write, "x": .fetch]
    let kind = arguments.takeLastWord(of: ["r", "w", "x"]).flatMap { kinds[$0] }
    let linear = arguments.isEmpty ? nil : try session.evaluateLinear(arguments.text)
    session.stepping.begin(.access(page: linear.map { $0 >> 12 }, kind), isSilent: arguments.isJSON)
    defer { session.stepping.end() }
    let standing = try session.run()
    let stop = StopReport(session, standing)
    guard let access = session.stepping.finished else { return Answer(stop) }
    if arguments.isJSON { return Answer(access) }
    return Answer(stop)
  }
}
