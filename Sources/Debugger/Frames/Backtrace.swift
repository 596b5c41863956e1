import Emulator
import IA32
import Reports

/// `bt`: the calls that led here.
struct Backtrace: Report {
  struct Frame {
    var linear: UInt32
    var place: String
    /// EBP in this frame; nil if it is lost.
    var pointer: UInt32?
    var isChosen: Bool
  }

  private(set) var frames: [Frame] = []
  /// Why the chain ends where it does; nil for its proper end.
  let end: String?

  init(_ session: DebuggerSession, atMost limit: Int) {
    let calls = CallFrames(session, atMost: limit)
    end = calls.end
    frames = calls.frames.enumerated().map { index, frame in
      Frame(
        linear: frame.linear, place: session.description(of: frame), pointer: frame.general[5],
        isChosen: index == session.selectedFrame && index > 0)
    }
  }

  var lines: [String] {
    let width = String(frames.count - 1).count
    return frames.enumerated().map { index, frame in
      "#" + String(index).padded(to: width + 1) + frame.place + (frame.isChosen ? "  <- chosen" : "")
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
              .init("frame", $0.pointer.map { .linear($0) } ?? .null),
            ])
          })), .init("end", .optional(end)),
    ])
  }
}

extension DebuggerSession {
  /// Such as "00100234 guest_main+0x14 (images/stale/stale.c:301)": the line is the call's, not the one behind it.
  func description(of frame: CallFrame) -> String {
    let line = places.line(at: frame.inside, isPaged: isPaged).map { " (\($0.description))" } ?? ""
    let symbol = shortSymbol(frame.linear).map { " \($0)" } ?? ""
    return LinearAddress(frame.linear).description + symbol + line
  }
}
