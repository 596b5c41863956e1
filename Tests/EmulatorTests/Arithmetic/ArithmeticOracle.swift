import HostOracle
import IA32
import TestSupport

@testable import Emulator

/// One instruction of one width: how the host names it, which operands it is fed, and our functions for it.
struct ArithmeticRow<Word: OperandWord> {
  /// The operands that an instruction reads.
  enum Operands {
    /// `a` and `d`.
    case pair
    /// `a` and a count in `c`.
    case count
    /// `a`, `d` and a count in `c`.
    case pairAndCount
    /// The dividend `d:a` and the divisor `c`.
    case division
  }

  let instruction: HostInstruction
  let operands: Operands
  /// The instruction on `a`, `d` and `c`: the new `a` and `d`, or nil for #DE.
  let emulated: (inout LazyFlags, _ a: Word, _ d: Word, _ c: Word) -> (a: Word, d: Word)?
}

/// Runs instructions on the host's processor and on ours, and keeps what differs.
struct ArithmeticComparison<Word: OperandWord> {
  let row: ArithmeticRow<Word>
  let seed: UInt64
  private(set) var executed = 0
  private(set) var divideErrors = 0
  private(set) var mismatches = 0
  /// The first mismatches in words.
  private(set) var report = ""

  private var random: SeededGenerator

  init(_ row: ArithmeticRow<Word>, seed: UInt64) {
    self.row = row
    self.seed = seed
    random = SeededGenerator(seed: seed)
  }

  mutating func check(a: Word, d: Word, c: Word, flags incoming: UInt32) {
    var host = HostOperands(
      a: UInt32(truncatingIfNeeded: a), d: UInt32(truncatingIfNeeded: d), c: UInt32(truncatingIfNeeded: c),
      flags: incoming)
    let outcome = host_oracle_execute(row.instruction, UInt32(Word.bitWidth), &host)
    var flags = LazyFlags(arithmeticFlags: incoming)
    let emulated = row.emulated(&flags, a, d, c)

    switch outcome {
    case .executed:
      executed += 1
      let undefined = UndefinedByTheManual(
        row.instruction, width: Word.bitWidth, count: UInt8(truncatingIfNeeded: c))
      if let emulated,
        undefined.result
          || (UInt32(truncatingIfNeeded: emulated.a) == host.a
            && UInt32(truncatingIfNeeded: emulated.d) == host.d),
        (flags.arithmeticFlags ^ host.flags) & ~undefined.flags.rawValue == 0
      {
        return
      }
    case .divideError:
      divideErrors += 1
      if emulated == nil { return }
    case .noSuchInstruction: break
    }

    mismatches += 1
    if mismatches <= 5 {
      let ours = emulated.map { "\(hexDigits($0.a)) \(hexDigits($0.d))" } ?? "#DE"
      let theirs = outcome == .executed ? "\(hexDigits(host.a)) \(hexDigits(host.d))" : "#DE or #UD"
      report += """

        \(row.instruction.mnemonic) of \(Word.bitWidth) bits, a \(hexDigits(a)), d \(hexDigits(d)), c \(hexDigits(c)), \
        flags \(hexDigits(incoming)): host \(theirs), \
        flags \(hexDigits(host.flags)); ours \(ours), flags \(hexDigits(flags.arithmeticFlags))
        """
    }
  }

  /// Edge values crossed with edge values, with all flags or all counts.
  mutating func checkEdges() {
    let edges = Word.edgeValues
    switch row.operands {
    case .pair:
      for a in edges {
        for d in edges { for flags in allFlagImages { check(a: a, d: d, c: 0, flags: flags) } }
      }
    case .count, .pairAndCount:
      for a in edges {
        for d in row.operands == .count ? [0] : edges {
          for count in UInt8.min...UInt8.max {
            for flags in [0, EFLAGS.arithmetic.rawValue] { check(a: a, d: d, c: Word(count), flags: flags) }
          }
        }
      }
    case .division:
      for a in edges { for d in edges { for c in edges { check(a: a, d: d, c: c, flags: 0) } } }
    }
  }

  /// Random operands of all magnitudes; half of the divisions are made to fit.
  mutating func checkRandom(_ count: Int) {
    for _ in 0..<count {
      let a = random.word(Word.self)
      var d = random.word(Word.self)
      var c = random.word(Word.self)
      let flags = allFlagImages[Int(random.next() % 64)]
      switch row.operands {
      case .pair: break
      case .count, .pairAndCount: c = c & 0xff
      case .division:
        guard random.next() & 1 == 0 else { break }
        if row.instruction == .idiv {
          d = a.signFill
        } else if c != 0 {
          d %= c
        }
      }
      check(a: a, d: d, c: c, flags: flags)
    }
  }
}

