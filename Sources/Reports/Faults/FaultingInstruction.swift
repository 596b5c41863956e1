import Emulator
import IA32

/// The instruction that a fault chain began with, read by its bytes, and the registers of that moment.
struct FaultingInstruction {
  /// From the first prefix on, as many as can be read and an instruction can have.
  let bytes: [UInt8]
  /// The bytes of the prefixes that come before the opcode.
  let prefixes: [UInt8]
  /// The opcode and what follows it.
  let code: [UInt8]
  /// The general registers by their numbers.
  let registers: SIMD8<UInt32>

  init(_ machine: Machine, at eip: UInt32, registers: SIMD8<UInt32>) {
    let segment = machine.registers[SegmentRegister.cs]
    bytes = Self.read(machine, segment.base &+ eip)
    let known: Set<UInt8> = [0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x66, 0x67]
    let prefixes = Array(bytes.prefix { known.contains($0) })
    self.prefixes = prefixes
    code = Array(bytes.dropFirst(prefixes.count))
    self.registers = registers
  }

  /// Up to 15 bytes, from what a fetch sees: fewer where the next page is not there.
  private static func read(_ machine: Machine, _ linear: UInt32) -> [UInt8] {
    let view = MemoryView(machine, .code)
    let first = min(Decoder.maximumLength, 4096 - Int(linear & 0xfff))
    let bytes = (try? view.read(UInt64(linear), count: first)) ?? []
    guard bytes.count == first, first < Decoder.maximumLength else { return bytes }
    let rest = try? view.read(UInt64(linear &+ UInt32(first)), count: Decoder.maximumLength - first)
    return bytes + (rest ?? [])
  }

  /// The second byte of a two-byte opcode; nil for another opcode.
  var secondByte: UInt8? { code.count > 1 && code[0] == 0x0f ? code[1] : nil }

  /// The ModR/M byte of a two-byte opcode; 0 where there is none.
  var modRM: UInt8 { code.count > 2 ? code[2] : 0 }

  /// The ModR/M byte's register field of a two-byte opcode.
  var registerField: Int { Int(modRM >> 3 & 7) }

  /// Such as "0f 0b".
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { hexadecimal(UInt64($0), digits: 2) }.joined(separator: " ")
  }
}
