extension ExtendedFloat {
  /// The number in decimal with its sign, as C writes it by `%+.19Lg`: at most 19 digits, correctly rounded, which tell any two
  /// numbers of this format apart. Infinities are `inf`; what is no number is `nan`.
  public var decimalText: String {
    let sign = isNegative ? "-" : "+"
    switch floatClass {
    case .zero: return sign + "0"
    case .infinity: return sign + "inf"
    case .quietNaN, .signalingNaN, .unsupported: return sign + "nan"
    case .normal, .denormal: return sign + Self.general(DecimalExpansion(self).rounded(to: 19))
    }
  }

  /// As C's `%g`: an exponent is written below 10^-4 and from as many digits on as there may be.
  private static func general(_ number: (digits: [UInt8], exponent: Int)) -> String {
    let kept = number.digits.count - number.digits.reversed().prefix { $0 == 0 }.count
    let digits = number.digits.prefix(max(kept, 1)).map { String($0) }
    let exponent = number.exponent
    if exponent < -4 || exponent >= number.digits.count {
      let fraction = digits.count > 1 ? "." + digits[1...].joined() : ""
      let size = abs(exponent)
      return digits[0] + fraction + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + String(size)
    }
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits.joined() }
    let whole = digits.prefix(exponent + 1).joined()
    let zeros = String(repeating: "0", count: max(exponent + 1 - digits.count, 0))
    let fraction = digits.dropFirst(exponent + 1).joined()
    return whole + zeros + (fraction.isEmpty ? "" : "." + fraction)
  }
}

/// All decimal digits of a finite number: there are as many as there are, since a binary fraction ends in decimal, too.
private struct DecimalExpansion {
  /// The number times 10^`scale`, nine digits an element, the least first.
  private var limbs: [UInt32] = []
  private var scale = 0

  private static let base: UInt64 = 1_000_000_000

  init(_ number: ExtendedFloat) {
    var rest = number.significand
    while rest > 0 {
      limbs.append(UInt32(truncatingIfNeeded: rest % Self.base))
      rest /= Self.base
    }
    let exponent = max(number.biasedExponent, 1) - 16383 - 63
    // 2^-n is 5^n / 10^n. The powers are as great as fit in 32 bits.
    multiply(exponent < 0 ? 5 : 2, times: abs(exponent), atOnce: exponent < 0 ? 13 : 31)
    scale = max(-exponent, 0)
  }

  private mutating func multiply(_ factor: UInt64, times count: Int, atOnce: Int) {
    var left = count
    while left > 0 {
      let step = min(left, atOnce)
      left -= step
      let power = (0..<step).reduce(1 as UInt64) { product, _ in product * factor }
      var carry: UInt64 = 0
      for index in limbs.indices {
        let product = UInt64(limbs[index]) * power + carry
        limbs[index] = UInt32(truncatingIfNeeded: product % Self.base)
        carry = product / Self.base
      }
      while carry > 0 {
        limbs.append(UInt32(truncatingIfNeeded: carry % Self.base))
        carry /= Self.base
      }
    }
  }

  /// `count` digits, the first of which is not zero, rounded to nearest, and the power of ten of the first.
  func rounded(to count: Int) -> (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    for limb in limbs.reversed() {
      var divisor: UInt32 = 100_000_000
      while divisor > 0 {
        digits.append(UInt8(limb / divisor % 10))
        divisor /= 10
      }
    }
    digits.removeFirst(digits.prefix { $0 == 0 }.count)
    var exponent = digits.count - 1 - scale
    if digits.count <= count {
      return (digits + [UInt8](repeating: 0, count: count - digits.count), exponent)
    }
    var kept = Array(digits[..<count])
    let dropped = digits[count...]
    let isTie = dropped.first == 5 && dropped.dropFirst().allSatisfy { $0 == 0 }
    if isTie ? kept[count - 1] % 2 == 1 : dropped[count] >= 5 {
      var position = count - 1
      while position >= 0 && kept[position] == 9 {
        kept[position] = 0
        position -= 1
      }
      if position >= 0 {
        kept[position] += 1
      } else {
        kept[0] = 1
        exponent += 1
      }
    }
    return (kept, exponent)
  }
}
