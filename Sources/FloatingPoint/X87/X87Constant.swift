/// The constants that FLD1 and its kin push, numbered as the last three bits of their opcodes (D9 E8 to D9 EE).
/// SDM vol. 2A, FLD1.
public enum X87Constant: UInt8, CaseIterable, Sendable {
  case one = 0
  /// The logarithm of 10 to the base 2.
  case log2Of10 = 1
  /// The logarithm of e to the base 2.
  case log2OfE = 2
  case pi = 3
  /// The logarithm of 2 to the base 10.
  case log10Of2 = 4
  /// The natural logarithm of 2.
  case lnOf2 = 5
  case zero = 6

  /// The constant as the rounding control rounds it. No exception comes of it, inexact or not.
  public func value(_ control: X87Control) -> ExtendedFloat {
    guard let number = unrounded else { return self == .one ? .one : .zero }
    return X87Portable.roundedFully(number, control).value
  }

  /// The first 128 bits of the irrational ones. A test computes them.
  var unrounded: Unrounded? {
    switch self {
    case .one, .zero: nil
    case .log2Of10: Self.positive(1, 0xd49a_784b_cd1b_8afe, 0x492b_f6ff_4daf_db4c)
    case .log2OfE: Self.positive(0, 0xb8aa_3b29_5c17_f0bb, 0xbe87_fed0_691d_3e88)
    case .pi: Self.positive(1, 0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1)
    case .log10Of2: Self.positive(-2, 0x9a20_9a84_fbcf_f798, 0x8f89_59ac_0b7c_9178)
    case .lnOf2: Self.positive(-1, 0xb172_17f7_d1cf_79ab, 0xc9e3_b398_03f2_f6af)
    }
  }

  private static func positive(_ exponent: Int, _ significand: UInt64, _ extra: UInt64) -> Unrounded {
    Unrounded(isNegative: false, exponent: exponent, significand: significand, extra: extra)
  }
}
