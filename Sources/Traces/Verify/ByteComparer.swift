import Emulator

/// Codes a run's events as the golden's were, and compares the bytes: what a verifier does for each event. A struct that is reached
/// through a pointer, so that nothing is checked, copied or counted on the way.
struct ByteComparer: ~Copyable {
  /// The present block of the run, as far as it is the same as the golden's.
  private(set) var encoder = EventEncoder()
  private var events = ByteBuffer()
  private var times = ByteBuffer()
  private var eventOffset = 0
  private var timeOffset = 0
  private let ignoresTime: Bool
  /// Events of the golden's present block; 0 where it has ended.
  private(set) var count: UInt32 = 0
  /// How many events were the same in the blocks before this one.
  private var before: UInt64 = 0

  init(ignoresTime: Bool) { self.ignoresTime = ignoresTime }

  /// Events of the present block that were the same.
  private var same: UInt32 = 0

  var compared: UInt64 { before &+ UInt64(same) }
  var isAtEndOfBlock: Bool { same == count }
  /// Whether nothing is left of the golden's block behind its last event.
  var isWhole: Bool { eventOffset == events.count && (ignoresTime || timeOffset == times.count) }

  /// Begins the golden's next block; nil at its end.
  mutating func begin(_ block: TraceBlock?) {
    before &+= UInt64(same)
    same = 0
    encoder.reset()
    eventOffset = 0
    timeOffset = 0
    count = block?.count ?? 0
    events.replace(with: block?.events ?? [])
    times.replace(with: block?.times ?? [])
  }

  /// Whether the event is the golden's next. There must be one.
  @inline(__always)
  mutating func take(_ event: MachineEvent, _ moment: EventMoment) -> Bool {
    encoder.append(event, moment)
    let (eventEnd, timeEnd) = (encoder.events.count, encoder.times.count)
    guard eventEnd <= events.count,
      Self.isSame(encoder.events.base, events.base, from: eventOffset, to: eventEnd),
      ignoresTime
        || timeEnd <= times.count
          && Self.isSame(encoder.times.base, times.base, from: timeOffset, to: timeEnd)
    else { return false }
    eventOffset = eventEnd
    timeOffset = timeEnd
    same &+= 1
    return true
  }

  @inline(__always)
  private static func isSame(
    _ a: UnsafeMutablePointer<UInt8>, _ b: UnsafeMutablePointer<UInt8>, from: Int, to: Int
  ) -> Bool {
    var index = from
    while index < to {
      if a[index] != b[index] { return false }
      index &+= 1
    }
    return true
  }
}
