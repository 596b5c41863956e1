import Emulator
import IA32

/// Where a processor stands.
public struct GuestPosition: Hashable, Sendable {
  /// The offset of the next instruction in its code segment.
  public var eip: UInt32
  /// The symbol around it, such as "kernel_main+0x14"; nil if the image names none.
  public var symbol: String?
  /// The clock.
  public var cycle: UInt64

  /// - Parameter symbol: such as "kernel_main+0x14"; nil if the image names none.
  public init(eip: UInt32, symbol: String?, cycle: UInt64) {
    self.eip = eip
    self.symbol = symbol
    self.cycle = cycle
  }

  /// Such as "00100014 kernel_main+0x14, cycle 1234".
  public var description: String {
    let place = [hexadecimal(UInt64(eip), digits: 8), symbol].compactMap(\.self).joined(separator: " ")
    return "\(place), cycle \(cycle)"
  }
}

/// How a run ended: the reason, the place, what explains it, and what else is to be said at the end.
public struct RunEnding: Report, Hashable, Sendable {
  /// Why it ended.
  public var reason: StopReason
  /// Where the processor stood.
  public var position: GuestPosition
  /// What explains the end: a post-mortem's lines, the invariants that are broken.
  public var details: [String]
  /// Sentences about the whole run, one line each: how often it was audited, what a device lost.
  public var remarks: [String]

  /// - Parameters:
  ///   - details: what explains the end, without indentation.
  ///   - remarks: sentences about the whole run.
  public init(
    _ reason: StopReason, at position: GuestPosition, details: [String] = [], remarks: [String] = []
  ) {
    self.reason = reason
    self.position = position
    self.details = details
    self.remarks = remarks
  }

  /// See `StopReason.exitStatus`.
  public var exitStatus: Int32 { reason.exitStatus }

  /// What to say at the end. A guest that ended as it meant to has its remarks alone.
  public var lines: [String] { sentence + remarks }

  private var sentence: [String] {
    switch reason {
    case .exit, .observed: []
    default: ["\(reason.sentence) \(position.description)"] + details.map { "  " + $0 }
    }
  }

  /// An object: reason, value, status, where it ended, the details and the remarks.
  public var json: JSONValue {
    guard case .object(let members) = reason.json else { return .null }
    return .object(
      members + [
        .init("status", .number(UInt64(exitStatus))), .init("eip", .linear(position.eip)),
        .init("symbol", .optional(position.symbol)), .init("cycle", .number(position.cycle)),
        .init("details", .array(details.map { .string($0) })),
        .init("remarks", .array(remarks.map { .string($0) })),
      ])
  }
}
