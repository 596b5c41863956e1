import Emulator
import GuestImages
import IA32
import Reports

/// A function that has been called and has not returned.
public struct CallFrame: Sendable {
  /// The linear address of its next instruction: for all but the first, behind a CALL.
  public var linear: UInt32
  /// EAX to EDI as they were when it made its call; nil for one whose value is lost.
  public var general: [UInt32?]
  /// Where its return address lies; nil where that is not known.
  public var returnSlot: UInt32?
  /// Whether its next instruction is about to be executed, and not behind a call.
  public var isInnermost: Bool

  /// An address inside its code, for symbols and lines.
  public var inside: UInt32 { isInnermost ? linear : linear &- 1 }
}

/// The calls that led here: by the image's call-frame rules where it has some, else by the chain of frame pointers.
public struct CallFrames {
  /// The innermost first. At least one.
  public private(set) var frames: [CallFrame] = []
  /// Why the chain ends where it does; nil for its proper end.
  public private(set) var end: String?

  private let session: DebuggerSession
  private let view: MemoryView
  private let pointers: FramePointers
  /// What is added to an offset in CS.
  private let base: UInt32

  /// - Parameter limit: frames at most.
  public init(_ session: DebuggerSession, atMost limit: Int) {
    self.session = session
    view = MemoryView(session.machine, .processor)
    pointers = FramePointers(session.machine)
    let registers = session.machine.registers
    base = registers[SegmentRegister.cs].base
    var frame: CallFrame? = CallFrame(
      linear: session.nextInstruction, general: registers.general, isInnermost: true)
    while let current = frame {
      frames.append(current)
      guard let caller = caller(of: current, isWanted: frames.count < limit) else { return }
      frames[frames.count - 1].returnSlot = caller.slot
      guard frames.count < limit else {
        end = "more than \(limit) frames: 'bt N' shows N"
        return
      }
      frame = caller.frame
    }
  }

  /// nil at the end of the chain, which is proper unless `end` says otherwise.
  private mutating func caller(of frame: CallFrame, isWanted: Bool) -> (frame: CallFrame, slot: UInt32)? {
    if let found = byRules(frame) {
      if let before = frames.dropLast().last?.returnSlot, found.slot <= before {
        end = "the frame at \(LinearAddress(found.slot)) lies below its callee's: the chain is broken"
        return nil
      }
      return found.frame.linear == base ? nil : found
    }
    if frame.isInnermost, let stack = frame.general[4],
      let slot = pointers.returnSlot(atEntry: frame.linear, stack: stack), let back = try? view.load32(slot)
    {
      var caller = CallFrame(linear: base &+ back, general: frame.general, isInnermost: false)
      caller.general[4] = slot &+ 4
      return (caller, slot)
    }
    return byFramePointer(frame, isWanted: isWanted)
  }

  private func byRules(_ frame: CallFrame) -> (frame: CallFrame, slot: UInt32)? {
    guard let information = session.debugInformation else { return nil }
    let load = { [view] (linear: UInt32) in try? view.load32(linear) }
    let address = session.linked(frame.inside)
    let context = FrameContext(general: frame.general, address: session.linked(frame.linear), load: load)
    guard let caller = information.caller(at: address, context) else { return nil }
    return (
      CallFrame(linear: base &+ caller.context.address, general: caller.context.general, isInnermost: false),
      caller.frameAddress &- 4
    )
  }

  private mutating func byFramePointer(_ frame: CallFrame, isWanted: Bool) -> (
    frame: CallFrame, slot: UInt32
  )? {
    guard let pointer = frame.general[5] else {
      end = "EBP of the frame at \(LinearAddress(frame.linear)) is lost"
      return nil
    }
    guard pointer != 0 else { return nil }
    guard isWanted || pointer & 3 == 0 else { return nil }
    do throws(ReportError) {
      let (saved, back) = try pointers.link(at: pointer)
      guard base &+ back != 0 else { return nil }
      var general = [UInt32?](repeating: nil, count: 8)
      general[4] = pointer &+ 8
      general[5] = saved
      return (CallFrame(linear: base &+ back, general: general, isInnermost: false), pointer &+ 4)
    } catch {
      end = error.message
      return nil
    }
  }
}

extension DebuggerSession {
  /// The address at which the code at `linear` is linked.
  func linked(_ linear: UInt32) -> UInt32 { places.linkedAddress(of: linear, isPaged: isPaged) }

  /// The frame that `up` and `down` chose: the innermost, if nothing else was chosen since the guest moved.
  /// - Throws: `ShellError` when there is no such frame any more.
  public func frame() throws(ShellError) -> CallFrame {
    let frames = CallFrames(self, atMost: selectedFrame + 1).frames
    guard selectedFrame < frames.count else {
      throw ShellError("there is no frame \(selectedFrame): 'bt' lists them")
    }
    return frames[selectedFrame]
  }

  /// The variables in scope in the chosen frame, innermost scopes last.
  /// - Throws: `ShellError` for an image without DWARF.
  func variablesInScope() throws(ShellError) -> [SourceVariable] {
    guard let information = debugInformation else {
      throw ShellError("the image does not describe its variables: compile it with -g")
    }
    let frame = try frame()
    let view = MemoryView(machine, .processor)
    let context = FrameContext(general: frame.general, address: linked(frame.linear)) { try? view.load32($0) }
    return information.variables(at: linked(frame.inside), context)
  }
}
