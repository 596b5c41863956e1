import HostCode
import TestSupport
import Testing

@testable import FloatingPoint

/// The portable x87 against the host's own, and the fast way against both. Every test prints its seed with a difference.
@Suite(
  "X87 against the host", .serialized,
  .enabled(if: host_code_is_available(), "the host runs no x87 code of ours"))
struct X87HostTests {
  static let cases = 25_000

  /// Holds a register's result, the flags and C1 against the host's.
  private func expect(
    _ outcome: X87Outcome<ExtendedFloat>, _ host: HostX87, _ control: X87Control, original: ExtendedFloat,
    conditions: X87Flags = .c1, _ what: @autoclosure () -> String
  ) -> Bool {
    let value = outcome.isWritten(under: control) ? outcome.value : original
    let agrees =
      value == host[0] && outcome.flags.intersection(.exceptions) == host.exceptions
      && outcome.flags.intersection(conditions) == host.conditions.intersection(conditions)
    if !agrees {
      Issue.record(
        """
        \(what()) control \(String(control.rawValue, radix: 16)): \(value) \(String(outcome.flags.rawValue, radix: 16)), \
        host \(host[0]) \(String(host.status & 0x473f, radix: 16))
        """)
    }
    return agrees
  }

  @Test("arithmetic of registers", arguments: X87Arithmetic.allCases)
  func arithmetic(_ operation: X87Arithmetic) {
    let seed: UInt64 = 0x8700 + UInt64(operation.rawValue)
    var generator = SeededGenerator(seed: seed)
    // D8 C0 + i: ST(0) is the destination.
    let code: [UInt8] = [0xd8, 0xc1 | operation.rawValue << 3]
    var failures = 0
    for number in 0..<Self.cases where failures < 5 {
      let (a, b, control) = (generator.extended(), generator.extended(), generator.control())
      var host = HostX87([a, b])
      host.execute(code, control)
      let outcome = X87Portable.arithmetic(operation, X87Operand(a), X87Operand(b), control)
      if !expect(outcome, host, control, original: a, "seed \(seed) case \(number): \(operation) \(a) \(b)") {
        failures += 1
      }
      var fast = a
      let had: X87Flags = X87Flags(
        rawValue: UInt16(truncatingIfNeeded: generator.next()) & 0x3f & control.rawValue)
      let flags = X87.arithmetic(operation, &fast, .register(b), control, flags: had)
      if fast != host[0] || flags.union(had).intersection(.exceptions) != host.exceptions.union(had)
        || flags.intersection(.c1) != host.conditions.intersection(.c1)
      {
        Issue.record(
          "seed \(seed) case \(number): fast \(operation) \(a) \(b) gives \(fast), host \(host[0])")
        failures += 1
      }
    }
  }

  @Test("arithmetic with memory", arguments: X87Arithmetic.allCases)
  func memoryArithmetic(_ operation: X87Arithmetic) {
    let seed: UInt64 = 0x8740 + UInt64(operation.rawValue)
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 5 {
      let (a, control) = (generator.extended(), generator.control())
      let (source, opcode, bytes): (X87Source, UInt8, [UInt8])
      switch number % 4 {
      case 0:
        let bits = generator.single()
        (source, opcode, bytes) = (.single(bits), 0xd8, littleEndian(bits))
      case 1:
        let bits = generator.double()
        (source, opcode, bytes) = (.double(bits), 0xdc, littleEndian(bits))
      case 2:
        let value = Int16(truncatingIfNeeded: generator.next() >> (generator.next() % 64))
        (source, opcode, bytes) = (.int16(value), 0xde, littleEndian(value))
      default:
        let value = Int32(truncatingIfNeeded: generator.next() >> (generator.next() % 64))
        (source, opcode, bytes) = (.int32(value), 0xda, littleEndian(value))
      }
      var memory = bytes
      var host = HostX87([a])
      host.execute([opcode, 2 | operation.rawValue << 3], control, memory: &memory)
      let outcome = X87Portable.arithmetic(operation, X87Operand(a), source.operand, control)
      if !expect(
        outcome, host, control, original: a, "seed \(seed) case \(number): \(operation) \(a) \(source)")
      {
        failures += 1
      }
      var fast = a
      let had: X87Flags = X87Flags(
        rawValue: UInt16(truncatingIfNeeded: generator.next()) & 0x3f & control.rawValue)
      let flags = X87.arithmetic(operation, &fast, source, control, flags: had)
      if fast != host[0] || flags.union(had).intersection(.exceptions) != host.exceptions.union(had)
        || flags.intersection(.c1) != host.conditions.intersection(.c1)
      {
        Issue.record(
          "seed \(seed) case \(number): fast \(operation) \(a) \(source) gives \(fast), host \(host[0])")
        failures += 1
      }
    }
  }

