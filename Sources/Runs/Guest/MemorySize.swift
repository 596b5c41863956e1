/// The size of the machine's RAM as people write it: a number and K, M or G.
public struct MemorySize: Hashable, Sendable, CustomStringConvertible {
  /// 1 MiB.
  public static let min = MemorySize(bytes: 1 << 20)
  /// 64 GiB: what PAE can address.
  public static let max = MemorySize(bytes: 64 << 30)

  /// The size in bytes.
  public let bytes: UInt64

  /// A size that is known to be right.
  public init(bytes: UInt64) { self.bytes = bytes }

  /// Reads `text`, such as "16M", "6G" or "1024K", in either case.
  ///
  /// - Throws: `RunOptionError` with a sentence that says what is wrong and what would be right.
  public init(parsing text: String) throws(RunOptionError) {
    let right = "expected a number and K, M or G from 1M to 64G, such as 512M"
    func refusal(_ problem: String) -> RunOptionError {
      RunOptionError("the memory size '\(text)' \(problem); \(right)")
    }
    // T is read to be refused as too much, and not as a unit that nobody knows.
    guard let unit = text.last.flatMap({ ["K": 10, "M": 20, "G": 30, "T": 40][$0.uppercased()] }) else {
      throw refusal("has no unit")
    }
    let digits = text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw refusal("is not a whole number with a unit")
    }
    // More digits than UInt64 holds are too large anyway.
    let (bytes, overflow) = (UInt64(digits) ?? .max).multipliedReportingOverflow(by: 1 << UInt64(unit))
    guard !overflow, (Self.min.bytes...Self.max.bytes).contains(bytes) else {
      throw refusal("is out of range")
    }
    guard bytes % 4096 == 0 else {
      throw refusal("is not a multiple of the page size, 4K")
    }
    self.bytes = bytes
  }

  /// The size in the largest unit that divides it, as `init(parsing:)` reads it.
  public var description: String {
    for (shift, unit) in [(UInt64(30), "G"), (20, "M")] where bytes % (1 << shift) == 0 {
      return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes >> 10)K"
  }
}
