/// What IDENTIFY DEVICE answers. ATA/ATAPI-6 (T13/1410D), 8.15, table 27.
enum ATAIdentity {
  /// Sectors of the largest block of READ and WRITE MULTIPLE.
  static let maxMultiple = 16

  static func bytes(sectors: UInt64, geometry: ATAGeometry, multiple: Int) -> [UInt8] {
    var words = [UInt16](repeating: 0, count: 256)
    func set(_ index: Int, _ value: UInt64, words count: Int) {
      for word in 0..<count { words[index + word] = UInt16(truncatingIfNeeded: value >> UInt64(16 * word)) }
    }
    let usual = ATAGeometry()
    words[0] = 0x0040  // a fixed disk
    words[1] = UInt16(usual.cylinders(of: sectors))
    words[3] = UInt16(usual.heads)
    words[6] = UInt16(usual.sectors)
    text("PW00000001", into: &words, at: 10, words: 10)
    text("1", into: &words, at: 23, words: 4)
    text("Pagewalk disk", into: &words, at: 27, words: 20)
    words[47] = 0x8000 | UInt16(maxMultiple)
    words[49] = 0x0200  // LBA; no DMA
    words[50] = 0x4000
    words[51] = 0x0200
    words[53] = 0x0003  // words 54-58 and 64-70 hold
    let cylinders = geometry.cylinders(of: sectors)
    words[54] = UInt16(cylinders)
    words[55] = UInt16(truncatingIfNeeded: geometry.heads)
    words[56] = UInt16(truncatingIfNeeded: geometry.sectors)
    set(57, min(cylinders * geometry.heads * geometry.sectors, sectors), words: 2)
    words[59] = multiple == 0 ? 0 : 0x0100 | UInt16(multiple)
    set(60, min(sectors, 0x0FFF_FFFF), words: 2)
    words[64] = 0x0003  // PIO modes 3 and 4
    words[67] = 120  // nanoseconds of a cycle
    words[68] = 120
    words[80] = 0x0078  // ATA-3 to ATA-6
    words[83] = 0x7400  // FLUSH CACHE (EXT), 48-bit addresses
    words[84] = 0x4000
    words[86] = 0x3400
    words[87] = 0x4000
    words[93] = 0x6001  // device 0
    set(100, sectors, words: 4)
    return words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  /// Two characters a word, the first in the high byte, padded with blanks.
  private static func text(_ text: String, into words: inout [UInt16], at index: Int, words count: Int) {
    let bytes =
      Array(text.utf8.prefix(2 * count))
      + [UInt8](repeating: 0x20, count: max(0, 2 * count - text.utf8.count))
    for word in 0..<count { words[index + word] = UInt16(bytes[2 * word]) << 8 | UInt16(bytes[2 * word + 1]) }
  }
}