  @Test("one operand: root, rounding, sign, class, parts")
  func oneOperand() {
    let seed: UInt64 = 0x8780
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 10 {
      let (a, control) = (generator.extended(), generator.control())
      let what = "seed \(seed) case \(number)"
      var host = HostX87([a])
      host.execute([0xd9, 0xfa], control)
      var good = expect(X87Portable.squareRoot(a, control), host, control, original: a, "\(what): fsqrt \(a)")
      host = HostX87([a])
      host.execute([0xd9, 0xfc], control)
      good =
        expect(X87Portable.roundToInteger(a, control), host, control, original: a, "\(what): frndint \(a)")
        && good
      host = HostX87([a])
      host.execute([0xd9, 0xe0], control)
      good = expect(X87Outcome(a.negated), host, control, original: a, "\(what): fchs \(a)") && good
      host = HostX87([a])
      host.execute([0xd9, 0xe1], control)
      good = expect(X87Outcome(a.magnitude), host, control, original: a, "\(what): fabs \(a)") && good
      host = HostX87([a])
      host.execute([0xd9, 0xe5], control)
      good =
        expect(
          X87Outcome(a, X87Portable.examine(a)), host, control, original: a, conditions: .conditions,
          "\(what): fxam \(a)") && good
      host = HostX87([a])
      host.execute([0xd9, 0xf4], control)
      let parts = X87Portable.extract(a, control)
      if parts.isWritten(under: control) {
        good =
          expect(
            X87Outcome(parts.value.significand, parts.flags), host, control, original: a,
            "\(what): fxtract \(a)") && good
        if host[1] != parts.value.exponent {
          Issue.record("\(what): fxtract \(a) exponent \(parts.value.exponent), host \(host[1])")
          good = false
        }
      } else {
        good = expect(X87Outcome(a, parts.flags), host, control, original: a, "\(what): fxtract \(a)") && good
      }
      if !good { failures += 1 }
    }
  }

  @Test("two operands: scaling, remainders, comparisons")
  func twoOperands() {
    let seed: UInt64 = 0x8790
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 10 {
      var (a, b, control) = (generator.extended(), generator.extended(), generator.control())
      let what = "seed \(seed) case \(number)"
      var host = HostX87([a, b])
      var good = true
      for (code, isQuiet): ([UInt8], Bool) in [([0xd8, 0xd1], false), ([0xdd, 0xe1], true)] {
        host = HostX87([a, b])
        host.execute(code, control)
        let flags = X87Portable.compare(X87Operand(a), X87Operand(b), isQuiet: isQuiet, control)
        // An unmasked exception leaves the condition codes as they are but for C1.
        let conditions: X87Flags = control.unmasked(flags).isEmpty ? .conditions : .c1
        good =
          expect(
            X87Outcome(a, flags), host, control, original: a, conditions: conditions,
            "\(what): compare \(a) \(b)") && good
      }
      if number % 2 == 0 { b = generator.scale() }
      host = HostX87([a, b])
      host.execute([0xd9, 0xfd], control)
      good =
        expect(X87Portable.scale(a, by: b, control), host, control, original: a, "\(what): fscale \(a) \(b)")
        && good
      for (code, rounds): ([UInt8], Bool) in [([0xd9, 0xf8], false), ([0xd9, 0xf5], true)] {
        if number % 3 == 0 { (a, b) = (generator.near(b), b) }
        host = HostX87([a, b])
        host.execute(code, control)
        let outcome = X87Portable.remainder(a, by: b, roundsQuotient: rounds, control)
        let conditions: X87Flags =
          outcome.flags.intersection([.invalid, .denormal]).isEmpty ? .conditions : .c1
        good =
          expect(
            outcome, host, control, original: a, conditions: conditions,
            "\(what): fprem\(rounds ? "1" : "") \(a) \(b)") && good
      }
      if !good { failures += 1 }
    }
  }

