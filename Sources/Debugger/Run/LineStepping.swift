import Emulator
import GuestImages
import IA32
import Reports

/// Steps by lines of the source.
extension DebuggerSession {
  /// What becomes of calls.
  public enum LineStep: Sendable {
    /// They are stepped into, if the called function has lines.
    case into
    /// They belong to their line.
    case over
  }

  /// Runs until a statement of another line begins, or the function has returned. Interrupts and faults that the guest handles
  /// on the way belong to the line. Where the code has no line it is one instruction.
  /// - Throws: `ShellError` when the guest has ended.
  @discardableResult
  public func stepLine(_ kind: LineStep) throws(ShellError) -> Standing {
    guard let first = stretch(at: nextInstruction)?.place else {
      return kind == .into ? try step() : try stepOver()
    }
    let slot = CallFrames(self, atMost: 2).frames[0].returnSlot
    takeConsole()
    defer { giveConsole() }
    let detour = Detour(machine)
    defer { detour.end() }
    while true {
      let standing = try stepInLine(kind, detour)
      let isStep = standing.reason == .stepped || standing.reason.isBreakpoint
      guard standing.hits.isEmpty, isStep, ended == nil else { return standing }
      let next = nextInstruction
      // Back in the caller, in the middle of the line that called.
      if let slot, machine.registers[GeneralRegister.esp] > slot { return standing }
      guard let here = stretch(at: next), here.place != first else { continue }
      if here.isStatement, here.range.lowerBound == linked(next) { return standing }
    }
  }

  private func stretch(at linear: UInt32) -> LineTable.Stretch? {
    places.lines?.stretch(at: linked(linear))
  }

  /// An instruction, with a call that is not wanted, or an interrupt's handler, as part of it.
  private func stepInLine(_ kind: LineStep, _ detour: Detour) throws(ShellError) -> Standing {
    let behind = behindCall
    let stack = machine.registers[GeneralRegister.esp]
    if let behind, kind == .over { return try run(to: Destination([behind], above: stack &- 1)) }
    detour.codeBytes = nil
    let standing = try step()
    guard standing.hits.isEmpty, ended == nil else { return standing }
    let top = machine.registers[GeneralRegister.esp]
    if let bytes = detour.codeBytes, let back = try runBack(codeBytes: bytes) { return back }
    if let behind, top < stack, stretch(at: nextInstruction) == nil {
      return try run(to: Destination([behind], above: stack &- 1))
    }
    return standing
  }
}
