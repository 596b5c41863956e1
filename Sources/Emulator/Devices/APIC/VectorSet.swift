/// A bit for each vector, as ISR, TMR and IRR have them: eight registers of 32.
struct VectorSet: Sendable, Equatable, Codable {
  private var words = SIMD8<UInt32>()

  subscript(word index: Int) -> UInt32 { words[index & 7] }

  mutating func insert(_ vector: UInt8) { words[Int(vector >> 5)] |= 1 << UInt32(vector & 31) }

  mutating func remove(_ vector: UInt8) { words[Int(vector >> 5)] &= ~(1 << UInt32(vector & 31)) }

  func contains(_ vector: UInt8) -> Bool { words[Int(vector >> 5)] >> UInt32(vector & 31) & 1 != 0 }

  /// The highest vector in it.
  var highest: UInt8? {
    for index in (0..<8).reversed() where words[index] != 0 {
      return UInt8(index * 32 + 31 - words[index].leadingZeroBitCount)
    }
    return nil
  }
}