extension ArithmeticComparison<UInt8> {
  /// All operands: pairs and counts with no flags and with all, dividends and divisors with none.
  mutating func checkAllBytes() {
    for a in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        switch row.operands {
        case .pair, .pairAndCount:
          for flags in [0, EFLAGS.arithmetic.rawValue] { check(a: a, d: second, c: 0, flags: flags) }
        case .count:
          for flags in [0, EFLAGS.arithmetic.rawValue] { check(a: a, d: 0, c: second, flags: flags) }
        case .division: checkAllDividends(high: a, divisor: second)
        }
      }
    }
  }

  /// Every AL beside AH and the divisor; where these two alone make the quotient too great, four of them. (The test
  /// library takes a backtrace of each error thrown, which makes a #DE cost microseconds here.)
  private mutating func checkAllDividends(high: UInt8, divisor: UInt8) {
    let mayFit =
      row.instruction == .idiv
      ? Int8(bitPattern: high).magnitude <= Int8(bitPattern: divisor).magnitude / 2 + 1 : high < divisor
    for low in stride(from: 0, through: 255, by: mayFit ? 1 : 85) {
      check(a: UInt8(low), d: high, c: divisor, flags: 0)
    }
  }
}

/// What the manual leaves undefined of an instruction's outcome. SDM vol. 2, "Flags Affected" of each.
struct UndefinedByTheManual {
  var flags: EFLAGS = []
  var result = false

  init(_ instruction: HostInstruction, width: Int, count raw: UInt8) {
    let count = Int(raw & 31)
    switch instruction {
    case .add, .adc, .sub, .sbb, .cmp, .inc, .dec, .neg, .bswap, .cwd: break
    // "The state of the AF flag is undefined."
    case .and, .or, .xor, .test: flags = .adjust
    // "CF ... is undefined for SHL and SHR instructions where the count is greater than or equal to the size (in
    // bits) of the destination operand. The OF flag is affected only for 1-bit shifts; otherwise, it is undefined.
    // ... For a non-zero count, the AF flag is undefined."
    case .shl, .shr, .sar:
      guard count != 0 else { return }
      flags = .adjust
      if count != 1 { flags.insert(.overflow) }
      if count >= width, instruction != .sar { flags.insert(.carry) }
    // "The OF flag is affected only for single-bit rotates; it is undefined for multi-bit rotates."
    case .rol, .ror, .rcl, .rcr: if count > 1 { flags = .overflow }
    // "For shifts greater than 1 bit, the OF flag is undefined. If a shift occurs, the AF flag is undefined. If the
    // count operand is greater than the operand size, the flags are undefined", as is the destination.
    case .shld, .shrd:
      guard count != 0 else { return }
      flags = count == 1 ? .adjust : [.adjust, .overflow]
      if count > width { (flags, result) = (.arithmetic, true) }
    // "The SF, ZF, AF, and PF flags are undefined."
    case .mul, .imul, .imulTruncating: flags = [.sign, .zero, .adjust, .parity]
    // "The CF, OF, SF, ZF, AF, and PF flags are undefined."
    case .div, .idiv: flags = .arithmetic
    // "The CF, OF, SF, AF, and PF flags are undefined." For a source of zero the destination is too, but processors
    // of both makers keep it, and so it is compared.
    case .bsf, .bsr: flags = [.carry, .overflow, .sign, .adjust, .parity]
    // "The ZF flag is unaffected. The OF, SF, AF, and PF flags are undefined."
    case .bt, .bts, .btr, .btc: flags = [.overflow, .sign, .adjust, .parity]
    }
  }
}

extension HostInstruction {
  /// The mnemonic, for reports: an imported enumeration prints as a number.
  var mnemonic: String {
    let mnemonics = """
      ADD ADC SUB SBB AND OR XOR CMP TEST INC DEC NEG SHL SHR SAR ROL ROR RCL RCR SHLD SHRD MUL IMUL IMUL-truncating \
      DIV IDIV BSF BSR BT BTS BTR BTC BSWAP CWD
      """
    return String(mnemonics.split(separator: " ")[Int(rawValue)])
  }
}

/// The 64 combinations of the arithmetic flags, in their places in EFLAGS.
let allFlagImages: [UInt32] = (0..<64).map { combination in
  let flags: [EFLAGS] = [.carry, .parity, .adjust, .zero, .sign, .overflow]
  return flags.indices.reduce(0) { $0 | (combination >> $1 & 1 != 0 ? flags[$1].rawValue : 0) }
}

extension OperandWord {
  /// Values at which carries, signs and widths change.
  static var edgeValues: [Self] {
    let top = Self(1) << (bitWidth - 1)
    let half = Self(1) << (bitWidth / 2)
    let alternating = max / 3
    return [
      0, 1, 2, 3, 7, 8, 9, 0xf, 0x10, 0x11, 0x7f, 0x80, 0x81, 0xfe, 0xff, half - 1, half, half + 1, top - 2,
      top - 1,
      top, top + 1, max - 1, max, alternating, ~alternating,
    ]
  }
}

extension SeededGenerator {
  /// A word of random magnitude and sign.
  mutating func word<Word: OperandWord>(_: Word.Type) -> Word {
    let bits = next()
    let value = Word(truncatingIfNeeded: bits) &>> Word(truncatingIfNeeded: bits >> 58)
    return bits >> 57 & 1 == 0 ? value : ~value
  }
}

func hexDigits(_ value: some BinaryInteger) -> String { String(value, radix: 16) }
