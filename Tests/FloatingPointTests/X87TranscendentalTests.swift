import CMPFR
import HostCode
import TestSupport
import Testing

@testable import FloatingPoint

/// The transcendental instructions: special cases and flags as the host's, values correctly rounded.
@Suite("X87 transcendentals", .serialized)
struct X87TranscendentalTests {
  enum Function: String, CaseIterable {
    case sine, cosine, tangent, arctangent, exponential, logarithm, logarithmOfSumWithOne

    var code: UInt8 {
      switch self {
      case .sine: 0xfe
      case .cosine: 0xff
      case .tangent: 0xf2
      case .arctangent: 0xf3
      case .exponential: 0xf0
      case .logarithm: 0xf1
      case .logarithmOfSumWithOne: 0xf9
      }
    }

    func evaluate(_ x: ExtendedFloat, y: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
      switch self {
      case .sine: X87Transcendental.sine(x, control)
      case .cosine: X87Transcendental.cosine(x, control)
      case .tangent: X87Transcendental.tangent(x, control)
      case .arctangent: X87Transcendental.arctangent(y: y, x: x, control)
      case .exponential: X87Transcendental.exponential(x, control)
      case .logarithm: X87Transcendental.logarithm(y: y, x: x, control)
      case .logarithmOfSumWithOne: X87Transcendental.logarithmOfSumWithOne(y: y, x: x, control)
      }
    }

    /// Operands in the range for which the manual promises a result and processors are exact to the last bit or so.
    func operands(_ generator: inout SeededGenerator) -> (x: ExtendedFloat, y: ExtendedFloat) {
      func number(_ low: Int, _ high: Int, signed: Bool = true) -> ExtendedFloat {
        let exponent = 0x3fff + low + Int(generator.next() % UInt64(high - low + 1))
        let sign: UInt16 = signed && generator.chance(2) ? 0x8000 : 0
        return ExtendedFloat(significand: generator.next() | 1 << 63, signExponent: UInt16(exponent) | sign)
      }
      let y = number(-40, 40)
      switch self {
      case .sine, .cosine, .tangent: return (number(-70, -1), y)
      case .arctangent: return (number(-40, 40), y)
      case .exponential: return (number(-70, -1), y)
      case .logarithm:
        return (number(generator.chance(2) ? -1 : -9000, generator.chance(2) ? 0 : 9000, signed: false), y)
      case .logarithmOfSumWithOne: return (number(-70, -2), y)
      }
    }
  }

  @Test(
    "are within an ulp of the host's", .enabled(if: host_code_is_available()), arguments: Function.allCases)
  func nearTheHost(_ function: Function) {
    let seed = 0x7a00 + UInt64(function.code)
    var generator = SeededGenerator(seed: seed)
    for number in 0..<3_000 {
      let (x, y) = function.operands(&generator)
      var host = HostX87([x, y])
      host.execute([0xd9, function.code], .initial)
      let outcome = function.evaluate(x, y: y, .initial)
      let expected = function == .tangent ? host[1] : host[0]
      let distance = Int64(bitPattern: outcome.value.significand &- expected.significand)
      let isNear = outcome.value.signExponent == expected.signExponent && abs(distance) <= 1
      if !isNear || outcome.flags.intersection(.exceptions) != host.exceptions {
        Issue.record(
          "seed \(seed) case \(number): \(function) \(x) \(y) gives \(outcome.value) \(outcome.flags), host \(expected) \(host.exceptions)"
        )
        return
      }
    }
  }

