import Emulator

/// An event with its moment, as traces hold it: a kind, and the kind's fields as numbers (`EventSchema`).
public struct TraceEvent: Sendable, Equatable {
  /// The most fields that a kind has.
  public static let fieldLimit = 12

  /// The bit's number in `EventKinds`.
  public var kind: UInt8
  /// A bit for each field that the event has.
  public var present: UInt16
  /// The fields in the schema's order; 0 where absent.
  public var fields: InlineArray<12, UInt64>
  /// Cycles that a walk took; 0 for other kinds. It belongs to the time, as `moment.cycle` does.
  public var duration: UInt64
  public var moment: EventMoment

  public init(kind: UInt8, moment: EventMoment) {
    self.kind = kind
    present = 0
    fields = InlineArray(repeating: 0)
    duration = 0
    self.moment = moment
  }

  public var kinds: EventKinds { EventKinds(rawValue: 1 << UInt32(kind)) }

  @inline(__always)
  mutating func set(_ index: Int, _ value: UInt64) {
    fields[index] = value
    present |= 1 << UInt16(index)
  }

  @inline(__always)
  mutating func set(_ index: Int, _ value: UInt64?) {
    if let value { set(index, value) }
  }

  @inline(__always)
  func has(_ index: Int) -> Bool { present >> UInt16(index) & 1 != 0 }

  public static func == (a: TraceEvent, b: TraceEvent) -> Bool {
    guard a.kind == b.kind, a.present == b.present, a.moment == b.moment, a.duration == b.duration else {
      return false
    }
    for index in 0..<fieldLimit where a.fields[index] != b.fields[index] { return false }
    return true
  }
}

extension EventKinds {
  /// The names of the kinds in the order of their bits, as command lines and traces spell them.
  public static let names = [
    "instruction", "access", "walk", "tlb-fill", "tlb-evict", "flush", "pte-store", "fault", "interrupt",
    "mmio", "port", "task", "mode", "console",
  ]

  /// Such as "walk,flush".
  public var list: String {
    Self.names.indices.filter { rawValue >> UInt32($0) & 1 != 0 }.map { Self.names[$0] }
      .joined(separator: ",")
  }

  /// Reads `list`, and "all".
  ///
  /// - Throws: `EventKindsError` with a sentence.
  public init(list: String) throws(EventKindsError) {
    self = []
    for word in list.split(separator: ",", omittingEmptySubsequences: false) {
      if word == "all" {
        formUnion(.all)
        continue
      }
      guard let index = Self.names.firstIndex(of: String(word)) else {
        throw EventKindsError(word: String(word))
      }
      insert(EventKinds(rawValue: 1 << UInt32(index)))
    }
  }
}

/// A word that names no kind of event.
public struct EventKindsError: Error, CustomStringConvertible {
  public var word: String
  public var description: String {
    "the event kind '\(word)' is not known; expected some of \(EventKinds.names.joined(separator: ",")), or all"
  }
}
