import Testing

@testable import Emulator

/// `images/system-tour`, which checks itself: segmentation, gates, tasks, debug registers, V86 mode.
@Suite struct SystemTourTests {
  @Test("Every case is as the manual says, in every timing level", arguments: TimingLevel.allCases)
  func tour(_ timing: TimingLevel) throws {
    let machine = try TimedGuest(image: "system-tour").machine(timing)
    #expect(machine.run(untilCycle: 200_000_000) == .exit(0))
    let text = String(decoding: machine.takeSerialOutput(draining: true), as: UTF8.self)
    #expect(text.hasSuffix("59 cases, 0 failures\nPASS\n"), "\(text)")
  }
}