  @Test(
    "special operands are as the host's", .enabled(if: host_code_is_available()), arguments: Function.allCases
  )
  func specialCases(_ function: Function) {
    let special: [ExtendedFloat] = [
      .zero, .one, .infinity(negative: false), ExtendedFloat(significand: 1 << 63 | 5, signExponent: 0x7fff),
      .indefinite,
      ExtendedFloat(significand: 0xd000_0000_0000_0000, signExponent: 0x7fff),
      ExtendedFloat(significand: 1, signExponent: 0x3fff),
      ExtendedFloat(significand: 0, signExponent: 0x7fff),
      ExtendedFloat(significand: 1 << 63, signExponent: 0x403e),
      ExtendedFloat(significand: 3 << 62, signExponent: 0x3ffd),
    ]
    let operands = special + special.map(\.negated)
    for x in operands {
      for y in operands {
        // Where the manual leaves the result undefined, processors differ.
        if function == .exponential && x.magnitude.signExponent > 0x3fff { continue }
        if function == .logarithmOfSumWithOne && (x.magnitude.signExponent >= 0x3fff) { continue }
        if !function.takesTwo && y != .zero { continue }
        for masks: UInt16 in [0x37f, 0x37e, 0x37b] {
          let control = X87Control(rawValue: masks)
          var host = HostX87([x, y])
          host.execute([0xd9, function.code], control)
          let outcome = function.evaluate(x, y: y, control)
          let isWritten = outcome.isWritten(under: control)
          // Only FPTAN leaves more on the stack than it found.
          let hasPushed = function == .tangent && isWritten && !outcome.flags.contains(.c2)
          var value = host[0]
          if hasPushed { value = host[1] }
          let expected = isWritten ? outcome.value : x
          let agrees =
            expected.signExponent == value.signExponent
            && (expected.significand == value.significand
              || abs(Int64(bitPattern: expected.significand &- value.significand)) <= 1)
          // Processors call a result inexact that is exact: a whole power of two, or its logarithm.
          let isExact = outcome.flags.isEmpty && expected == value
          let flags = isExact ? X87Flags.exceptions.subtracting(.precision) : .exceptions.union(.c2)
          if !agrees || outcome.flags.intersection(flags).rawValue != host.status & flags.rawValue {
            Issue.record(
              "\(function) x \(x) y \(y) control \(String(masks, radix: 16)): \(expected) \(outcome.flags), host \(value) \(String(host.status, radix: 16))"
            )
          }
        }
      }
    }
  }

  @Test("are correctly rounded in every mode", arguments: Function.allCases)
  func correctRounding(_ function: Function) {
    let seed = 0x7b00 + UInt64(function.code)
    var generator = SeededGenerator(seed: seed)
    let modes: [mpfr_rnd_t] = [MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ]
    for number in 0..<600 {
      var (x, y) = function.operands(&generator)
      // Large angles as well: the reduction by pi is exact.
      if number % 2 == 1, [.sine, .cosine, .tangent].contains(function) {
        x.signExponent = UInt16(0x3fff + generator.next() % 63) | (x.signExponent & 0x8000)
      }
      let bigX = BigFloat(x)
      let bigY = BigFloat(y)
      for (index, mode) in modes.enumerated() {
        let control = X87Control(rawValue: 0x7f | UInt16(index) << 10)
        // MPFR rounds to 64 bits itself, or a value of 2000 bits is rounded.
        let result = BigFloat(precision: 64)
        let long = BigFloat(precision: 2000)
        var direction: Int32 = 0
        switch function {
        case .sine: direction = mpfr_sin(result.pointer, bigX.pointer, mode)
        case .cosine: direction = mpfr_cos(result.pointer, bigX.pointer, mode)
        case .tangent: direction = mpfr_tan(result.pointer, bigX.pointer, mode)
        case .arctangent: direction = mpfr_atan2(result.pointer, bigY.pointer, bigX.pointer, mode)
        case .exponential:
          mpfr_exp2(long.pointer, bigX.pointer, MPFR_RNDN)
          mpfr_sub_ui(long.pointer, long.pointer, 1, MPFR_RNDN)
          direction = mpfr_set(result.pointer, long.pointer, mode)
        case .logarithm, .logarithmOfSumWithOne:
          mpfr_set(long.pointer, bigX.pointer, MPFR_RNDN)
          if function == .logarithmOfSumWithOne { mpfr_add_ui(long.pointer, long.pointer, 1, MPFR_RNDN) }
          mpfr_log2(long.pointer, long.pointer, MPFR_RNDN)
          mpfr_mul(long.pointer, long.pointer, bigY.pointer, MPFR_RNDN)
          direction = mpfr_set(result.pointer, long.pointer, mode)
        }
        let limbs = mpfr_custom_get_significand(result.pointer).assumingMemoryBound(to: UInt64.self)
        let isNegative = mpfr_signbit(result.pointer) != 0
        let expected = ExtendedFloat(
          negative: isNegative, biased: Int(mpfr_custom_get_exp(result.pointer)) - 1 + 16383,
          significand: limbs[0])
        let isRoundedUp = isNegative ? direction < 0 : direction > 0
        let outcome = function.evaluate(x, y: y, control)
        if outcome.value != expected || outcome.flags.contains(.c1) != isRoundedUp
          || outcome.flags.contains(.precision) != (direction != 0)
        {
          Issue.record(
            "seed \(seed) case \(number) mode \(index): \(function) \(x) \(y): \(outcome.value) \(outcome.flags), MPFR \(expected) \(direction)"
          )
          return
        }
      }
    }
  }

