/// The arithmetic of SSE and SSE2, numbered as the last digit of their opcodes (0F 51, 0F 58 to 0F 5F).
public enum SSEArithmetic: UInt8, CaseIterable, Sendable {
  case squareRoot = 0x1
  case add = 0x8
  case multiply = 0x9
  case subtract = 0xc
  case minimum = 0xd
  case divide = 0xe
  case maximum = 0xf
}

/// Which elements an instruction works on, numbered by its prefix: none, 66h, F3h, F2h.
public enum SSEForm: UInt8, CaseIterable, Sendable {
  case packedSingle, packedDouble, scalarSingle, scalarDouble
}

/// What an instruction gives: the register's new value, to be written only when no exception is unmasked, and the flags
/// for MXCSR.
public struct SSEResult: Equatable, Sendable {
  /// The result.
  public var value: XMMValue
  /// The exceptions that came up.
  public var flags: X87Flags

  /// A result and the exceptions that came up.
  public init(_ value: XMMValue, _ flags: X87Flags) {
    self.value = value
    self.flags = flags
  }
}

/// SSE and SSE2 in integer arithmetic: the same on every host. SDM vol. 1, 11.5.
public enum SSEPortable {
  /// ADDPS and its kin. The elements that a scalar form leaves alone keep the destination's bits.
  public static func arithmetic(
    _ operation: SSEArithmetic, _ form: SSEForm, _ destination: XMMValue, _ source: XMMValue,
    _ control: SSEControl
  ) -> SSEResult {
    map(form, destination, control) { index, destination, control in
      element(operation, destination, source[single: index], control)
    } double: { index, destination, control in
      element(operation, destination, source[double: index], control)
    }
  }

  /// Applies a function to every element of the form. Unmasked exceptions that are found before a result exists hide those
  /// that rounding would raise, in all elements. SDM vol. 1, 11.5.2 and 11.5.3.
  static func map(
    _ form: SSEForm, _ destination: XMMValue, _ control: SSEControl,
    single: (Int, UInt32, SSEControl) -> SSEOutcome<UInt32>,
    double: (Int, UInt64, SSEControl) -> SSEOutcome<UInt64>
  ) -> SSEResult {
    var result = SSEResult(destination, [])
    switch form {
    case .packedSingle, .scalarSingle:
      for index in 0..<(form == .packedSingle ? 4 : 1) {
        let outcome = single(index, destination[single: index], control)
        result.value[single: index] = outcome.value
        result.flags.formUnion(outcome.flags)
      }
    case .packedDouble, .scalarDouble:
      for index in 0..<(form == .packedDouble ? 2 : 1) {
        let outcome = double(index, destination[double: index], control)
        result.value[double: index] = outcome.value
        result.flags.formUnion(outcome.flags)
      }
    }
    result.flags = settled(result.flags, control)
    return result
  }

  /// The flags that are told when all elements have been looked at: exceptions that are found before a result exists hide the
  /// others where one of them is not masked. SDM vol. 1, 11.5.2.
  public static func settled(_ flags: X87Flags, _ control: SSEControl) -> X87Flags {
    control.unmasked(flags.intersection(.beforeResult)).isEmpty ? flags : flags.intersection(.beforeResult)
  }

