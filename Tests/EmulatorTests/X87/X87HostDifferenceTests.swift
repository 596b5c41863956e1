import HostCode
import IA32
import TestSupport
import Testing

@testable import Emulator

/// Every encoding of the opcodes D8 to DF with random states of the unit, here and on the host's processor: registers, tags,
/// control and status word, memory, EFLAGS.
@Suite("x87 instructions against the host's processor", .enabled(if: host_code_is_available()))
struct X87HostDifferenceTests {
  static let image: UInt32 = 0x2_0000
  static let controlWord: UInt32 = 0x2_0100
  static let memory: UInt32 = 0x2_0200
  static let rounds = runsSlowSweeps ? 400 : 24

  /// Encodings that are instructions, with [EDX] for memory. Left out: what moves whole images, which other tests have.
  static let encodings: [[UInt8]] = (0xd8...0xdf as ClosedRange<UInt8>).flatMap { opcode in
    ((0...7).map { UInt8($0 << 3 | 2) } + Array(0xc0...0xff)).compactMap { modRM -> [UInt8]? in
      let bytes = [opcode, modRM]
      let decoded = (bytes + Array(repeating: 0, count: 14)).withUnsafeBytes {
        Decoder.decode($0, mode: .bits32)
      }
      guard case .instruction(let instruction) = decoded, case .x87(let operation) = instruction.operation
      else {
        return nil
      }
      switch operation {
      case .fldenv, .fnstenv, .frstor, .fnsave: return nil
      default: return bytes
      }
    }
  }

  /// Whose results differ in the last bit between makers, and where the manual leaves them open.
  static func isTranscendental(_ bytes: [UInt8]) -> Bool {
    bytes[0] == 0xd9 && [0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff].contains(bytes[1])
  }

  /// Bits of the status word that the manual and some processors see otherwise: FCOMI and its kin clear C1 (SDM vol. 2A,
  /// FCOMI), where those of AMD leave it as it is.
  static func differing(_ bytes: [UInt8]) -> UInt16 {
    (bytes[0] == 0xdb || bytes[0] == 0xdf) && (0xe8...0xf7).contains(bytes[1]) ? 0x200 : 0
  }

  @Test("each encoding, states at random")
  func encodings() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    #expect(Self.encodings.count > 400)
    var random = SeededGenerator(seed: 0x8787)
    var failures = 0
    var compared = 0
    for bytes in Self.encodings {
      if failures > 20 { break }
      var failuresHere = 0
      for round in 0..<Self.rounds where failuresHere < 2 {
        let seed = random
        var start = StateImage(random: &random)
        let control =
          UInt16(truncatingIfNeeded: random.next()) & 0xf00
          | (round % 2 == 0 ? 0x3f : UInt16(truncatingIfNeeded: random.next()) & 0x3f)
        start.maskFlags(by: control)
        if bytes == [0xd9, 0xf9] { start.keepTopSmall() }
        var memory = (0..<16).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        // A third of the time an ordinary number of 32, 64 or 80 bits.
        if round % 3 == 0 { (memory[9], memory[7], memory[3]) = (0x3f, 0xbf, 0x3f) }
        if bytes[0] == 0xdf && bytes[1] == 0x22 {
          for index in 0..<10 { memory[index] = memory[index] % 10 | (memory[index] >> 4) % 10 << 4 }
        }
        let flags = UInt32(truncatingIfNeeded: random.next()) & 0x8d5
        let (ours, ourMemory, ourFlags) = try execute(bytes, start, control, memory, flags, on: program)
        let before = start
        var hostMemory = memory
        let hostFlags = start.bytes.withUnsafeMutableBufferPointer { image in
          hostMemory.withUnsafeMutableBytes {
            host_code_x87(bytes, 2, image.baseAddress, control, flags, $0.baseAddress)
          }
        }
        compared += 1
        let difference = StateImage.difference(
          ours, start, isTranscendental: Self.isTranscendental(bytes), leavingOut: Self.differing(bytes))
        if let difference {
          failures += 1
          failuresHere += 1
          Issue.record(
            "seed \(seed): \(bytes.map { hexDigits($0) }) control \(hexDigits(control)) \(difference)\nbefore \(before)\nours   \(ours)\nhost   \(start)"
          )
        } else if ourMemory != hostMemory || (ourFlags ^ hostFlags) & 0x8d5 != 0 {
          failures += 1
          failuresHere += 1
          Issue.record(
            "seed \(seed): \(bytes.map { hexDigits($0) }) control \(hexDigits(control)): memory \(ourMemory), host \(hostMemory); flags \(hexDigits(ourFlags)), host \(hexDigits(hostFlags))\nbefore \(before)"
          )
        }
      }
    }
    #expect(failures > 0 || compared == Self.encodings.count * Self.rounds)
  }

  private func execute(
    _ bytes: [UInt8], _ start: StateImage, _ control: UInt16, _ memory: [UInt8], _ flags: UInt32,
    on program: ProgramMachine
  ) throws -> (StateImage, [UInt8], UInt32) {
    program.poke(Self.image, start.bytes)
    program.poke(Self.controlWord, [UInt8(control & 0xff), UInt8(control >> 8)])
    program.poke(Self.memory, memory)
    // frstor [edi]; fldcw [esi]; push ecx; popfd; the instruction; pushfd; pop eax; fnsave [edi]; out F4h, al
    let code: [UInt8] = [0xdd, 0x27, 0xd9, 0x2e, 0x51, 0x9d] + bytes + [0x9c, 0x58, 0xdd, 0x37, 0xe6, 0xf4]
    program.poke(ProgramMachine.code, code)
    program.cpu[.edi] = Self.image
    program.cpu[.esi] = Self.controlWord
    program.cpu[.edx] = Self.memory
    program.cpu[.ecx] = flags | 2
    program.cpu[.esp] = ProgramMachine.outerStack
    program.cpu[.eax] = 0
    program.cpu.state.pointee.eip = ProgramMachine.code
    let stop = program.run()
    if case .exit = stop, program.taken == nil {
    } else {
      Issue.record("\(bytes.map { hexDigits($0) }) stopped with \(stop), \(program.taken as Any)")
    }
    // FNSTSW AX changes EAX before the flags go there.
    return (
      StateImage(bytes: program.peek(Self.image, 108)), program.peek(Self.memory, 16), program.cpu[.eax]
    )
  }
}

