/// One counter of an 8254, as a value that is moved to a tick of its clock in one step, however far that is.
///
/// Intel 8254 Programmable Interval Timer, order number 231164: "Mode Definitions", "Read Operations" and
/// "Gate". A tick is a CLK pulse. Where the data sheet forbids a count (1 in modes 2 and 3) the counter takes 2.
struct PIT8254Channel: Sendable, Hashable, Codable {
  /// Which bytes of the count are read and written: RW1 and RW0 of the control word.
  enum Bytes: UInt8, Sendable, Hashable, Codable {
    case low = 1
    case high = 2
    case both = 3
  }

  // MARK: What is programmed

  /// 0 to 5.
  private(set) var mode: UInt8 = 0
  private(set) var bcd = false
  private(set) var bytes = Bytes.both
  /// The count register as a number of ticks, 1 to 65536 (or 10000); `nil` until a count is written.
  private(set) var reload: UInt64?
  /// The low byte of a two-byte count whose high byte hasn't been written.
  private(set) var firstByte: UInt8?
  /// Whether the counting element hasn't taken over the count written last.
  private(set) var nullCount = true
  /// The GATE input.
  private(set) var gate = true

  // MARK: What counts

  /// The OUT output.
  private(set) var out = false
  /// The tick up to which everything here is true.
  private(set) var tick: UInt64 = 0
  /// Whether the next tick moves the count register into the counting element.
  private(set) var loads = false
  /// Whether the counting element has been loaded since the control word.
  private(set) var counting = false
  /// The count that the present period of modes 2 and 3 was loaded with.
  private var period: UInt64 = 1
  /// Ticks, at least 1, until the counting element is next reloaded (mode 2, and mode 3 at each half-wave) or
  /// reaches 0 (the others).
  private var remaining: UInt64 = 1
  /// Whether modes 0, 1, 4 and 5 have reached 0 since they were loaded.
  private var expired = false

  // MARK: What is read

  private var latchedCount: UInt16?
  private var latchedStatus: UInt8?
  /// Whether the next byte read of a two-byte count is its high one.
  private var readsHigh = false

  /// Whether a counter can be in this state at a tick.
  func isPossible(at now: UInt64) -> Bool {
    let counts: ClosedRange<UInt64> = 1...65_536
    return mode <= 5 && (reload.map(counts.contains) ?? true) && counts.contains(period)
      && counts.contains(remaining) && tick <= now &+ 65_536
  }

  /// The counting element's range: 65536, or 10000 in BCD.
  private var modulus: UInt64 { bcd ? 10_000 : 65_536 }

  /// Whether ticks move the counting element.
  private var runs: Bool {
    guard counting else { return false }
    return switch mode {
    case 1, 5: true
    // Writing the first byte of two stops mode 0.
    case 0: gate && firstByte == nil
    default: gate
    }
  }

  // MARK: Time

  /// Moves on to tick `target`; nothing happens if that is past.
  mutating func advance(to target: UInt64) {
    guard target > tick else { return }
    if loads {
      load()
      tick &+= 1
    }
    run(target &- tick)
    tick = target
  }

  /// The first tick after `tick` at which something happens by itself: OUT changes or the count is taken over.
  var nextChange: UInt64? {
    if loads { return tick &+ 1 }
    guard runs else {
      return isStrobing ? tick &+ 1 : nil
    }
    switch mode {
    case 0, 1: return expired ? nil : tick &+ remaining
    case 2: return tick &+ (remaining > 1 ? remaining &- 1 : 1)
    case 3: return tick &+ remaining
    default: return isStrobing ? tick &+ 1 : expired ? nil : tick &+ remaining
    }
  }

  /// Whether modes 4 and 5 are in the one tick in which OUT is low.
  private var isStrobing: Bool { mode >= 4 && counting && !out }

  private mutating func load() {
    loads = false
    guard let reload else { return }
    nullCount = false
    counting = true
    expired = false
    // Low from here on in mode 0, which waits, and in mode 1, which was triggered.
    out = mode > 1
    switch mode {
    case 2:
      startPeriod(reload)
      remaining = period
    case 3:
      startPeriod(reload)
      remaining = (period &+ 1) / 2
    default:
      remaining = reload
    }
  }

  /// Begins a period or half-wave with what the count register holds by now.
  private mutating func startPeriod(_ count: UInt64) {
    period = max(2, count)
    nullCount = false
  }

  private mutating func run(_ ticks: UInt64) {
    guard ticks > 0 else { return }
    if isStrobing { out = true }
    guard runs else { return }
    switch mode {
    case 2: runRateGenerator(ticks)
    case 3: runSquareWave(ticks)
    default: runToZero(ticks)
    }
  }

  /// Modes 0, 1, 4 and 5: count to 0 once, then wrap for ever.
  private mutating func runToZero(_ ticks: UInt64) {
    if ticks >= remaining {
      let beyond = ticks &- remaining
      if !expired {
        expired = true
        // The strobes are low for the one tick at which they reach 0.
        out = mode <= 1 || beyond > 0
      }
      remaining = modulus &- beyond % modulus
    } else {
      remaining &-= ticks
    }
  }

