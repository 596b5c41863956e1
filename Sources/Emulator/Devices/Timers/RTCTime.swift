/// The ten time and calendar registers of a real-time clock, kept as the guest wrote them and moved on by a second
/// as the chip's update cycle does: Motorola MC146818A data sheet, "Time, Calendar and Alarm Locations".
struct RTCTime: Sendable, Hashable, Codable {
  /// How the numbers are written: register B's DM (binary) and 24/12 bits.
  struct Format: Sendable, Hashable {
    var isBinary: Bool
    var is24Hour: Bool

    func decode(_ value: UInt8) -> Int {
      isBinary ? Int(value) : Int(value >> 4) * 10 + Int(value & 15)
    }

    func encode(_ number: Int) -> UInt8 {
      UInt8(truncatingIfNeeded: isBinary ? number : (number / 10 % 10) << 4 | number % 10)
    }

    /// The hour of the day, 0 to 23 if the register holds a valid one.
    func decodeHour(_ value: UInt8) -> Int {
      if is24Hour { return decode(value) }
      let hour = decode(value & 0x7F) % 12
      return value & 0x80 != 0 ? hour + 12 : hour
    }

    func encodeHour(_ hour: Int) -> UInt8 {
      if is24Hour { return encode(hour) }
      return encode((hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0)
    }
  }

  var second: UInt8 = 0
  var minute: UInt8 = 0
  var hour: UInt8 = 0
  /// 1 is Sunday.
  var dayOfWeek: UInt8 = 1
  var day: UInt8 = 1
  var month: UInt8 = 1
  var year: UInt8 = 0
  /// The century, which the PC keeps in CMOS memory and in BCD.
  var century: UInt8 = 0x20

  init() {}

  /// The time `seconds` after 1970-01-01 00:00:00 in the proleptic Gregorian calendar, from year 0 to 9999.
  init(secondsSince1970 seconds: Int64, format: Format) {
    let earliest: Int64 = -62_167_219_200
    let latest: Int64 = 253_402_300_799
    let time = min(max(seconds, earliest), latest)
    let days = (time - earliest) / 86_400
    let inDay = Int((time - earliest) % 86_400)
    // Days since 0000-01-01; 146,097 days are 400 years.
    var year = Int(days / 146_097) * 400
    var rest = Int(days % 146_097)
    while rest >= Self.daysInYear(year) {
      rest -= Self.daysInYear(year)
      year += 1
    }
    var month = 1
    while rest >= Self.daysInMonth(month, year: year) {
      rest -= Self.daysInMonth(month, year: year)
      month += 1
    }
    second = format.encode(inDay % 60)
    minute = format.encode(inDay / 60 % 60)
    hour = format.encodeHour(inDay / 3600)
    // 0000-01-01 was a Saturday.
    dayOfWeek = format.encode(Int((days + 6) % 7) + 1)
    day = format.encode(rest + 1)
    self.month = format.encode(month)
    self.year = format.encode(year % 100)
    century = Format(isBinary: false, is24Hour: true).encode(year / 100)
  }

  /// One update cycle. What was set to nonsense counts on until it reaches a value that carries.
  mutating func advanceSecond(_ format: Format) {
    guard Self.carries(&second, last: 59, first: 0, format) else { return }
    guard Self.carries(&minute, last: 59, first: 0, format) else { return }
    let hours = format.decodeHour(hour)
    hour = format.encodeHour(hours >= 23 ? 0 : hours + 1)
    guard hours >= 23 else { return }
    _ = Self.carries(&dayOfWeek, last: 7, first: 1, format)
    let bcd = Format(isBinary: false, is24Hour: true)
    let years = bcd.decode(century) * 100 + format.decode(year)
    guard Self.carries(&day, last: Self.daysInMonth(format.decode(month), year: years), first: 1, format)
    else { return }
    guard Self.carries(&month, last: 12, first: 1, format) else { return }
    guard Self.carries(&year, last: 99, first: 0, format) else { return }
    _ = Self.carries(&century, last: 99, first: 0, bcd)
  }

  /// Adds one; past `last` it becomes `first` again and carries.
  private static func carries(_ field: inout UInt8, last: Int, first: Int, _ format: Format) -> Bool {
    let number = format.decode(field)
    field = format.encode(number >= last ? first : number + 1)
    return number >= last
  }

  private static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func daysInYear(_ year: Int) -> Int { isLeap(year) ? 366 : 365 }

  private static func daysInMonth(_ month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
