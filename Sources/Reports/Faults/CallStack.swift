import Emulator
import IA32

/// The calls that led to an instruction, by the chain of frame pointers.
public struct CallStack: Sendable {
  /// A function that has not returned.
  public struct Frame: Hashable, Sendable {
    /// The next instruction in the innermost frame; the return address in the others.
    public var linear: UInt32
    /// An address inside the call, which a return address lies behind: what lines are looked up by.
    public var inside: UInt32
    /// EBP in this frame.
    public var frame: UInt32
  }

  /// The innermost first.
  public private(set) var frames: [Frame] = []
  /// Why the chain ends where it does; nil for a frame pointer of 0, which ends it properly.
  public private(set) var end: String?

  /// - Parameter limit: the most frames to follow.
  public init(_ machine: Machine, at start: UInt32, atMost limit: Int) {
    let registers = machine.registers
    let pointers = FramePointers(machine)
    let base = registers[SegmentRegister.cs].base
    var linear = start
    var frame = registers[GeneralRegister.ebp]
    while true {
      frames.append(Frame(linear: linear, inside: frames.isEmpty ? linear : linear &- 1, frame: frame))
      if frames.count == 1, frames.count < limit,
        let slot = pointers.returnSlot(atEntry: linear, stack: registers[GeneralRegister.esp]),
        let back = try? MemoryView(machine, .processor).load32(slot)
      {
        linear = base &+ back
        continue
      }
      guard frame != 0 else { return }
      guard frames.count < limit else {
        end = "more than \(limit) frames: 'bt N' shows N"
        return
      }
      do throws(ReportError) {
        let caller = try pointers.link(at: frame)
        linear = base &+ caller.back
        frame = caller.saved
      } catch {
        end = error.message
        return
      }
      if linear == 0 { return }
    }
  }
}