  /// Mode 2: OUT is low in the last tick of each period.
  private mutating func runRateGenerator(_ ticks: UInt64) {
    if ticks >= remaining {
      startPeriod(reload ?? period)
      remaining = period &- (ticks &- remaining) % period
    } else {
      remaining &-= ticks
    }
    out = remaining != 1
  }

  /// Mode 3: high for the longer half of an odd count.
  private mutating func runSquareWave(_ ticks: UInt64) {
    var ticks = ticks
    // At most one half-wave of the old count, then whole periods of the new, then at most two halves.
    if ticks >= remaining {
      ticks &-= remaining
      toggle()
      ticks %= period
      while ticks >= remaining {
        ticks &-= remaining
        toggle()
      }
    }
    remaining &-= ticks
  }

  private mutating func toggle() {
    out.toggle()
    startPeriod(reload ?? period)
    remaining = out ? (period &+ 1) / 2 : period / 2
  }

  // MARK: Control

  /// A control word for this counter, with everything else as after a reset of its logic.
  mutating func setMode(_ mode: UInt8, bytes: Bytes, bcd: Bool) {
    // The two values that the three bits have too many are modes 2 and 3.
    self.mode = mode > 5 ? mode &- 4 : mode
    self.bytes = bytes
    self.bcd = bcd
    reload = nil
    firstByte = nil
    nullCount = true
    loads = false
    counting = false
    expired = false
    latchedCount = nil
    latchedStatus = nil
    readsHigh = false
    remaining = (remaining &- 1) % modulus &+ 1
    out = self.mode != 0
  }

  /// Writes a byte of the count.
  mutating func write(_ value: UInt8) {
    switch bytes {
    case .low: setCount(UInt16(value))
    case .high: setCount(UInt16(value) << 8)
    case .both:
      if let low = firstByte {
        firstByte = nil
        setCount(UInt16(value) << 8 | UInt16(low))
      } else {
        firstByte = value
        if mode == 0 { out = false }
      }
    }
  }

  private mutating func setCount(_ value: UInt16) {
    let count = bcd ? Self.decimal(value) : UInt64(value)
    reload = count == 0 ? modulus : count
    nullCount = true
    switch mode {
    case 0:
      out = false
      loads = true
    case 4: loads = true
    // A trigger loads the new count.
    case 1, 5: break
    // The first count is loaded at once, later ones when the period or half-wave ends.
    default: if !counting { loads = true }
    }
  }

  /// Puts the GATE input to a level.
  mutating func setGate(_ level: Bool) {
    let rises = level && !gate
    gate = level
    switch mode {
    case 1, 5:
      if rises, reload != nil { loads = true }
    case 2, 3:
      if rises, reload != nil { loads = true }
      if !level { out = true }
    default: break
    }
  }

  // MARK: Reading

  /// The counting element, as it is read.
  var count: UInt16 {
    let number: UInt64 =
      if mode == 3, counting {
        out && period & 1 != 0 ? (remaining &- 1) &* 2 : remaining &* 2
      } else {
        remaining
      }
    let shown = number % modulus
    return bcd ? Self.binaryCodedDecimal(shown) : UInt16(truncatingIfNeeded: shown)
  }

  /// The status byte of the read-back command.
  var status: UInt8 {
    (out ? 0x80 : 0) | (nullCount ? 0x40 : 0) | bytes.rawValue << 4 | mode << 1 | (bcd ? 1 : 0)
  }

  /// Latches the count until it is read; a second latch before that changes nothing.
  mutating func latchCount() {
    if latchedCount == nil { latchedCount = count }
  }

  /// Latches the status until it is read.
  mutating func latchStatus() {
    if latchedStatus == nil { latchedStatus = status }
  }

  /// Reads a byte: a latched status first, then a latched count, then what counts.
  mutating func read() -> UInt8 {
    if let status = latchedStatus {
      latchedStatus = nil
      return status
    }
    let value = latchedCount ?? count
    let high = bytes == .high || (bytes == .both && readsHigh)
    if bytes == .both { readsHigh.toggle() }
    if bytes != .both || high { latchedCount = nil }
    return UInt8(truncatingIfNeeded: high ? value >> 8 : value)
  }

  /// The number that four decimal digits are. Digits above 9 count as they stand, as far as the range goes.
  private static func decimal(_ value: UInt16) -> UInt64 {
    let digits = (0..<4).map { UInt64(value >> (4 * $0)) & 15 }
    return min(9_999, digits[0] + 10 * digits[1] + 100 * digits[2] + 1_000 * digits[3])
  }

  private static func binaryCodedDecimal(_ value: UInt64) -> UInt16 {
    let digits = [value % 10, value / 10 % 10, value / 100 % 10, value / 1_000 % 10]
    return UInt16(truncatingIfNeeded: digits[0] | digits[1] << 4 | digits[2] << 8 | digits[3] << 12)
  }
}