  @Test("the constants' bits are MPFR's")
  func constants() {
    func bits(_ compute: (UnsafeMutablePointer<__mpfr_struct>) -> Void) -> Unrounded {
      let value = BigFloat(precision: 128)
      compute(value.pointer)
      return value.unrounded(isInexact: false)
    }
    let computed: [(X87Constant, Unrounded)] = [
      (.pi, bits { mpfr_const_pi($0, MPFR_RNDZ) }), (.lnOf2, bits { mpfr_const_log2($0, MPFR_RNDZ) }),
      (
        .log2Of10,
        bits {
          mpfr_set_ui($0, 10, MPFR_RNDZ); mpfr_log2($0, $0, MPFR_RNDZ)
        }
      ),
      (
        .log10Of2,
        bits {
          mpfr_set_ui($0, 2, MPFR_RNDZ); mpfr_log10($0, $0, MPFR_RNDZ)
        }
      ),
      (
        .log2OfE,
        bits {
          let long = BigFloat(precision: 300)
          mpfr_const_log2(long.pointer, MPFR_RNDN)
          mpfr_ui_div($0, 1, long.pointer, MPFR_RNDZ)
        }
      ),
    ]
    for (constant, number) in computed {
      let stored = constant.unrounded!
      #expect(stored.exponent == number.exponent, "\(constant)")
      #expect(stored.significand == number.significand, "\(constant)")
      // The last bits may have been rounded.
      #expect(abs(Int64(bitPattern: stored.extra &- number.extra)) <= 1, "\(constant)")
    }
  }

  @Test("sine and cosine together, and results below the least normal number")
  func details() {
    let tiny = ExtendedFloat(significand: 1, signExponent: 0)
    let sine = X87Transcendental.sine(tiny, .initial)
    #expect(sine.value == tiny)
    #expect(sine.flags == [.denormal, .underflow, .precision, .c1])
    let unmasked = X87Control(rawValue: 0x36f)
    let biased = X87Transcendental.sine(ExtendedFloat(significand: 1 << 62, signExponent: 0), unmasked)
    #expect(biased.flags == [.denormal, .underflow, .precision, .c1])
    #expect(biased.value == ExtendedFloat(significand: 1 << 63, signExponent: 24576))
    let both = X87Transcendental.sineAndCosine(.one, .initial)
    #expect(both.value.sine == X87Transcendental.sine(.one, .initial).value)
    #expect(both.value.cosine == X87Transcendental.cosine(.one, .initial).value)
    // Whole powers are exact outside the manual's range as well.
    let three = X87Portable.load(integer: 3)
    #expect(X87Transcendental.exponential(three, .initial) == X87Outcome(X87Portable.load(integer: 7)))
    let large = X87Portable.load(integer: 1 << 40)
    #expect(X87Transcendental.exponential(large, .initial).flags == [.overflow, .precision, .c1])
    #expect(X87Transcendental.exponential(large.negated, .initial).value == ExtendedFloat.one.negated)
    #expect(
      X87Transcendental.logarithmOfSumWithOne(y: .one, x: three, .initial)
        == X87Outcome(X87Portable.load(integer: 2)))
  }
}

extension X87TranscendentalTests.Function {
  var takesTwo: Bool { self == .arctangent || self == .logarithm || self == .logarithmOfSumWithOne }
}
