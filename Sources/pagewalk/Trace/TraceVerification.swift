import Emulator
import GuestImages
import IA32
import Traces

/// Runs a golden's guest again beside the golden.
struct TraceVerification {
  enum Verdict {
    /// So many events were the same.
    case same(UInt64)
    case different(Divergence)
  }

  let golden: any BlockSource
  let setup: TraceSetup
  let machine: GuestMachine
  let isSameBuild: Bool
  let timing: TimingComparison

  /// - Parameters:
  ///   - image: the image to run instead of the recorded one.
  ///   - allowsAnyBuild: the recorded image may have changed.
  ///   - allowsOtherModules: the modules may have changed.
  ///   - timing: nil for strict where the build is the recorded one, and off where it is not.
  init(
    golden path: String, image: String?, timing: TimingComparison?, allowsAnyBuild: Bool = false,
    allowsOtherModules: Bool = false, keepsHistory: Bool = false
  ) throws {
    golden = try TraceFile.open(path)
    try golden.checkIsGolden()
    if let ending = golden.announcedEnding, ending.wasInterrupted {
      StandardError.write(
        "pagewalk: \(path): its recording was stopped; the run is compared up to event \(ending.events)\n")
    }
    let image = try image ?? (allowsAnyBuild ? TraceSetup.find(golden.header.image, golden: path) : nil)
    setup = try TraceSetup(of: golden, image: image, allowsOtherModules: allowsOtherModules)
    machine = try setup.makeMachine()
    if keepsHistory { machine.keepHistory() }
    isSameBuild = setup.isSameBuild(as: golden)
    self.timing = timing ?? (isSameBuild ? .strict : .off)
  }

  /// - Throws: `TraceError` for a golden that is damaged, not finished, or empty.
  func run() throws -> Verdict {
    let map = setup.map
    let verifier = try TraceVerifier(
      golden: golden, timing: timing, isSameBuild: isSameBuild, map: map, symbol: { map.symbol(at: $0) })
    let processor = machine.machine
    let outcome = setup.run(
      machine, output: nil, isEnough: { verifier.isDecided }
    ) { [unowned(unsafe) processor] event, moment in
      if !verifier.take(event, moment) { processor.requestStop() }
    }
    let reason = outcome.endingReason
    if outcome.exitStatus == ExitStatus.interrupted, case .interrupted = outcome {
      throw VerificationInterrupted()
    }
    verifier.finish(
      TraceEnding(
        reason: reason, cycles: machine.cycle, instructions: processor.counters.instructions,
        events: verifier.compared))
    if let divergence = verifier.divergence { return .different(divergence) }
    if let failure = verifier.failure { throw failure }
    return .same(verifier.compared)
  }

  /// The difference in words. The machine stands where it was seen.
  func report(_ divergence: Divergence) -> DivergenceReport {
    let names = TracePlaces(golden)
    let registers = machine.machine.registers
    let isPaging = machine.machine.isPaging
    let places = machine.places
    return DivergenceReport(
      divergence, isExact: golden.header.isExact,
      golden: { linear in
        // The recorder did not look up the lines of instructions and accesses; the same build has them still.
        names.briefly(linear, orLineOf: isSameBuild ? places : nil)
      }, run: { [map = setup.map] in places.briefly($0, map, isPaged: isPaging) },
      registers: Self.lines(registers))
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

/// Ctrl-C.
struct VerificationInterrupted: Error {}
