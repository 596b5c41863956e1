import IA32

/// One step of finding a page for an access.
public enum TranslationStep: Sendable {
  /// An access needs a translation. Nothing has been asked yet.
  case begins(linear: UInt32, PageAccess)
  /// A TLB array was looked up; `way` is nil after a miss.
  case probe(TLBArrayName, set: Int, way: Int?)
  /// The walk begins at a PDE that the paging-structure cache holds.
  case cachedDirectoryEntry(CachedDirectoryEntry)
  /// The walk read an entry, or set bits in one.
  case walk(PageWalk.Step)
  /// A TLB array has taken the translation.
  case fill(TLBArrayName, set: Int, way: Int)
  /// The access faults: the error code.
  case fault(PageFaultErrorCode)
  /// The access goes to this physical address. It has not happened yet.
  case ends(physical: UInt64)
}

/// Follows the processor through its translations. Each call comes when a step has been taken and before the next one is, with
/// the machine in the middle of an instruction: it may be looked at, and must not be run.
public protocol TranslationStepper: AnyObject {
  func took(_ step: TranslationStep, at moment: EventMoment)
}

extension MMU {
  @inline(__always)
  func took(_ step: @autoclosure () -> TranslationStep) {
    if stepper != nil { tellStepper(step()) }
  }

  @inline(never)
  private func tellStepper(_ step: TranslationStep) {
    stepper?.took(step, at: observation.moment())
  }
}
