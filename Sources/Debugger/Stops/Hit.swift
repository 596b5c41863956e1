import Emulator
import IA32
import Reports

/// What made a stop: seen in the middle of an instruction, told when the guest stands still.
public struct Hit: Sendable {
  /// The stop's number; nil for a temporary one of `finish` and the like, and for what `set stale` found.
  public internal(set) var stop: Int?
  /// The instruction that was executed then, or was about to be.
  public internal(set) var moment: EventMoment
  /// What happened, without the place: "write of 4 bytes at 40000123".
  public internal(set) var text: String
  /// The text says already which instruction it was.
  var namesPlace = false
  /// More lines, each a sentence or a row.
  public internal(set) var details: [String] = []
  /// What `$va` and `$pa` become.
  public internal(set) var linear: UInt32?
  /// The physical address it is about; nil where there is none.
  public internal(set) var physical: UInt64?
  /// The exception that it is about; nil where there is none.
  public internal(set) var fault: ExceptionVector?
  /// Bytes that an instruction is about to change, to be looked at when it has.
  var before: (physical: UInt64, bytes: [UInt8])?
  /// Before the instruction at `moment`, not inside it.
  public internal(set) var isBreakpoint = false

  var json: JSONValue {
    .object([
      .init("stop", stop.map { .number(UInt64($0)) } ?? .null), .init("text", .string(text)),
      .init("details", .array(details.map { .string($0) })),
      .init("cycle", .number(moment.cycle)), .init("eip", .linear(moment.eip)),
      .init("linear", linear.map { .linear($0) } ?? .null),
      .init("physical", physical.map { .physical($0) } ?? .null),
    ])
  }
}
