import HostCode
import TestSupport

@testable import FloatingPoint

extension ExtendedFloat: CustomStringConvertible {
  public var description: String {
    String(signExponent, radix: 16) + "_" + String(significand, radix: 16)
  }
}

/// Numbers at the edges of the 80-bit format, each class of it among them.
let extendedEdges: [ExtendedFloat] = {
  var edges: [ExtendedFloat] = []
  let significands: [UInt64] = [
    0, 1, 0x7fff_ffff_ffff_ffff, 1 << 63, 1 << 63 | 1, 0xc000_0000_0000_0000, 0xc000_0000_0000_0001,
    0xa000_0000_0000_0000, 0xa000_0000_0000_0001, .max, 0x8000_0000_0000_0400, 0x8000_0080_0000_0000,
    0x8000_0080_0000_0001, 0xffff_ff80_0000_0000, 0xffff_ffff_ffff_fc00, 0x4000_0000_0000_0000,
  ]
  let exponents: [UInt16] = [
    0, 1, 2, 0x20, 0x40, 0x3bcd, 0x3c00, 0x3c01, 0x3f6a, 0x3f81, 0x3ffe, 0x3fff, 0x4000, 0x403d, 0x403e,
    0x403f, 0x407e,
    0x43fe, 0x7ffd, 0x7ffe, 0x7fff,
  ]
  for exponent in exponents {
    for significand in significands {
      for sign: UInt16 in [0, 0x8000] {
        edges.append(ExtendedFloat(significand: significand, signExponent: exponent | sign))
      }
    }
  }
  return edges
}()

extension SeededGenerator {
  /// True once in `n` times.
  mutating func chance(_ n: UInt64) -> Bool { next() % n == 0 }

  /// A bit pattern of any class: edges, near one, anything.
  mutating func extended() -> ExtendedFloat {
    switch next() % 6 {
    case 0: return extendedEdges[Int(next() % UInt64(extendedEdges.count))]
    case 1:
      // Few bits, so that ties and exact results are frequent.
      let significand = 1 << 63 | next() << 40 & (next() | next())
      return ExtendedFloat(
        significand: significand, signExponent: UInt16(0x3fff - 40 + next() % 80) | (chance(2) ? 0x8000 : 0))
    case 2:
      return ExtendedFloat(significand: next() | 1 << 63, signExponent: UInt16(truncatingIfNeeded: next()))
    case 3: return ExtendedFloat(significand: next() >> (next() % 64), signExponent: chance(2) ? 0x8000 : 0)
    case 4:
      let exponent = chance(2) ? next() % 90 : 0x7fff - next() % 90
      return ExtendedFloat(
        significand: next() | 1 << 63, signExponent: UInt16(exponent) | (chance(2) ? 0x8000 : 0))
    default:
      return ExtendedFloat(
        significand: next() | 1 << 63,
        signExponent: UInt16(0x3fff - 70 + next() % 140) | (chance(2) ? 0x8000 : 0))
    }
  }

  /// A control word with any precision and rounding; all masked, or any masks.
  mutating func control() -> X87Control {
    let masks: UInt64 = chance(2) ? 0x3f : next() & 0x3f
    return X87Control(rawValue: UInt16(next() & 0xf00 | masks))
  }
}

/// The host's x87: what is in it before and after one instruction.
struct HostX87 {
  var image = [UInt8](repeating: 0, count: 108)

  /// - Parameter stack: ST(0), ST(1)...; the others are empty.
  init(_ stack: [ExtendedFloat]) {
    set16(0, 0x37f)
    let top = (8 - stack.count) & 7
    set16(4, UInt16(top) << 11)
    var tags: UInt16 = 0
    for register in 0..<8 where (register - top) & 7 >= stack.count { tags |= 3 << UInt16(2 * register) }
    set16(8, tags)
    for (index, value) in stack.enumerated() {
      for byte in 0..<8 {
        image[28 + 10 * index + byte] = UInt8(truncatingIfNeeded: value.significand >> UInt64(8 * byte))
      }
      image[28 + 10 * index + 8] = UInt8(truncatingIfNeeded: value.signExponent)
      image[28 + 10 * index + 9] = UInt8(truncatingIfNeeded: value.signExponent >> 8)
    }
  }

  private mutating func set16(_ offset: Int, _ value: UInt16) {
    image[offset] = UInt8(truncatingIfNeeded: value)
    image[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
  }

  func word(_ offset: Int) -> UInt16 { UInt16(image[offset]) | UInt16(image[offset + 1]) << 8 }

  var status: UInt16 { word(4) }
  var top: Int { Int(status >> 11 & 7) }
  var exceptions: X87Flags { X87Flags(rawValue: status).intersection(.exceptions) }
  var conditions: X87Flags { X87Flags(rawValue: status).intersection(.conditions) }

  subscript(index: Int) -> ExtendedFloat {
    var significand: UInt64 = 0
    for byte in 0..<8 { significand |= UInt64(image[28 + 10 * index + byte]) << UInt64(8 * byte) }
    return ExtendedFloat(significand: significand, signExponent: word(28 + 10 * index + 8))
  }

  /// Executes an instruction; `memory` is what its memory operand addresses.
  mutating func execute(_ bytes: [UInt8], _ control: X87Control, memory: inout [UInt8]) {
    image.withUnsafeMutableBufferPointer { image in
      memory.withUnsafeMutableBytes { memory in
        _ = host_code_x87(bytes, bytes.count, image.baseAddress, control.rawValue, 0, memory.baseAddress)
      }
    }
  }

  mutating func execute(_ bytes: [UInt8], _ control: X87Control) {
    var memory = [UInt8](repeating: 0, count: 16)
    execute(bytes, control, memory: &memory)
  }
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
    + [UInt8](repeating: 0, count: 16 - MemoryLayout<T>.size)
}
func fromLittleEndian<T: FixedWidthInteger>(_ bytes: [UInt8], as type: T.Type) -> T {
  bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
}
