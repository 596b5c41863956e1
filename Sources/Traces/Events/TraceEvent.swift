import Emulator

/// An event with its moment, as traces hold it: a kind, and the kind's fields as numbers.
public struct TraceEvent: Sendable, Equatable {
  /// How many fields a kind may have.
  public static let maxFields = 16

  /// What happened.
  public var kind: EventKind
  /// A bit for each field that the event has, in the schema's order.
  public private(set) var present: UInt16 = 0
  /// The fields in the schema's order; 0 where absent.
  private var fields: InlineArray<16, UInt64> = InlineArray(repeating: 0)
  /// Cycles that a walk took; 0 for other kinds. It belongs to the time, as `moment.cycle` does.
  public var duration: UInt64 = 0
  /// When and where it happened.
  public var moment: EventMoment

  /// An event without fields.
  public init(kind: EventKind, moment: EventMoment) {
    self.kind = kind
    self.moment = moment
  }

  /// The value of a field by its place in the schema; 0 where the event doesn't have it.
  @inline(__always)
  public subscript(index: Int) -> UInt64 { fields[index] }

  /// Whether the event has the field at that place in the schema.
  @inline(__always)
  public func has(_ index: Int) -> Bool { present >> UInt16(truncatingIfNeeded: index) & 1 != 0 }

  /// Gives the event a field, by its place in the schema.
  @inline(__always)
  mutating func set(_ index: Int, _ value: UInt64) {
    fields[index] = value
    present |= 1 << UInt16(truncatingIfNeeded: index)
  }

  /// Takes a field from the event.
  mutating func remove(_ field: some EventFields) {
    fields[field.rawValue] = 0
    present &= ~(1 << UInt16(truncatingIfNeeded: field.rawValue))
  }

  /// The value of a field; 0 where the event doesn't have it. The fields must be those of the event's kind.
  @inline(__always)
  public subscript(field: some EventFields) -> UInt64 { fields[field.rawValue] }

  /// The value of a field; nil where the event doesn't have it.
  public func value(_ field: some EventFields) -> UInt64? { has(field) ? self[field] : nil }

  /// Whether the event has the field.
  @inline(__always)
  public func has(_ field: some EventFields) -> Bool { has(field.rawValue) }

  public static func == (a: TraceEvent, b: TraceEvent) -> Bool {
    guard a.kind == b.kind, a.present == b.present, a.moment == b.moment, a.duration == b.duration else {
      return false
    }
    for index in 0..<maxFields where a.fields[index] != b.fields[index] { return false }
    return true
  }
}

extension TraceEvent: FieldSink {
  @inline(__always)
  mutating func put(_ field: some EventFields, _ value: UInt64) { set(field.rawValue, value) }
}
