import IA32
import Testing

@testable import Emulator

/// The decimal adjustments, which a 64-bit host lacks: by exhaustion against tables made from the manual's
/// pseudo-code, and against decimal arithmetic itself.
@Suite("Decimal adjustments")
struct ArithmeticDecimalTests {
  /// What the manual defines of an adjustment's outcome.
  struct Outcome {
    var ax: Int
    var carry: Bool
    var adjust: Bool
  }

  /// The outcomes for every AX (or AL, with AH zero), one row for each of CF = 0 and 1 with AF clear, then with AF set.
  static func table(
    of range: Range<Int>, _ pseudoCode: (_ ax: Int, _ af: Bool, _ cf: Bool) -> Outcome
  ) -> [[Outcome]] {
    (0..<4).map { row in range.map { pseudoCode($0, row & 2 != 0, row & 1 != 0) } }
  }

  static let daa = table(of: 0..<256) { oldAL, af, oldCF in
    var outcome = Outcome(ax: oldAL, carry: false, adjust: false)
    if oldAL % 16 > 9 || af {
      outcome.carry = oldCF || outcome.ax + 6 > 255
      outcome.ax = (outcome.ax + 6) % 256
      outcome.adjust = true
    }
    if oldAL > 0x99 || oldCF {
      outcome.ax = (outcome.ax + 0x60) % 256
      outcome.carry = true
    } else {
      outcome.carry = false
    }
    return outcome
  }

  static let das = table(of: 0..<256) { oldAL, af, oldCF in
    var outcome = Outcome(ax: oldAL, carry: false, adjust: false)
    if oldAL % 16 > 9 || af {
      outcome.carry = oldCF || outcome.ax < 6
      outcome.ax = (outcome.ax + 256 - 6) % 256
      outcome.adjust = true
    }
    if oldAL > 0x99 || oldCF {
      outcome.ax = (outcome.ax + 256 - 0x60) % 256
      outcome.carry = true
    }
    return outcome
  }

  static let aaa = table(of: 0..<65536) { ax, af, _ in
    guard ax % 16 > 9 || af else {
      return Outcome(ax: ax / 256 * 256 + ax % 16, carry: false, adjust: false)
    }
    let sum = (ax + 0x106) % 65536
    return Outcome(ax: sum / 256 * 256 + sum % 16, carry: true, adjust: true)
  }

  static let aas = table(of: 0..<65536) { ax, af, _ in
    guard ax % 16 > 9 || af else {
      return Outcome(ax: ax / 256 * 256 + ax % 16, carry: false, adjust: false)
    }
    let lessSix = (ax + 65536 - 6) % 65536
    let ah = (lessSix / 256 + 255) % 256
    return Outcome(ax: ah * 256 + lessSix % 16, carry: true, adjust: true)
  }

  /// SF, ZF and PF of every AL, in their places.
  static let resultFlags: [UInt32] = (0..<256).map { al in
    let ones = (0..<8).filter { al >> $0 & 1 == 1 }.count
    return (al >= 128 ? 0x80 : 0) | (al == 0 ? 0x40 : 0) | (ones % 2 == 0 ? 0x04 : 0)
  }

  /// Compares every entry of `table` under every combination of flags; OF, undefined, stays.
  private func compare(_ table: [[Outcome]], _ emulated: (inout LazyFlags, Int) -> Int) -> String? {
    for image in allFlagImages {
      let row = table[(image & 0x10 != 0 ? 2 : 0) + (image & 1 != 0 ? 1 : 0)]
      for (ax, expected) in row.enumerated() {
        var flags = LazyFlags(arithmeticFlags: image)
        let result = emulated(&flags, ax)
        let expectedFlags =
          Self.resultFlags[expected.ax % 256] | (expected.carry ? 1 : 0) | (expected.adjust ? 0x10 : 0)
          | image & 0x800
        if result != expected.ax || flags.arithmeticFlags != expectedFlags {
          return """
            \(hexDigits(ax)), flags \(hexDigits(image)): \(hexDigits(result)), \
            flags \(hexDigits(flags.arithmeticFlags)); expected \(hexDigits(expected.ax)), \
            flags \(hexDigits(expectedFlags))
            """
        }
      }
    }
    return nil
  }

  @Test("DAA and DAS: every AL under every combination of flags")
  func packed() {
    #expect(compare(Self.daa) { Int($0.decimalAdjustAfterAddition(al: UInt8($1))) } == nil)
    #expect(compare(Self.das) { Int($0.decimalAdjustAfterSubtraction(al: UInt8($1))) } == nil)
  }