/// The image that FNSAVE stores in 32-bit protected mode.
struct StateImage: CustomStringConvertible {
  var bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// A state without pending exceptions: any TOP and tags, flags set at random, registers of all kinds.
  init(random: inout SeededGenerator) {
    bytes = Array(repeating: 0, count: 108)
    bytes[0] = 0x7f
    bytes[1] = 0x03
    let status = UInt16(truncatingIfNeeded: random.next()) & 0x7f7f
    bytes[4] = UInt8(status & 0x7f)
    bytes[5] = UInt8(status >> 8)
    if random.next() & 1 == 0 { bytes[4] = 0 }
    let empty =
      random.next() & 3 == 0
      ? random.next() & random.next() : random.next() & random.next() & random.next() & random.next()
    for register in 0..<8 where empty >> UInt64(register) & 1 != 0 {
      bytes[8 + register / 4] |= 3 << UInt8(register % 4 * 2)
    }
    for index in 0..<8 {
      var significand = random.next() | 1 << 63
      var exponent = UInt16(0x3fff - 40 + random.next() % 80)
      switch random.next() % 8 {
      case 0:
        exponent = [0, 0x7fff][Int(random.next() & 1)]
        if random.next() & 1 == 0 { significand = [0, 1 << 63, 3 << 62, 5 << 61][Int(random.next() & 3)] }
      case 1: exponent = UInt16(truncatingIfNeeded: random.next() & 0x7fff)
      case 2: significand &= ~0 << (random.next() & 63)
      case 3: if random.next() & 7 == 0 { significand &= ~(1 << 63) }
      default: break
      }
      if random.next() & 1 == 0 { exponent |= 0x8000 }
      for byte in 0..<8 {
        bytes[28 + 10 * index + byte] = UInt8(truncatingIfNeeded: significand >> UInt64(8 * byte))
      }
      bytes[28 + 10 * index + 8] = UInt8(exponent & 0xff)
      bytes[28 + 10 * index + 9] = UInt8(exponent >> 8)
    }
  }

  /// Takes out the exceptions that a control word would make pending: the instruction before would raise #MF, here and on
  /// the host.
  mutating func maskFlags(by control: UInt16) { bytes[4] &= UInt8(truncatingIfNeeded: control) | 0xc0 }

  /// Makes ST(0) small enough for FYL2XP1, which leaves open what becomes of greater ones.
  mutating func keepTopSmall() {
    if word(36) & 0x7fff > 0x3ffc { bytes[37] = bytes[37] & 0x80 | 0x3e }
  }

  func word(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
  func significand(_ index: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[28 + 10 * index + $1]) << UInt64(8 * $1) }
  }

  /// What differs; pointers and opcode are left to other tests. Of a transcendental, whose values the tests of the
  /// arithmetic compare, only how the stack moved and the registers below.
  static func difference(
    _ ours: StateImage, _ host: StateImage, isTranscendental: Bool, leavingOut excepted: UInt16
  ) -> String? {
    let compared: UInt16 = (isTranscendental ? 0x3840 : 0xffff) & ~excepted
    if ours.word(0) != host.word(0) { return "control word" }
    if (ours.word(4) ^ host.word(4)) & compared != 0 { return "status word" }
    if ours.word(8) != host.word(8) && !isTranscendental { return "tag word" }
    for index in (isTranscendental ? 2 : 0)..<8 {
      let place = 28 + 10 * index
      if ours.bytes[place..<place + 10] != host.bytes[place..<place + 10] { return "ST(\(index))" }
    }
    return nil
  }

  var description: String {
    let registers = (0..<8).map { "\(hexDigits(word(28 + 10 * $0 + 8))):\(hexDigits(significand($0)))" }
    return
      "cw \(hexDigits(word(0))) sw \(hexDigits(word(4))) tw \(hexDigits(word(8))) \(registers.joined(separator: " "))"
  }
}
