import Emulator
import GuestImages
import IA32

/// Looks at a mini-kernel from outside and says which of its invariants don't hold.
///
/// It reads guest memory by physical address and translates through the machine's page walker alone; nothing that it
/// does is seen by the guest, moves a counter or touches the TLB. Of the kernel it knows symbols and `KernelLayout`.
public struct KernelAudit {
  /// The machine that the kernel runs in.
  public let machine: Machine
  /// Where the kernel's variables are.
  public let symbols: KernelSymbols

  /// For the kernel in `image`.
  /// - Throws: `KernelAuditError.missingSymbols` when the image is not the mini-kernel's.
  public init(machine: Machine, image: GuestImage) throws(KernelAuditError) {
    try self.init(machine: machine, symbols: KernelSymbols(image.symbols, file: image.file))
  }

  /// For a kernel whose variables are at `symbols`.
  public init(machine: Machine, symbols: KernelSymbols) {
    self.machine = machine
    self.symbols = symbols
  }

  /// What the kernel is at, as far as an audit cares.
  public enum Moment: Sendable {
    /// Its memory management is not up: there is nothing to audit.
    case notStarted
    /// It is changing a structure; its invariants hold again a moment later.
    case busy
    /// Everything must hold.
    case quiet
  }

  /// What the kernel is at now: it counts in `vm_update_depth` how many changes it is in the middle of.
  public var moment: Moment {
    let memory = GuestMemory(machine.memory)
    guard machine.isPaging,
      CR4(rawValue: machine.registers.cr4).contains(.physicalAddressExtension)
    else { return .notStarted }
    if memory.word(directlyMapped: symbols[.updateDepth]) != 0 { return .busy }
    return memory.word(directlyMapped: symbols[.memMap]) == 0 ? .notStarted : .quiet
  }

  /// Checks everything; empty when all invariants hold, and while there is no kernel yet. To be called in quiet moments.
  /// Of each check the first twenty violations are told.
  public func run() -> [Violation] {
    if moment == .notStarted { return [] }
    let run = AuditRun(machine: machine, symbols: symbols)
    run.checkAll()
    return run.violations
  }
}
