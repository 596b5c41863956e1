import Emulator
import GuestImages
import IA32
import Reports
import Traces

/// Runs a golden's guest again beside the golden.
public struct TraceVerification {
  /// What came of it.
  public enum Verdict {
    /// This many events were the same.
    case same(UInt64)
    /// The first difference.
    case different(Divergence)
    /// The run was interrupted before anything was decided.
    case interrupted
  }

  /// The golden.
  public let golden: any BlockSource
  /// The run that it is compared with.
  public let setup: TraceSetup
  /// The machine that runs; after a difference it stands where that was seen.
  public let guest: GuestMachine
  /// Whether the image is the one that the golden was recorded from.
  public let isSameBuild: Bool
  private let timing: TimingComparison
  private let console: TypedConsole

  /// - Parameters:
  ///   - image: the image to run instead of the recorded one.
  ///   - allowsAnyBuild: the recorded image may have changed.
  ///   - allowsOtherModules: the modules may have changed.
  ///   - timing: nil for strict where the build is the recorded one, and off where it is not.
  ///   - keepsHistory: the machine's past is kept, for the debugger.
  ///   - isInterrupted: whether the run is to stop.
  /// - Throws: `TraceError` for a golden that can't be used, and the typed errors of images and machines.
  public init(
    golden path: String, image: String?, timing: TimingComparison?, allowsAnyBuild: Bool = false,
    allowsOtherModules: Bool = false, keepsHistory: Bool = false, isInterrupted: @escaping () -> Bool
  ) throws {
    golden = try TraceFile.open(path)
    try golden.checkIsGolden()
    let image = try image ?? (allowsAnyBuild ? TraceSetup.find(golden.header.image, golden: path) : nil)
    setup = try TraceSetup(of: golden, image: image, allowsOtherModules: allowsOtherModules)
    console = TypedConsole(typing: setup.header.input, output: nil, isInterrupted: isInterrupted)
    guest = try setup.makeMachine(console: console)
    if keepsHistory { guest.keepHistory() }
    isSameBuild = setup.isSameBuild(as: golden)
    self.timing = timing ?? (isSameBuild ? .strict : .off)
  }

  /// What to say before the run, if the golden's recording was stopped.
  public var warning: String? {
    guard let ending = golden.announcedEnding, ending.wasInterrupted else { return nil }
    return "\(golden.file): its recording was stopped; the run is compared up to event \(ending.events)"
  }

  /// Runs the guest until it differs or ends.
  ///
  /// - Throws: `TraceError` for a golden that is damaged, not finished, or empty.
  public func verify() throws -> Verdict {
    let map = setup.map
    let verifier = try TraceVerifier(
      golden: golden, timing: timing, isSameBuild: isSameBuild, map: map, symbol: { map.symbol(at: $0) })
    let machine = guest.machine
    let ending = setup.follow(guest, console: console, isEnough: { verifier.isDecided }) {
      [unowned(unsafe) machine] event, moment in
      if !verifier.take(event, moment) { machine.requestStop() }
    }
    if ending.reason == .interrupted { return .interrupted }
    verifier.finish(
      TraceEnding(
        reason: ending.reason.title, cycles: guest.cycle, instructions: machine.counters.instructions,
        events: verifier.compared))
    if let divergence = verifier.divergence {
      goBack(to: divergence)
      return .different(divergence)
    }
    if let failure = verifier.failure { throw failure }
    return .same(verifier.compared)
  }

  /// Goes to behind the run's event that differs, where the past is kept: of another build, that it differs may only be
  /// known later. Where the run has no such event, to behind the last one that both have.
  private func goBack(to divergence: Divergence) {
    guard let history = guest.history, let moment = Self.moment(of: divergence) else { return }
    let behind = moment.cycle &+ 1
    // Where it can't go it stays.
    if behind < guest.cycle { try? history.goTo(cycle: behind) }
  }

  /// Where the run differs.
  private static func moment(of divergence: Divergence) -> EventMoment? {
    divergence.run?.moment ?? divergence.context.last?.moment
  }

  /// Whether the machine stands behind the instruction of the run's event that differs.
  private func isAt(_ divergence: Divergence) -> Bool {
    guard let moment = divergence.run?.moment else { return true }
    return guest.machine.counters.instructions <= moment.instruction &+ 1
  }

  /// The difference in words. The machine stands where it was seen, or behind the event that differs.
  public func report(_ divergence: Divergence) -> DivergenceReport {
    let names = TracePlaces(golden)
    let registers = guest.machine.registers
    let isPaging = guest.machine.isPaging
    let places = guest.places
    return DivergenceReport(
      divergence, isExact: golden.header.isExact,
      golden: { linear in
        // The recorder did not look up the lines of instructions and accesses; the same build has them still.
        names.briefly(linear, orLineOf: isSameBuild ? places : nil)
      }, run: { [map = setup.map] in places.briefly($0, map, isPaged: isPaging) },
      registers: isAt(divergence) ? Self.lines(registers) : [])
  }

  private static func lines(_ registers: RegisterFile) -> [String] {
    func text(_ pairs: [(String, UInt32)]) -> String {
      pairs.map { "\($0.0) \(hexadecimal(UInt64($0.1), digits: 8))" }.joined(separator: "  ")
    }
    let general = zip(["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"], registers.general).map { $0 }
    return [
      text(Array(general[..<4])), text(Array(general[4...])),
      text([("EIP", registers.eip), ("EFLAGS", registers.eflags)]) + "  CPL \(registers.privilegeLevel)",
      text([("CR0", registers.cr0), ("CR2", registers.cr2), ("CR3", registers.cr3), ("CR4", registers.cr4)]),
    ]
  }
}
