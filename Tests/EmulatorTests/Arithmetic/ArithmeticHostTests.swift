import HostOracle
import Testing

@testable import Emulator

/// Our arithmetic against the host's processor: results, and every flag that the manual defines.
@Suite("Arithmetic against the host's processor", .enabled(if: host_oracle_is_available()))
struct ArithmeticHostTests {
  @Test("8 bits: every pair of operands, every count, every dividend and divisor")
  func bytes() {
    for row in ArithmeticRow<UInt8>.all {
      var comparison = ArithmeticComparison(row, seed: 0)
      comparison.checkAllBytes()
      #expect(comparison.mismatches == 0, "\(comparison.report)")
      #expect(comparison.executed + comparison.divideErrors >= 2 * 256 * 256)
    }
  }

  @Test("16 bits: edges and 200,000 random operands", arguments: [0x1616_2718_2818_2845 as UInt64])
  func words(seed: UInt64) { compare(ArithmeticRow<UInt16>.all + ArithmeticRow<UInt16>.wide, seed: seed) }

  @Test("32 bits: edges and 200,000 random operands", arguments: [0x3232_3141_5926_5358 as UInt64])
  func doublewords(seed: UInt64) {
    compare(ArithmeticRow<UInt32>.all + ArithmeticRow<UInt32>.wide + [.byteSwap], seed: seed)
  }

  private func compare<Word>(_ rows: [ArithmeticRow<Word>], seed: UInt64) {
    for (index, row) in rows.enumerated() {
      var comparison = ArithmeticComparison(row, seed: seed &+ UInt64(index))
      comparison.checkEdges()
      comparison.checkRandom(200_000)
      #expect(comparison.mismatches == 0, "seed \(comparison.seed): \(comparison.report)")
      #expect(comparison.executed >= (row.operands == .division ? 100_000 : 200_000))
      #expect(row.operands != .division || comparison.divideErrors >= 20_000)
    }
  }
}

extension ArithmeticRow {
  /// The instructions that exist in all three widths.
  static var all: [ArithmeticRow] {
    [
      pair(.add) { $0.add($1, $2) },
      pair(.adc) { $0.addWithCarry($1, $2) },
      pair(.sub) { $0.subtract($1, $2) },
      pair(.sbb) { $0.subtractWithBorrow($1, $2) },
      pair(.and) { $0.and($1, $2) },
      pair(.or) { $0.or($1, $2) },
      pair(.xor) { $0.exclusiveOr($1, $2) },
      pair(.cmp) { flags, a, d in
        _ = flags.subtract(a, d)
        return a
      },
      pair(.test) { flags, a, d in
        _ = flags.and(a, d)
        return a
      },
      pair(.inc) { flags, a, _ in flags.increment(a) },
      pair(.dec) { flags, a, _ in flags.decrement(a) },
      pair(.neg) { flags, a, _ in flags.negate(a) },
      shift(.shl) { $0.shiftLeft($1, by: $2) },
      shift(.shr) { $0.shiftRight($1, by: $2) },
      shift(.sar) { $0.shiftRightArithmetic($1, by: $2) },
      shift(.rol) { $0.rotateLeft($1, by: $2) },
      shift(.ror) { $0.rotateRight($1, by: $2) },
      shift(.rcl) { $0.rotateLeftThroughCarry($1, by: $2) },
      shift(.rcr) { $0.rotateRightThroughCarry($1, by: $2) },
      ArithmeticRow(instruction: .mul, operands: .pair) { flags, a, d, _ in
        let (low, high) = flags.multiply(a, d)
        return (low, high)
      },
      ArithmeticRow(instruction: .imul, operands: .pair) { flags, a, d, _ in
        let (low, high) = flags.multiplySigned(a, d)
        return (low, high)
      },
      ArithmeticRow(instruction: .div, operands: .division) { _, a, d, c in
        guard let (quotient, remainder) = try? LazyFlags.divide(high: d, low: a, by: c) else { return nil }
        return (quotient, remainder)
      },
      ArithmeticRow(instruction: .idiv, operands: .division) { _, a, d, c in
        guard let (quotient, remainder) = try? LazyFlags.divideSigned(high: d, low: a, by: c) else {
          return nil
        }
        return (quotient, remainder)
      },
    ]
  }

  /// The instructions that exist for 16 and 32 bits only.
  static var wide: [ArithmeticRow] {
    [
      pair(.imulTruncating) { $0.multiplyTruncating($1, $2) },
      ArithmeticRow(instruction: .shld, operands: .pairAndCount) { flags, a, d, c in
        (flags.shiftLeftDouble(a, from: d, by: UInt32(c)), d)
      },
      ArithmeticRow(instruction: .shrd, operands: .pairAndCount) { flags, a, d, c in
        (flags.shiftRightDouble(a, from: d, by: UInt32(c)), d)
      },
      pair(.bsf) { flags, a, d in flags.bitScanForward(d) ?? a },
      pair(.bsr) { flags, a, d in flags.bitScanReverse(d) ?? a },
      pair(.bt) { flags, a, d in
        flags.bitTest(a, at: d)
        return a
      },
      pair(.bts) { $0.bitTestAndSet($1, at: $2) },
      pair(.btr) { $0.bitTestAndReset($1, at: $2) },
      pair(.btc) { $0.bitTestAndComplement($1, at: $2) },
      ArithmeticRow(instruction: .cwd, operands: .pair) { _, a, _, _ in (a, a.signFill) },
    ]
  }

  /// BSWAP, whose 16-bit form the manual leaves undefined.
  static var byteSwap: ArithmeticRow { pair(.bswap) { _, a, _ in LazyFlags.byteSwap(a) } }

  private static func pair(
    _ instruction: HostInstruction, _ function: @escaping (inout LazyFlags, Word, Word) -> Word
  ) -> ArithmeticRow {
    ArithmeticRow(instruction: instruction, operands: .pair) { flags, a, d, _ in (function(&flags, a, d), d) }
  }

  private static func shift(
    _ instruction: HostInstruction, _ function: @escaping (inout LazyFlags, Word, UInt32) -> Word
  ) -> ArithmeticRow {
    ArithmeticRow(instruction: instruction, operands: .count) { flags, a, d, c in
      (function(&flags, a, UInt32(c)), d)
    }
  }
}
