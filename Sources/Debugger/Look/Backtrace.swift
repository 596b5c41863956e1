import Emulator
import IA32
import Reports

/// `bt`: the calls that led here, by the chain of frame pointers.
struct Backtrace: Report {
  struct Frame {
    var linear: UInt32
    var place: String
    /// EBP in this frame.
    var frame: UInt32
  }

  var frames: [Frame] = []
  /// Why the chain ends where it does; nil for a frame pointer of 0, which ends it properly.
  var end: String?

  init(_ session: DebuggerSession, atMost limit: Int) {
    let registers = session.machine.registers
    let view = MemoryView(session.machine, .processor)
    let base = registers[SegmentRegister.cs].base
    var linear = session.nextInstruction
    var frame = registers[GeneralRegister.ebp]
    while true {
      // A return address lies behind its call: one byte before it is inside.
      let inside = frames.isEmpty ? linear : linear &- 1
      let line =
        session.places.line(at: inside, isPaged: session.isPaged).map { " (\($0.description))" } ?? ""
      let symbol = session.shortSymbol(linear).map { " \($0)" } ?? ""
      frames.append(
        Frame(linear: linear, place: hexadecimal(UInt64(linear), digits: 8) + symbol + line, frame: frame))
      if frames.count == 1, frames.count < limit,
        let back = Self.returnAddress(session, view, linear, registers[GeneralRegister.esp])
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
      do throws(ShellError) {
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
    _ session: DebuggerSession, _ view: MemoryView, _ linear: UInt32, _ stack: UInt32
  ) -> UInt32? {
    // push ebp; mov ebp, esp (two encodings).
    let code = (try? MemoryView(session.machine, .code).read(UInt64(linear), count: 3)) ?? []
    let setsFrame: [[UInt8]] = [[0x89, 0xe5], [0x8b, 0xec]]
    if code.first == 0x55, setsFrame.contains(Array(code.dropFirst())) { return try? view.load32(stack) }
    if setsFrame.contains(Array(code.prefix(2))) { return try? view.load32(stack &+ 4) }
    return nil
  }

  var lines: [String] {
    let width = String(frames.count - 1).count
    return frames.enumerated().map { index, frame in
      let number = String(index)
      return "#" + number.padded(to: width + 1) + frame.place
    } + (end.map { ["! \($0)"] } ?? [])
  }

  var json: JSONValue {
    .object([
      .init(
        "frames",
        .array(
          frames.map {
            .object([
              .init("linear", .linear($0.linear)), .init("place", .string($0.place)),
              .init("frame", .linear($0.frame)),
            ])
          })), .init("end", .optional(end)),
    ])
  }
}
