import IA32

/// The processor as its observers see it.
extension CPU: ObservedProcessor {
  /// Where the processor is, exact in the middle of a block.
  var moment: EventMoment {
    let op = control.pointee.current
    let eip = op?.pointee.eip ?? state.pointee.eip
    return EventMoment(
      processor: number, cycle: clock.state.pointee.now,
      instruction: counters.pointee.instructions &+ UInt64(op?.pointee.position ?? 0), eip: eip,
      linear: state.pointee.cs.base &+ eip)
  }

  var walksPAETables: Bool { mmu.control.pointee.mode == .pae }

  var pointerTable: UInt64 { mmu.pointerTable }

  /// What the fast paths may do depends on what is followed.
  func observationChanged() { mmu.observationChanged() }

  /// An instruction begins: told by the loop that follows instructions.
  @inline(never)
  func tellInstruction(_ op: UnsafeMutablePointer<Op>) {
    // Markers of a block, and an instruction at which the loop comes back first.
    guard op.pointee.length > 0, op.pointee.handler != .leave else { return }
    begin(op)
    observation.tell(
      .instruction(
        InstructionEvent(length: op.pointee.length, privilegeLevel: state.pointee.privilegeLevel)))
    end(op)
    // An observer that asks for a stop means: after this instruction.
    if control.pointee.stop != nil { arm(op + 1) }
  }
}
