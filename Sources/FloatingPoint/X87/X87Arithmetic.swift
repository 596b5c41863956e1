/// The instructions of two operands and a rounded result, numbered as the digit of their opcodes (D8 /0 to /7).
///
/// The left operand is the destination, ST(0) or ST(i).
public enum X87Arithmetic: UInt8, CaseIterable, Sendable {
  case add = 0
  case multiply = 1
  case subtract = 4
  /// source - destination
  case subtractReversed = 5
  case divide = 6
  /// source / destination
  case divideReversed = 7
}

/// The x87 in integer arithmetic: the same on every host.
public enum X87Portable {
  /// FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR. SDM vol. 1, 8.3.3.
  public static func arithmetic(
    _ operation: X87Arithmetic, _ destination: X87Operand, _ source: X87Operand, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    if let outcome = X87NaN.outcome(destination, source) { return outcome }
    switch operation {
    case .add: return add(destination, source, negatingSecond: false, control)
    case .subtract: return add(destination, source, negatingSecond: true, control)
    case .subtractReversed: return add(source, destination, negatingSecond: true, control)
    case .multiply: return multiply(destination, source, control)
    case .divide: return divide(destination, source, control)
    case .divideReversed: return divide(source, destination, control)
    }
  }

  private static func add(
    _ a: X87Operand, _ b: X87Operand, negatingSecond: Bool, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    let bIsNegative = b.isNegative != negatingSecond
    if a.isInfinity && b.isInfinity && a.isNegative != bIsNegative { return X87NaN.invalid }
    return afterDenormal(a, b, control) {
      if a.isInfinity { return X87Outcome(a.value) }
      if b.isInfinity { return X87Outcome(.infinity(negative: bIsNegative)) }
      if a.isZero && b.isZero {
        let sign = a.isNegative == bIsNegative ? bIsNegative : control.rounding == .down
        return X87Outcome(.zero(negative: sign))
      }
      // A sum with zero is rounded to the precision, too.
      if a.isZero {
        var number = b.value.unrounded
        number.isNegative = bIsNegative
        return rounded(number, control)
      }
      if b.isZero { return rounded(a.value.unrounded, control) }
      var second = b.value.unrounded
      second.isNegative = bIsNegative
      guard let sum = Unrounded.sum(a.value.unrounded, second) else {
        return X87Outcome(.zero(negative: control.rounding == .down))
      }
      return rounded(sum, control)
    }
  }

  private static func multiply(
    _ a: X87Operand, _ b: X87Operand, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    if (a.isInfinity && b.isZero) || (a.isZero && b.isInfinity) { return X87NaN.invalid }
    let isNegative = a.isNegative != b.isNegative
    return afterDenormal(a, b, control) {
      if a.isInfinity || b.isInfinity { return X87Outcome(.infinity(negative: isNegative)) }
      if a.isZero || b.isZero { return X87Outcome(.zero(negative: isNegative)) }
      return rounded(.product(a.value.unrounded, b.value.unrounded), control)
    }
  }

  private static func divide(
    _ a: X87Operand, _ b: X87Operand, _ control: X87Control
  ) -> X87Outcome<ExtendedFloat> {
    if (a.isInfinity && b.isInfinity) || (a.isZero && b.isZero) { return X87NaN.invalid }
    let isNegative = a.isNegative != b.isNegative
    // A zero divide comes before a denormal operand.
    if b.isZero && !a.isInfinity { return X87Outcome(.infinity(negative: isNegative), .zeroDivide) }
    return afterDenormal(a, b, control) {
      if a.isInfinity { return X87Outcome(.infinity(negative: isNegative)) }
      if b.isInfinity || a.isZero { return X87Outcome(.zero(negative: isNegative)) }
      return rounded(.quotient(a.value.unrounded, b.value.unrounded), control)
    }
  }

  /// FSQRT.
  public static func squareRoot(_ a: ExtendedFloat, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    let operand = X87Operand(a)
    if let outcome = X87NaN.outcome(operand) { return outcome }
    if operand.isZero { return X87Outcome(a) }
    if a.isNegative { return X87NaN.invalid }
    return afterDenormal(operand, operand, control) {
      operand.isInfinity ? X87Outcome(a) : rounded(a.unrounded.squareRoot, control)
    }
  }

  /// Adds DE when an operand is denormal; when that is not masked, there is no result.
  static func afterDenormal(
    _ a: X87Operand, _ b: X87Operand, _ control: X87Control, _ result: () -> X87Outcome<ExtendedFloat>
  ) -> X87Outcome<ExtendedFloat> {
    let flags = a.denormalFlag.union(b.denormalFlag)
    if !control.unmasked(flags).isEmpty { return X87Outcome(a.value, flags) }
    var outcome = result()
    outcome.flags.formUnion(flags)
    return outcome
  }

  /// The number in the 80-bit format under the control word, precision control included.
  static func rounded(_ number: Unrounded, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    let rounded = number.rounded(to: .extended(control.precision), control.rounding, masks: control.masks)
    return X87Outcome(rounded.extended, rounded.flags)
  }

  /// The number in the 80-bit format with all its 64 bits, whatever the precision control says.
  static func roundedFully(_ number: Unrounded, _ control: X87Control) -> X87Outcome<ExtendedFloat> {
    let rounded = number.rounded(to: .extended(64), control.rounding, masks: control.masks)
    return X87Outcome(rounded.extended, rounded.flags)
  }
}
