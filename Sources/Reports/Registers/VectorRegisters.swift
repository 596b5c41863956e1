import Emulator
import FloatingPoint
import IA32

/// `info vector`: XMM registers, MXCSR and MMX registers, each by its elements, laid out as gdb lays them out.
public struct VectorRegisters: Report {
  let sse: SSERegisters?
  let x87: X87Registers

  /// - Parameter sse: nil where the processor has no SSE.
  public init(sse: SSERegisters?, x87: X87Registers) {
    self.sse = sse
    self.x87 = x87
  }

  /// MM0 to MM7 are the significands of R0 to R7. SDM vol. 1, 9.2.
  private var mmx: [UInt64] {
    let top = Int(x87.status >> 11 & 7)
    return (0..<8).map { x87.stack[($0 - top) & 7].significand }
  }

  private static let xmmElements = [
    ("v4_float", 32), ("v2_double", 64), ("v16_int8", 8), ("v8_int16", 16), ("v4_int32", 32),
    ("v2_int64", 64),
  ]
  private static let mmxElements = [("v2_int32", 32), ("v4_int16", 16), ("v8_int8", 8)]
  private static let flags: [(name: String, bit: UInt32)] = [
    ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7), ("DM", 8),
    ("ZM", 9), ("OM", 10), ("UM", 11), ("PM", 12), ("FZ", 15),
  ]

  private static func hex(_ value: UInt128) -> String { "0x" + String(value, radix: 16) }

  private static func elements(_ value: UInt128, _ width: Int, of bits: Int) -> [String] {
    stride(from: 0, to: bits, by: width).map { hex(value >> UInt128($0) & (1 << UInt128(width) - 1)) }
  }

  /// Elements in braces; ten or more equal ones in a row are told once.
  private static func list(_ elements: [String]) -> String {
    var parts: [String] = []
    var rest = elements[...]
    while let first = rest.first {
      let count = rest.prefix { $0 == first }.count
      if count >= 10 {
        parts.append("\(first) <repeats \(count) times>")
        rest = rest.dropFirst(count)
      } else {
        parts.append(first)
        rest = rest.dropFirst()
      }
    }
    return "{" + parts.joined(separator: ", ") + "}"
  }

  private static func line(_ name: String, _ text: String) -> String { name.padded(to: 15) + text }

  private var mxcsrNames: String {
    let names = Self.flags.filter { (sse?.mxcsr ?? 0) >> $0.bit & 1 != 0 }.map { $0.name + " " }
    return "[ " + names.joined() + "]"
  }

  public var lines: [String] {
    var lines: [String] = []
    if let sse {
      for (number, register) in sse.xmm.enumerated() {
        let value = UInt128(register.high) << 64 | UInt128(register.low)
        let parts = Self.xmmElements.map { "\($0.0) = " + Self.list(Self.elements(value, $0.1, of: 128)) }
        lines.append(
          Self.line(
            "xmm\(number)", "{" + (parts + ["uint128 = " + Self.hex(value)]).joined(separator: ", ") + "}"))
      }
      lines.append(
        Self.line("mxcsr", Self.hex(UInt128(sse.mxcsr)).padded(to: 20) + mxcsrNames))
    }
    for (number, register) in mmx.enumerated() {
      let value = UInt128(register)
      let parts = Self.mmxElements.map { "\($0.0) = " + Self.list(Self.elements(value, $0.1, of: 64)) }
      lines.append(
        Self.line(
          "mm\(number)", "{" + (["uint64 = " + Self.hex(value)] + parts).joined(separator: ", ") + "}"))
    }
    return lines
  }

  public var json: JSONValue {
    let xmm =
      sse?.xmm.map {
        JSONValue.string("0x" + hexadecimal($0.high, digits: 16) + hexadecimal($0.low, digits: 16))
      } ?? []
    return .object(
      (sse.map { [.init("xmm", .array(xmm)), .init("mxcsr", .hex(UInt64($0.mxcsr), digits: 8))] } ?? []) + [
        .init("mmx", .array(mmx.map { .hex($0, digits: 16) }))
      ])
  }
}