  @Test("AAA and AAS: every AX under every combination of flags")
  func unpacked() {
    #expect(compare(Self.aaa) { Int($0.asciiAdjustAfterAddition(ax: UInt16($1))) } == nil)
    #expect(compare(Self.aas) { Int($0.asciiAdjustAfterSubtraction(ax: UInt16($1))) } == nil)
  }

  @Test("AAM: every AL and base")
  func aam() throws {
    for base in 1...UInt8.max {
      for al in UInt8.min...UInt8.max {
        var flags = LazyFlags(arithmeticFlags: 0x8d5)
        let ax = try flags.asciiAdjustAfterMultiplication(al: al, base: base)
        let (ah, newAL) = (Int(al) / Int(base), Int(al) % Int(base))
        if Int(ax) != ah * 256 + newAL || flags.arithmeticFlags != Self.resultFlags[newAL] {
          let found = "\(hexDigits(ax)), flags \(hexDigits(flags.arithmeticFlags))"
          Issue.record("AAM \(hexDigits(al)), base \(hexDigits(base)): \(found)")
        }
      }
    }
  }

  @Test("AAM by base 0 is #DE and changes no flag")
  func aamByZero() {
    for image in allFlagImages {
      var flags = LazyFlags(arithmeticFlags: image)
      #expect(throws: GuestFault(.divideError)) { try flags.asciiAdjustAfterMultiplication(al: 7, base: 0) }
      #expect(flags.arithmeticFlags == image)
    }
  }

  @Test("AAD: every AX and base; AF, CF and OF are those of the addition")
  func aad() {
    var mismatches = 0
    for base in UInt8.min...UInt8.max {
      for ax in UInt16.min...UInt16.max {
        let (al, tens) = (Int(ax) % 256, Int(ax) / 256 * Int(base) % 256)
        let sum = al + tens
        let signedSum = (al ^ 0x80) + (tens ^ 0x80) - 256
        let expectedFlags =
          Self.resultFlags[sum % 256] | (sum > 255 ? 1 : 0) | (al % 16 + tens % 16 > 15 ? 0x10 : 0)
          | (-128...127 ~= signedSum ? 0 : 0x800)
        var flags = LazyFlags(arithmeticFlags: 0x8d5)
        let result = flags.asciiAdjustBeforeDivision(ax: ax, base: base)
        if Int(result) != sum % 256 || flags.arithmeticFlags != expectedFlags { mismatches += 1 }
      }
    }
    #expect(mismatches == 0)
  }

  @Test("Adding and subtracting packed decimals gives packed decimals and their carry")
  func packedArithmetic() {
    func packed(_ value: Int) -> UInt8 { UInt8(value / 10 * 16 + value % 10) }
    for a in 0...99 {
      for b in 0...99 {
        for carry in 0...1 {
          var flags = LazyFlags(arithmeticFlags: UInt32(carry))
          let sum = flags.addWithCarry(packed(a), packed(b))
          #expect(flags.decimalAdjustAfterAddition(al: sum) == packed((a + b + carry) % 100))
          #expect(flags.carry == (a + b + carry > 99))

          flags = LazyFlags(arithmeticFlags: UInt32(carry))
          let difference = flags.subtractWithBorrow(packed(a), packed(b))
          #expect(flags.decimalAdjustAfterSubtraction(al: difference) == packed((a - b - carry + 100) % 100))
          #expect(flags.carry == (a - b - carry < 0))
        }
      }
    }
  }

  @Test("Adding, subtracting, multiplying and dividing unpacked digits gives unpacked digits")
  func unpackedArithmetic() throws {
    func unpacked(_ value: Int) -> UInt16 { UInt16(value / 10 * 256 + value % 10) }
    for a in 0...9 {
      for b in 0...9 {
        var flags = LazyFlags()
        let sum = flags.add(UInt8(a), UInt8(b))
        #expect(flags.asciiAdjustAfterAddition(ax: UInt16(sum)) == unpacked(a + b))

        let difference = flags.subtract(UInt8(a), UInt8(b))
        let adjusted = flags.asciiAdjustAfterSubtraction(ax: 0x500 | UInt16(difference))
        #expect(adjusted & 0xff == UInt16((a - b + 10) % 10))
        #expect(flags.carry == (a < b))

        let product = flags.multiply(UInt8(a), UInt8(b)).low
        let digits = try flags.asciiAdjustAfterMultiplication(al: product, base: 10)
        #expect(digits == unpacked(a * b))
        #expect(flags.asciiAdjustBeforeDivision(ax: digits, base: 10) == UInt16(product))
      }
    }
  }
}
