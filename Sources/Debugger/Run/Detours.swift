import Emulator
import IA32
import Reports

/// What may lead away from the code being stepped, and belongs to the step when it has come back.
public enum Detours: Sendable {
  /// External interrupts.
  case interrupts
  /// External interrupts, and exceptions that the guest handles.
  case interruptsAndFaults
}

extension DebuggerSession {
  /// One instruction, with the handlers of what comes in between.
  /// - Throws: `ShellError` when the guest has ended.
  @discardableResult
  public func step(past detours: Detours) throws(ShellError) -> Standing {
    takeConsole()
    defer { giveConsole() }
    let detour = Detour(machine, detours)
    defer { detour.end() }
    while true {
      detour.codeBytes = nil
      let standing = try step()
      guard standing.hits.isEmpty, ended == nil, let bytes = detour.codeBytes else { return standing }
      let back = try runBack(codeBytes: bytes)
      // Something else than the handler's end stopped it, or the handler goes elsewhere.
      guard let back, back.hits.isEmpty, ended == nil, back.reason.isBreakpoint else {
        return back ?? standing
      }
    }
  }

  /// Runs from a handler's first instruction to where it returns to; nil if that can't be read from the stack.
  func runBack(codeBytes: UInt32) throws(ShellError) -> Standing? {
    let top = machine.registers[GeneralRegister.esp]
    guard let back = try? MemoryView(machine, .processor).load32(top &+ codeBytes) else { return nil }
    let linear = machine.registers[SegmentRegister.cs].base &+ back
    return try run(to: Destination([linear], above: top))
  }
}

/// Notes interrupts and faults that lead away from the code being stepped.
final class Detour {
  /// How many bytes of error code lie on the stack below the address to return to; nil as long as nothing has led away.
  var codeBytes: UInt32?
  private let machine: Machine
  private var observer: ObserverID?

  init(_ machine: Machine, _ detours: Detours = .interruptsAndFaults) {
    self.machine = machine
    observer = nil
    let kinds: EventKinds = detours == .interrupts ? .interrupt : [.interrupt, .fault]
    observer = machine.observe(kinds) { [unowned self] event, _ in
      switch event {
      case .interrupt(let interrupt) where !interrupt.isSoftware: self.codeBytes = 0
      case .fault(let fault):
        let pushesCode = ExceptionVector(rawValue: fault.vector)?.pushesErrorCode ?? false
        self.codeBytes = pushesCode ? 4 : 0
      default: break
      }
    }
  }

  func end() {
    if let observer { machine.stopObserving(observer) }
    observer = nil
  }
}
