import FloatingPoint
import Foundation
import TestSupport
import Testing

@Suite("Numbers of 80 bits in decimal") struct DecimalTextTests {
  @Test("Some that are known")
  func known() {
    #expect(ExtendedFloat.zero.decimalText == "+0")
    #expect(ExtendedFloat.one.negated.decimalText == "-1")
    #expect(
      ExtendedFloat(significand: 0xc90f_daa2_2168_c235, signExponent: 0x4000).decimalText
        == "+3.141592653589793239")
    #expect(ExtendedFloat(significand: 1, signExponent: 0).decimalText == "+3.645199531882474603e-4951")
    #expect(
      ExtendedFloat(significand: .max, signExponent: 0x7ffe).decimalText == "+1.189731495357231765e+4932")
    #expect(ExtendedFloat(significand: 1 << 63, signExponent: 0xffff).decimalText == "-inf")
  }

  #if arch(x86_64)
    @Test("As the C library writes them, numbers at random")
    func library() {
      let seed: UInt64 = 0x87dec
      var random = SeededGenerator(seed: seed)
      for number in 0..<3000 {
        var value = random.extended()
        if number % 2 == 0 { value.signExponent = 0x3fff &- 70 &+ UInt16(random.next() % 140) }
        guard [.normal, .denormal, .zero].contains(value.floatClass) else { continue }
        let expected = String(
          format: "%+.19Lg",
          Float80(
            sign: value.isNegative ? .minus : .plus, exponentBitPattern: UInt(value.biasedExponent),
            significandBitPattern: value.significand & (UInt64.max >> 1)) as CVarArg)
        // The initialiser above has no pseudo-denormals.
        if value.biasedExponent == 0 && value.significand >> 63 != 0 { continue }
        #expect(value.decimalText == expected, "seed \(seed): \(value)")
      }
    }
  #endif
}
