import Emulator
import KernelAudit

/// Audits the mini-kernel as it runs. The guest notices nothing: it takes the same course, cycle by cycle, as without.
public final class KernelWatch: RunCompanion {
  /// Cycles to let pass when the kernel is in the middle of a change, before asking again.
  private static let patience: UInt64 = 16

  private let audit: KernelAudit
  /// Cycles between two audits.
  private let interval: UInt64
  /// The cycle of the next audit.
  public private(set) var nextCycle: UInt64
  /// Audits made so far, and what they found.
  private var audits = 0
  private var violations: [Violation] = []

  /// - Throws: `KernelAuditError.missingSymbols` when the image is not the mini-kernel's.
  public init(_ guest: GuestMachine, interval: AuditInterval) throws(KernelAuditError) {
    self.interval = interval.cycles
    audit = try KernelAudit(machine: guest.machine, image: guest.image)
    nextCycle = interval.cycles
  }

  public func look(at cycle: UInt64, _ reason: StopReason) -> StopReason? {
    switch reason {
    case .cycleLimit:
      if cycle >= nextCycle { auditIfQuiet(cycle) }
    case .exit, .halted:
      // The last look: a guest that ends in the middle of a change has none.
      if audit.moment == .quiet { makeAudit() }
    default: break
    }
    return violations.isEmpty ? nil : .brokenInvariant
  }

  private func auditIfQuiet(_ cycle: UInt64) {
    switch audit.moment {
    case .busy: nextCycle = cycle &+ Self.patience
    case .notStarted: nextCycle = cycle &+ interval
    case .quiet:
      makeAudit()
      nextCycle = cycle &+ interval
    }
  }

  private func makeAudit() {
    audits += 1
    violations = audit.run()
  }

  public var details: [String] { violations.map(\.description) }

  public var remarks: [String] {
    [
      "\(audits) \(audits == 1 ? "audit" : "audits"), \(violations.count) "
        + (violations.count == 1 ? "violation" : "violations")
    ]
  }
}

/// The argument of `--audit`: "every=N", N cycles between two audits.
public struct AuditInterval: Hashable, Sendable {
  /// From 1 on, below 2^62.
  public let cycles: UInt64

  /// - Throws: `RunOptionError` with a sentence.
  public init(parsing text: String) throws(RunOptionError) {
    let prefix = "every="
    guard text.hasPrefix(prefix), let cycles = UInt64(text.dropFirst(prefix.count)), cycles > 0,
      cycles < 1 << 62
    else {
      throw RunOptionError(
        "the audit interval '\(text)' is not understood; expected a number of cycles, such as every=100000")
    }
    self.cycles = cycles
  }
}