  private static func element<Element: SSEElement>(
    _ operation: SSEArithmetic, _ destination: Element, _ source: Element, _ control: SSEControl
  ) -> SSEOutcome<Element> {
    let (a, b) = (SSEOperand(destination, control), SSEOperand(source, control))
    switch operation {
    case .squareRoot: return squareRoot(b, control)
    case .minimum: return extreme(a, b, wantsLess: true)
    case .maximum: return extreme(a, b, wantsLess: false)
    case .add, .subtract, .multiply, .divide: break
    }
    if let outcome = notANumber(a, b) { return outcome }
    let invalid: SSEOutcome<Element> = (.indefinite, .invalid)
    let denormal = a.denormalFlag.union(b.denormalFlag)
    let isNegative = a.isNegative != b.isNegative
    switch operation {
    case .add, .subtract:
      let bIsNegative = b.isNegative != (operation == .subtract)
      if a.isInfinity && b.isInfinity && a.isNegative != bIsNegative { return invalid }
      return with(denormal, sum(a, b, bIsNegative: bIsNegative, control))
    case .multiply:
      if (a.isInfinity && b.isZero) || (a.isZero && b.isInfinity) { return invalid }
      if a.isInfinity || b.isInfinity { return (.infinity(negative: isNegative), denormal) }
      if a.isZero || b.isZero { return (.zero(negative: isNegative), denormal) }
      return with(denormal, Element.rounded(.product(a.unrounded, b.unrounded), control))
    default:
      if (a.isInfinity && b.isInfinity) || (a.isZero && b.isZero) { return invalid }
      if a.isInfinity { return (.infinity(negative: isNegative), denormal) }
      if b.isZero { return (.infinity(negative: isNegative), .zeroDivide) }
      if b.isInfinity || a.isZero { return (.zero(negative: isNegative), denormal) }
      return with(denormal, Element.rounded(.quotient(a.unrounded, b.unrounded), control))
    }
  }

  private static func with<Element>(_ flags: X87Flags, _ outcome: SSEOutcome<Element>) -> SSEOutcome<Element>
  {
    (outcome.value, outcome.flags.union(flags))
  }

  private static func sum<Element: SSEElement>(
    _ a: SSEOperand<Element>, _ b: SSEOperand<Element>, bIsNegative: Bool, _ control: SSEControl
  ) -> SSEOutcome<Element> {
    if a.isInfinity { return (a.bits, []) }
    if b.isInfinity { return (.infinity(negative: bIsNegative), []) }
    if a.isZero && b.isZero {
      return (.zero(negative: a.isNegative == bIsNegative ? bIsNegative : control.rounding == .down), [])
    }
    if b.isZero { return Element.rounded(a.unrounded, control) }
    var second = b.unrounded
    second.isNegative = bIsNegative
    if a.isZero { return Element.rounded(second, control) }
    guard let sum = Unrounded.sum(a.unrounded, second) else {
      return (.zero(negative: control.rounding == .down), [])
    }
    return Element.rounded(sum, control)
  }

  private static func squareRoot<Element: SSEElement>(
    _ a: SSEOperand<Element>, _ control: SSEControl
  ) -> SSEOutcome<Element> {
    if a.isNaN { return (a.bits.quieted, a.floatClass == .signalingNaN ? .invalid : []) }
    if a.isZero { return (a.bits, []) }
    if a.isNegative { return (.indefinite, .invalid) }
    if a.isInfinity { return (a.bits, []) }
    return with(a.denormalFlag, Element.rounded(a.unrounded.squareRoot, control))
  }

  /// MINPS and MAXPS: the source when an operand is a NaN or both are zeros.
  private static func extreme<Element: SSEElement>(
    _ a: SSEOperand<Element>, _ b: SSEOperand<Element>, wantsLess: Bool
  ) -> SSEOutcome<Element> {
    if a.isNaN || b.isNaN { return (b.bits, .invalid) }
    let flags = a.denormalFlag.union(b.denormalFlag)
    let first = wantsLess ? order(a, b) < 0 : order(a, b) > 0
    return (first ? a.bits : b.bits, flags)
  }

  /// The answer of two operands of which one is a NaN: the destination if it is one, quieted. SDM vol. 1, table 4-7.
  private static func notANumber<Element: SSEElement>(
    _ a: SSEOperand<Element>, _ b: SSEOperand<Element>
  ) -> SSEOutcome<Element>? {
    guard a.isNaN || b.isNaN else { return nil }
    let signals = a.floatClass == .signalingNaN || b.floatClass == .signalingNaN
    return (a.isNaN ? a.bits.quieted : b.bits.quieted, signals ? .invalid : [])
  }

  /// -1, 0 or 1 as `a` is less than, equal to or greater than `b`; neither is a NaN.
  static func order<Element: SSEElement>(_ a: SSEOperand<Element>, _ b: SSEOperand<Element>) -> Int {
    if a.isZero && b.isZero || a.bits == b.bits { return 0 }
    if a.isNegative != b.isNegative { return a.isNegative ? -1 : 1 }
    return (a.bits < b.bits) != a.isNegative ? -1 : 1
  }
}
