import Emulator
import IA32

/// Stack frames of code that keeps EBP as a frame pointer: one step of the chain, which `CallStack` and the debugger follow.
public struct FramePointers {
  private let machine: Machine
  private let view: MemoryView

  /// Reads the frames from the memory of `machine`, by its page tables.
  public init(_ machine: Machine) {
    self.machine = machine
    view = MemoryView(machine, .processor)
  }

  /// Where the return address lies in a function that has not set up its frame yet: the next instruction, at `linear`,
  /// pushes EBP or loads it, and EBP is the caller's. nil anywhere else.
  /// - Parameter stack: ESP.
  public func returnSlot(atEntry linear: UInt32, stack: UInt32) -> UInt32? {
    // push ebp; mov ebp, esp (two encodings).
    let code = (try? MemoryView(machine, .code).read(UInt64(linear), count: 3)) ?? []
    let setsFrame: [[UInt8]] = [[0x89, 0xe5], [0x8b, 0xec]]
    if code.first == 0x55, setsFrame.contains(Array(code.dropFirst())) { return stack }
    if setsFrame.contains(Array(code.prefix(2))) { return stack &+ 4 }
    return nil
  }

  /// The caller's EBP and the return address, an offset in CS, of the frame at `pointer`, which is not 0.
  /// - Throws: `ReportError` with the reason why the chain ends here.
  public func link(at pointer: UInt32) throws(ReportError) -> (saved: UInt32, back: UInt32) {
    guard pointer & 3 == 0 else {
      throw ReportError(
        "EBP is \(LinearAddress(pointer)), which is not a frame: code without frame pointers?")
    }
    let saved: UInt32
    let back: UInt32
    do throws(ReportError) {
      saved = try view.load32(pointer)
      back = try view.load32(pointer &+ 4)
    } catch {
      throw ReportError("the frame at \(LinearAddress(pointer)) can't be read: \(error.message)")
    }
    // Stacks grow down: a caller's frame lies above, or something has overwritten the chain.
    guard saved == 0 || saved > pointer else {
      throw ReportError(
        "the frame at \(LinearAddress(pointer)) links down to \(LinearAddress(saved)): the chain is broken")
    }
    return (saved, back)
  }
}
