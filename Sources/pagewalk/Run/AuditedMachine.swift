import KernelAudit

/// A machine whose mini-kernel is audited as it runs. The guest notices nothing: it takes the same course, cycle by cycle,
/// as without.
final class AuditedMachine: RunnableMachine {
  /// Cycles to let pass when the kernel is in the middle of a change, before asking again.
  static let patience: UInt64 = 16

  private let machine: GuestMachine
  private let audit: KernelAudit
  /// Cycles between two audits.
  private let interval: UInt64
  private var next: UInt64
  /// Audits made so far, and what they found.
  private(set) var audits = 0
  private(set) var violations: [Violation] = []

  init(_ machine: GuestMachine, interval: AuditInterval) throws(KernelAuditError) {
    self.machine = machine
    self.interval = interval.cycles
    audit = try machine.audit()
    next = interval.cycles
  }

  var cycle: UInt64 { machine.cycle }
  var position: GuestPosition { machine.position }
  var consoleRoom: Int { machine.consoleRoom }
  func receive(_ bytes: [UInt8]) { machine.receive(bytes) }
  func takeConsoleOutput(draining: Bool) -> [UInt8] { machine.takeConsoleOutput(draining: draining) }

  func run(untilCycle limit: UInt64) -> MachineStop {
    while true {
      let stop = machine.run(untilCycle: min(limit, next))
      switch stop {
      case .reachedCycle:
        if machine.cycle >= next { auditIfQuiet() }
      case .exited, .halted:
        // The last look: a guest that ends in the middle of a change has none.
        if audit.moment == .quiet { makeAudit() }
      case .tripleFault, .waitingForInput, .reset, .usedStaleTranslation, .observerHasEnough, .violated: break
      }
      if !violations.isEmpty { return .violated(violations.map(\.description)) }
      if stop != .reachedCycle || machine.cycle >= limit { return stop }
    }
  }

  private func auditIfQuiet() {
    switch audit.moment {
    case .busy: next = machine.cycle &+ Self.patience
    case .notStarted: next = machine.cycle &+ interval
    case .quiet:
      makeAudit()
      next = machine.cycle &+ interval
    }
  }

  private func makeAudit() {
    audits += 1
    violations = audit.run()
  }

  /// The line for the end of a run.
  var total: String {
    "pagewalk: \(audits) \(audits == 1 ? "audit" : "audits"), \(violations.count) "
      + (violations.count == 1 ? "violation\n" : "violations\n")
  }
}

/// The argument of `--audit`: "every=N", N cycles between two audits.
struct AuditInterval: Hashable {
  let cycles: UInt64

  /// - Throws: `AuditIntervalError` with a sentence.
  init(parsing text: String) throws(AuditIntervalError) {
    let prefix = "every="
    guard text.hasPrefix(prefix), let cycles = UInt64(text.dropFirst(prefix.count)), cycles > 0,
      cycles < 1 << 62
    else { throw AuditIntervalError(text: text) }
    self.cycles = cycles
  }
}

struct AuditIntervalError: Error, CustomStringConvertible {
  var text: String
  var description: String {
    "the audit interval '\(text)' is not understood; expected a number of cycles, such as every=100000"
  }
}
