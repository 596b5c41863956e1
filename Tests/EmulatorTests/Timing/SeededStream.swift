/// A stream of random numbers from a seed: xorshift64*, so that it shares nothing with what is tested.
struct SeededStream: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed | 1 << 63 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }

  mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % limit }
}