  @Test("loads and stores")
  func conversions() {
    let seed: UInt64 = 0x87a0
    var generator = SeededGenerator(seed: seed)
    var failures = 0
    for number in 0..<Self.cases where failures < 10 {
      let control = generator.control()
      let a = number % 2 == 0 ? generator.extended() : generator.storable()
      let what = "seed \(seed) case \(number) control \(String(control.rawValue, radix: 16))"
      var good = true
      func load(_ code: [UInt8], _ bytes: [UInt8], _ outcome: X87Outcome<ExtendedFloat>) {
        var memory = bytes
        var host = HostX87([])
        host.execute(code, control, memory: &memory)
        if outcome.isLoaded(under: control) {
          good =
            expect(outcome, host, control, original: outcome.value, "\(what): load \(code) \(bytes)") && good
        } else if host.top != 0 || host.exceptions != outcome.flags {
          Issue.record("\(what): load \(code) \(bytes) is pushed")
          good = false
        }
      }
      func store<T: FixedWidthInteger>(_ code: [UInt8], _ outcome: X87Outcome<T>, _ fast: X87Outcome<T>?) {
        var memory = [UInt8](repeating: 0xcc, count: 16)
        var host = HostX87([a])
        host.execute(code, control, memory: &memory)
        let value = fromLittleEndian(memory, as: T.self)
        let expected =
          outcome.isStored(under: control)
          ? outcome.value : fromLittleEndian([UInt8](repeating: 0xcc, count: 16), as: T.self)
        if value != expected || outcome.flags.rawValue & 0x23f != host.status & 0x23f {
          Issue.record(
            "\(what): store \(code) \(a) gives \(String(expected, radix: 16)) \(outcome.flags), host \(String(value, radix: 16)) \(host.status)"
          )
          good = false
        }
        if let fast,
          fast.value != outcome.value || fast.flags.union(.exceptions) != outcome.flags.union(.exceptions)
        {
          Issue.record("\(what): store \(code) \(a) differs when fast")
          good = false
        }
      }
      let (single, double) = (generator.single(), generator.double())
      load([0xd9, 0x02], littleEndian(single), X87Portable.load(single: single))
      load([0xdd, 0x02], littleEndian(double), X87Portable.load(double: double))
      let integer = Int64(bitPattern: generator.next() >> (generator.next() % 64))
      load([0xdf, 0x2a], littleEndian(integer), X87Outcome(X87Portable.load(integer: integer)))
      let decimal = generator.decimal()
      load(
        [0xdf, 0x22], Array(littleEndian(decimal.low)[..<8] + littleEndian(decimal.high)[..<8]),
        X87Outcome(X87Portable.load(decimal: decimal)))
      let all: X87Flags = control.masks
      store([0xd9, 0x12], X87Portable.storeSingle(a, control), X87.storeSingle(a, control, flags: all))
      store([0xdd, 0x12], X87Portable.storeDouble(a, control), X87.storeDouble(a, control, flags: all))
      func integers<T: FixedWidthInteger>(_ type: T.Type) -> (X87Outcome<T>, X87Outcome<T>) {
        let portable = X87Portable.storeInteger(a, bits: T.bitWidth, control)
        let fast = X87.storeInteger(a, bits: T.bitWidth, control, flags: all)
        return (X87Outcome(T(portable.value), portable.flags), X87Outcome(T(fast.value), fast.flags))
      }
      let (short, long, quad) = (integers(Int16.self), integers(Int32.self), integers(Int64.self))
      store([0xdf, 0x12], short.0, short.1)
      store([0xdb, 0x12], long.0, long.1)
      store([0xdf, 0x3a], quad.0, quad.1)
      let packed = X87Portable.storeDecimal(a, control)
      store([0xdf, 0x32], X87Outcome(packed.value.low, packed.flags), nil)
      if !good { failures += 1 }
    }
  }

