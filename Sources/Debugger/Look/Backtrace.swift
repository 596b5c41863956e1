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

  let frames: [Frame]
  /// Why the chain ends where it does; nil for a frame pointer of 0, which ends it properly.
  let end: String?

  init(_ session: DebuggerSession, atMost limit: Int) {
    let calls = CallStack(session.machine, at: session.nextInstruction, atMost: limit)
    frames = calls.frames.map { call in
      let line =
        session.places.line(at: call.inside, isPaged: session.isPaged).map { " (\($0.description))" } ?? ""
      let symbol = session.shortSymbol(call.linear).map { " \($0)" } ?? ""
      return Frame(
        linear: call.linear, place: hexadecimal(UInt64(call.linear), digits: 8) + symbol + line,
        frame: call.frame)
    }
    end = calls.end
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
