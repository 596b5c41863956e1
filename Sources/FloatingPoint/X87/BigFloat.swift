import CMPFR

/// A number of GNU MPFR's, with as many bits as wanted. It holds memory of its own until it goes.
struct BigFloat: ~Copyable {
  let pointer: UnsafeMutablePointer<__mpfr_struct>

  init(precision: Int) {
    pointer = .allocate(capacity: 1)
    mpfr_init2(pointer, precision)
  }

  /// A zero, a finite number or an infinity; exact.
  init(_ value: ExtendedFloat) {
    self.init(precision: 64)
    switch value.floatClass {
    case .zero: mpfr_set_zero(pointer, 1)
    case .infinity: mpfr_set_inf(pointer, 1)
    default:
      let number = value.unrounded
      mpfr_set_ui_2exp(pointer, UInt(number.significand), number.exponent - 63, MPFR_RNDZ)
    }
    if value.isNegative { mpfr_neg(pointer, pointer, MPFR_RNDZ) }
  }

  deinit {
    mpfr_clear(pointer)
    pointer.deallocate()
  }

  /// Bits of an `Unrounded`.
  static let unroundedPrecision = 128

  /// The finite number other than zero that this is, of 128 bits.
  /// - Parameter isInexact: something was cut off behind the 128 bits.
  func unrounded(isInexact: Bool) -> Unrounded {
    let limbs = mpfr_custom_get_significand(pointer).assumingMemoryBound(to: UInt64.self)
    // MPFR's significands lie between one half and one.
    return Unrounded(
      isNegative: mpfr_signbit(pointer) != 0, exponent: Int(mpfr_custom_get_exp(pointer)) - 1,
      significand: limbs[1], extra: limbs[0] | (isInexact ? 1 : 0))
  }

  var isZero: Bool { mpfr_zero_p(pointer) != 0 }

  /// What a function of MPFR gives, cut off after 128 bits: enough to round from. nil for zero, of whatever sign.
  /// - Parameter function: computes into its argument, rounding toward zero; returns 0 when that is exact.
  static func unrounded(_ function: (UnsafeMutablePointer<__mpfr_struct>) -> Int32) -> Unrounded? {
    let result = BigFloat(precision: unroundedPrecision)
    let direction = function(result.pointer)
    return result.isZero ? nil : result.unrounded(isInexact: direction != 0)
  }

  /// What a composition of functions gives, whose value is irrational: computed with more and more bits until its first
  /// 128 are certain.
  /// - Parameter approximate: computes a number with a relative error below 2^(8 - precision), into its argument.
  static func unroundedIrrational(
    _ approximate: (_ result: UnsafeMutablePointer<__mpfr_struct>, _ precision: Int) -> Void
  ) -> Unrounded {
    var precision = 224
    while true {
      let value = BigFloat(precision: precision)
      approximate(value.pointer, precision)
      let error = BigFloat(precision: precision)
      mpfr_mul_2si(error.pointer, value.pointer, 8 - precision, MPFR_RNDA)
      let low = BigFloat(precision: unroundedPrecision)
      let high = BigFloat(precision: unroundedPrecision)
      mpfr_sub(low.pointer, value.pointer, error.pointer, MPFR_RNDZ)
      mpfr_add(high.pointer, value.pointer, error.pointer, MPFR_RNDZ)
      if mpfr_equal_p(low.pointer, high.pointer) != 0 { return low.unrounded(isInexact: true) }
      precision *= 2
    }
  }
}