  @Test("constants in every rounding")
  func constants() {
    for constant in X87Constant.allCases {
      for rounding: UInt16 in 0..<4 {
        let control = X87Control(rawValue: 0x37f | rounding << 10)
        var host = HostX87([])
        host.execute([0xd9, 0xe8 + constant.rawValue], control)
        #expect(host[0] == constant.value(control), "\(constant)")
      }
    }
  }
}

extension SeededGenerator {
  mutating func single() -> UInt32 {
    let edges: [UInt32] = [
      0, 1, 0x7f_ffff, 0x80_0000, 0x3f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x7f80_0001,
      0x7fff_ffff,
    ]
    let sign: UInt32 = chance(2) ? 1 << 31 : 0
    return chance(3) ? edges[Int(next() % 10)] | sign : UInt32(truncatingIfNeeded: next())
  }

  mutating func double() -> UInt64 {
    let edges: [UInt64] = [
      0, 1, 0xf_ffff_ffff_ffff, 1 << 52, 0x3ff << 52, 0x7fef_ffff_ffff_ffff, 0x7ff << 52, 0x7ff8 << 48,
      0x7ff << 52 | 1, .max >> 1,
    ]
    let sign: UInt64 = chance(2) ? 1 << 63 : 0
    return chance(3) ? edges[Int(next() % 10)] | sign : next()
  }

  /// A scale for FSCALE: an integer or not quite, small or beyond every exponent.
  mutating func scale() -> ExtendedFloat {
    ExtendedFloat(
      significand: (next() | 1 << 63) & (.max << (next() % 64)),
      signExponent: UInt16(0x3ffc + next() % 22) | (chance(2) ? 0x8000 : 0))
  }

  /// A number whose exponent is not far from another's.
  mutating func near(_ b: ExtendedFloat) -> ExtendedFloat {
    let exponent = min(max(b.biasedExponent + Int(next() % 140) - 4, 0), 0x7ffe)
    return ExtendedFloat(
      significand: next() | (exponent == 0 ? 0 : 1 << 63),
      signExponent: UInt16(exponent) | (chance(2) ? 0x8000 : 0))
  }

  /// A number around the ends of what smaller formats hold.
  mutating func storable() -> ExtendedFloat {
    let ends = [
      0x3fff - 126, 0x3fff - 1022, 0x3fff + 127, 0x3fff + 1023, 0x3fff + 15, 0x3fff + 31, 0x3fff + 63,
      0x3fff + 59, 0x3fff,
    ]
    let exponent = ends[Int(next() % UInt64(ends.count))] + Int(next() % 60) - 30
    let significand = chance(4) ? UInt64.max << (next() % 64) : next() | 1 << 63
    return ExtendedFloat(significand: significand, signExponent: UInt16(exponent) | (chance(2) ? 0x8000 : 0))
  }

  mutating func decimal() -> PackedDecimal {
    var (low, high): (UInt64, UInt16) = (0, chance(2) ? 0x8000 : 0)
    for position in 0..<16 { low |= next() % 10 << UInt64(4 * position) }
    for position in 0..<2 { high |= UInt16(next() % 10) << UInt16(4 * position) }
    return PackedDecimal(low: chance(4) ? 0 : low, high: chance(4) ? high & 0x8000 : high)
  }
}
