import Emulator
import Reports

/// What stands around the processor: the text screen, the devices, accesses that led nowhere.
enum HardwareCommands {
  static let all: [Command] = [
    Command(
      ["screen"], .look, "what the guest's text screen shows, here in the past too", usage: "screen",
      example: "screen"
    ) { session, _ throws(ShellError) in Answer(ScreenReport(session.machine.textScreen)) },
    Command(
      ["info devices"], .look, "the devices: addresses, ports, IRQ; -v: and what they hold",
      usage: "info devices [-v]", example: "info devices -v"
    ) { session, arguments throws(ShellError) in
      var arguments = arguments
      let isDetailed = arguments.takeFlag("-v")
      return Answer(DeviceReport(session.machine.deviceListing, isDetailed: isDetailed))
    },
    Command(
      ["info lost"], .look,
      "stores into ROM, stores and fetches where nothing answers: how many, and the first",
      usage: "info lost", example: "info lost"
    ) { session, _ throws(ShellError) in
      let report = LostAccessReport(session.machine.lostAccesses) { session.describe($0) }
      guard !report.lines.isEmpty else { return Answer(Sentences("no access has led nowhere")) }
      return Answer(report)
    },
  ]
}
