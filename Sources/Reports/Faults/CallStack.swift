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
    let view = MemoryView(machine, .processor)
    let base = registers[SegmentRegister.cs].base
    var linear = start
    var frame = registers[GeneralRegister.ebp]
    while true {
      frames.append(Frame(linear: linear, inside: frames.isEmpty ? linear : linear &- 1, frame: frame))
      if frames.count == 1, frames.count < limit,
        let back = Self.returnAddress(machine, view, linear, registers[GeneralRegister.esp])
      {
        linear = base &+ back
        continue
      }
      guard frame != 0 else { return }
      guard frames.count < limit else {
        end = "more than \(limit) frames: 'bt N' shows N"
        return
      }
      guard frame & 3 == 0 else {
        end = "EBP is \(LinearAddress(frame)), which is no frame: code without frame pointers?"
        return
      }
      do throws(ReportError) {
        let saved = try view.load32(frame)
        let back = try view.load32(frame &+ 4)
        // Stacks grow down: a caller's frame lies above, or something has overwritten the chain.
        guard saved == 0 || saved > frame else {
          end =
            "the frame at \(LinearAddress(frame)) links down to \(LinearAddress(saved)): the chain is broken"
          return
        }
        linear = base &+ back
        frame = saved
      } catch {
        end = "the frame at \(LinearAddress(frame)) can't be read: \(error.message)"
        return
      }
      if linear == 0 { return }
    }
  }

  /// The return address of a function that has not set up its frame yet: it is about to push EBP, or to load it. EBP is
  /// its caller's then.
  private static func returnAddress(
    _ machine: Machine, _ view: MemoryView, _ linear: UInt32, _ stack: UInt32
  ) -> UInt32? {
    // push ebp; mov ebp, esp (two encodings).
    let code = (try? MemoryView(machine, .code).read(UInt64(linear), count: 3)) ?? []
    let setsFrame: [[UInt8]] = [[0x89, 0xe5], [0x8b, 0xec]]
    if code.first == 0x55, setsFrame.contains(Array(code.dropFirst())) { return try? view.load32(stack) }
    if setsFrame.contains(Array(code.prefix(2))) { return try? view.load32(stack &+ 4) }
    return nil
  }
}
