import ArgumentParser

/// The size of the machine's RAM as people write it: a number and K, M or G.
struct MemorySize: Hashable, CustomStringConvertible {
  static let smallest = MemorySize(bytes: 1 << 20)
  static let largest = MemorySize(bytes: 64 << 30)

  let bytes: UInt64

  init(bytes: UInt64) { self.bytes = bytes }

  /// Reads `text`, such as "16M", "6G" or "1024K", in either case.
  ///
  /// - Throws: `ValidationError` with a sentence that says what is wrong and what would be right.
  init(parsing text: String) throws {
    let right = "expected a number and K, M or G from 1M to 64G, such as 512M"
    guard let unit = text.last.flatMap({ ["K": 10, "M": 20, "G": 30][$0.uppercased()] }) else {
      throw ValidationError("the memory size '\(text)' has no unit; \(right)")
    }
    let digits = text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw ValidationError("the memory size '\(text)' is not a whole number with a unit; \(right)")
    }
    // More digits than UInt64 holds are too large anyway.
    let (bytes, overflow) = (UInt64(digits) ?? .max).multipliedReportingOverflow(by: 1 << UInt64(unit))
    guard !overflow, (Self.smallest.bytes...Self.largest.bytes).contains(bytes) else {
      throw ValidationError("the memory size '\(text)' is out of range; \(right)")
    }
    guard bytes % 4096 == 0 else {
      throw ValidationError("the memory size '\(text)' is no multiple of the page size, 4K; \(right)")
    }
    self.bytes = bytes
  }

  /// The size in the largest unit that divides it, as `init(parsing:)` reads it.
  var description: String {
    for (shift, unit) in [(UInt64(30), "G"), (20, "M")] where bytes % (1 << shift) == 0 {
      return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes >> 10)K"
  }
}
