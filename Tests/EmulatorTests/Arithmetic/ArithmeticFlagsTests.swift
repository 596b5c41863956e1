import IA32
import Testing

@testable import Emulator

/// The lazy representation by exhaustion, and the choices made where the manual leaves flags undefined.
@Suite("Lazy flags")
struct ArithmeticFlagsTests {
  @Test("Every combination goes in and comes out, whatever other bits the image has")
  func roundTrip() {
    #expect(Set(allFlagImages).count == 64)
    for image in allFlagImages {
      for others in [0, ~EFLAGS.arithmetic.rawValue] {
        let flags = LazyFlags(arithmeticFlags: image | others)
        #expect(flags.arithmeticFlags == image)
        #expect(flags.carry == (image & 0x001 != 0))
        #expect(flags.carryBit == image & 1)
        #expect(flags.parity == (image & 0x004 != 0))
        #expect(flags.adjust == (image & 0x010 != 0))
        #expect(flags.zero == (image & 0x040 != 0))
        #expect(flags.sign == (image & 0x080 != 0))
        #expect(flags.overflow == (image & 0x800 != 0))
      }
    }
  }

  @Test("Replacing flags leaves the others alone")
  func replacing() {
    for image in allFlagImages {
      for bits in 0..<4 {
        let (first, second) = (bits & 1 != 0, bits & 2 != 0)
        var flags = LazyFlags(arithmeticFlags: image)
        flags.replace(carry: first)
        #expect(flags.arithmeticFlags == image.with(.carry, first))

        flags = LazyFlags(arithmeticFlags: image)
        flags.replace(carry: first, overflow: second)
        #expect(flags.arithmeticFlags == image.with(.carry, first).with(.overflow, second))

        flags = LazyFlags(arithmeticFlags: image)
        flags.replace(zero: first)
        #expect(flags.arithmeticFlags == image.with(.zero, first))
        flags.replace(zero: second)
        #expect(flags.arithmeticFlags == image.with(.zero, second))
      }
    }
  }

  @Test("Replacing ZF after a result keeps the result's other flags")
  func replacingAfterResults() {
    for a in UInt8.min...UInt8.max {
      for zero in [false, true] {
        var flags = LazyFlags()
        _ = flags.subtract(a, 0x35)
        let image = flags.arithmeticFlags
        flags.replace(zero: zero)
        #expect(flags.arithmeticFlags == image.with(.zero, zero))
      }
    }
  }

  @Test("The sixteen conditions hold as table B-10 of SDM vol. 2D says")
  func conditions() {
    for image in allFlagImages {
      let carry = image & 0x001 != 0
      let parity = image & 0x004 != 0
      let zero = image & 0x040 != 0
      let sign = image & 0x080 != 0
      let overflow = image & 0x800 != 0
      let expected: [Bool] = [
        overflow, !overflow, carry, !carry, zero, !zero, carry || zero, !carry && !zero,
        sign, !sign, parity, !parity, sign != overflow, sign == overflow,
        zero || sign != overflow, !zero && sign == overflow,
      ]
      let flags = LazyFlags(arithmeticFlags: image)
      #expect((0..<16).map { flags.condition($0) } == expected, "flags \(hexDigits(image))")
    }
  }

  @Test("Multiplications, bit tests and scans keep the flags that the manual leaves undefined")
  func undefinedFlagsKept() {
    let operands: [(UInt32, UInt32)] = [(0, 0), (3, 5), (0x8000_0001, 0xffff_fffe), (.max, .max)]
    let notProduct = ~(EFLAGS.carry.rawValue | EFLAGS.overflow.rawValue)
    for image in allFlagImages {
      for (a, b) in operands {
        var flags = LazyFlags(arithmeticFlags: image)
        _ = flags.multiply(a, b)
        #expect(flags.arithmeticFlags & notProduct == image & notProduct)

        flags = LazyFlags(arithmeticFlags: image)
        _ = flags.multiplySigned(a, b)
        #expect(flags.arithmeticFlags & notProduct == image & notProduct)

        flags = LazyFlags(arithmeticFlags: image)
        flags.bitTest(a, at: b)
        #expect(flags.arithmeticFlags == image.with(.carry, a >> (b & 31) & 1 != 0))

        flags = LazyFlags(arithmeticFlags: image)
        _ = flags.bitScanForward(a)
        #expect(flags.arithmeticFlags == image.with(.zero, a == 0))

        flags = LazyFlags(arithmeticFlags: image)
        _ = flags.bitScanReverse(a)
        #expect(flags.arithmeticFlags == image.with(.zero, a == 0))
      }
    }
  }

  @Test("Shifts and rotates by more than 1 keep OF, and all of them AF")
  func undefinedShiftFlagsKept() {
    let shifts: [(inout LazyFlags, UInt32) -> UInt32] = [
      { $0.shiftLeft(0x4000_0001, by: $1) },
      { $0.shiftRight(0x8000_0001, by: $1) },
      { $0.shiftRightArithmetic(0x8000_0001, by: $1) },
      { $0.shiftLeftDouble(0x4000_0001, from: 0, by: $1) },
      { $0.shiftRightDouble(0x4000_0001, from: 0x5555_5555, by: $1) },
      { $0.rotateLeft(0x4000_0001, by: $1) },
      { $0.rotateRight(0x4000_0001, by: $1) },
      { $0.rotateLeftThroughCarry(0x4000_0001, by: $1) },
      { $0.rotateRightThroughCarry(0x4000_0001, by: $1) },
    ]
    for shift in shifts {
      for image in allFlagImages {
        for count in 1...31 as ClosedRange<UInt32> {
          var flags = LazyFlags(arithmeticFlags: image)
          _ = shift(&flags, count)
          #expect(flags.adjust == (image & EFLAGS.adjust.rawValue != 0))
          #expect(count == 1 || flags.overflow == (image & EFLAGS.overflow.rawValue != 0))
        }
      }
    }
  }

  @Test("8 and 16-bit shifts beyond the width leave zeros, or signs, and no carry but the sign's")
  func longShifts() {
    for count in 9...31 as ClosedRange<UInt32> {
      var flags = LazyFlags(arithmeticFlags: 1)
      #expect(flags.shiftLeft(0xff as UInt8, by: count) == 0)
      #expect(!flags.carry)
      flags.replace(carry: true)
      #expect(flags.shiftRight(0xff as UInt8, by: count) == 0)
      #expect(!flags.carry)
      #expect(flags.shiftRightArithmetic(0x80 as UInt8, by: count) == 0xff)
      #expect(flags.carry)
    }
  }

  @Test("16-bit double shifts by more than 16 go on into the first operand; a 16-bit BSWAP gives zero")
  func undefinedResults() {
    var flags = LazyFlags()
    // abcd:1234:abcd from the left by 20; abcd:1234:abcd from the right by 20.
    #expect(flags.shiftLeftDouble(0xabcd as UInt16, from: 0x1234, by: 20) == 0x234a)
    #expect(flags.carry)
    #expect(flags.shiftRightDouble(0xabcd as UInt16, from: 0x1234, by: 20) == 0xd123)
    #expect(!flags.carry)
    #expect(LazyFlags.byteSwap(0xabcd as UInt16) == 0)
  }
}

extension UInt32 {
  /// The EFLAGS image with one flag set or cleared.
  fileprivate func with(_ flag: EFLAGS, _ set: Bool) -> UInt32 {
    set ? self | flag.rawValue : self & ~flag.rawValue
  }
}
