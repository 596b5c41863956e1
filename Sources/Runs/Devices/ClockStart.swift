/// When the real-time clock's time begins, as people write it: `2026-01-31T12:00:00`, by the clock's own calendar, which knows no
/// time zones.
public struct ClockStart: Hashable, Sendable {
  /// Seconds since 1970.
  public let epoch: Int64

  /// - Throws: `RunOptionError` with a sentence.
  public init(parsing text: String) throws(RunOptionError) {
    let refusal = RunOptionError(
      "the time '\(text)' is not understood; expected such as 2026-01-31T12:00:00, from 1970 to 2099")
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    guard halves.count <= 2, let date = Self.numbers(halves[0], separator: "-", digits: [4, 2, 2]) else {
      throw refusal
    }
    let time = halves.count == 2 ? Self.numbers(halves[1], separator: ":", digits: [2, 2, 2]) : [0, 0, 0]
    guard let time, (1970...2099).contains(date[0]), (1...12).contains(date[1]),
      (1...Self.days(ofMonth: date[1], date[0])).contains(date[2]), time[0] < 24, time[1] < 60, time[2] < 60
    else { throw refusal }
    var days = 0
    for year in 1970..<date[0] { days += Self.isLeap(year) ? 366 : 365 }
    for month in 1..<date[1] { days += Self.days(ofMonth: month, date[0]) }
    days += date[2] - 1
    epoch = Int64(days) * 86400 + Int64(time[0] * 3600 + time[1] * 60 + time[2])
  }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private static func days(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func numbers(_ text: Substring, separator: Character, digits: [Int]) -> [Int]? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == digits.count else { return nil }
    var numbers: [Int] = []
    for (part, count) in zip(parts, digits) {
      guard part.utf8.count == count, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = Int(part)
      else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
