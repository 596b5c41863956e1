@testable import IA32

/// A kind of difference from objdump that is meant, and why.
struct KnownDifference: Sendable {
  let name: String
  let reason: String
  let applies: @Sendable (Comparison) -> Bool

  /// All of them. A difference outside this list fails the tests.
  static let all: [KnownDifference] = [
    KnownDifference(
      name: "foreign opcodes", reason: "objdump knows instructions that came before or after the Pentium Pro"
    ) { c in
      c.isUndefined && ForeignOpcode.all.contains { $0.matches(c) }
    },
    KnownDifference(
      name: "LOCK", reason: "objdump prints LOCK before anything; without it the instruction is the same"
    ) { c in
      guard c.isUndefined, c.prefixes.contains(0xF0) else { return false }
      let unlocked = c.prefixes.filter { $0 != 0xF0 } + c.afterPrefixes
      let result = unlocked.withUnsafeBytes { Decoder.decode($0, mode: c.mode) }
      guard case .instruction(let instruction) = result else { return false }
      let text = Disassembler.text(instruction, at: c.address &+ UInt32(c.bytes.count - unlocked.count))
      return Spelling.parted(text).body == Spelling.parted(Spelling.normalised(c.theirText)).body
        || all.contains { $0.name != "LOCK" && $0.toleratesBehindLock && $0.applies(c.without(0xF0)) }
    },
    KnownDifference(
      name: "segment registers", reason: "objdump prints MOV to CS, and segments 6 and 7 as '?'"
    ) { c in
      c.isUndefined && (c.opcode.code == 0x8E || c.opcode.code == 0x8C) && c.theirMnemonic == "mov"
        && (c.opcode.next >> 3 & 7 >= 6 || c.opcode.code == 0x8E && c.opcode.next >> 3 & 7 == 1)
    },
    KnownDifference(
      name: "control registers", reason: "objdump prints control registers that don't exist"
    ) { c in
      // With LOCK they are CR8 to CR15 to objdump, as on AMD's processors.
      c.isUndefined && (c.opcode.code == 0x0F20 || c.opcode.code == 0x0F22) && c.theirMnemonic == "mov"
        && ([1, 5, 6, 7].contains(c.opcode.next >> 3 & 7) || c.prefixes.contains(0xF0))
    },
    KnownDifference(
      name: "split prefixes",
      reason:
        "objdump begins anew at a symbol or at 16-bit code, and prints the prefixes before it by themselves"
    ) { c in
      c.bytes.allSatisfy { [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67].contains($0) }
        && c.instruction == nil && !c.isUndefined
    },
    KnownDifference(
      name: "fences",
      reason: "the processor ignores ModRM's r/m field of LFENCE, MFENCE and SFENCE, objdump does not"
    ) { c in
      guard case .simdControl = c.instruction?.operation, c.opcode.code == 0x0FAE else { return false }
      return c.opcode.next >= 0xE8 && c.opcode.next & 7 != 0 && c.theirText.contains("(bad)")
    },
    KnownDifference(
      name: "MOVQ2DQ", reason: "with 66 before F2 or F3, objdump takes MMX registers for XMM registers"
    ) { c in
      [.simdMove(.movq2dq), .simdMove(.movdq2q)].contains(c.instruction?.operation)
        && c.prefixes.contains(0x66) && c.theirMnemonic == "\(OpcodeTable.row(of: c.instruction!).mnemonic)"
    },
    KnownDifference(name: "SALC", reason: "undocumented: objdump doesn't know it") { c in
      c.instruction?.operation == .flag(.salc) && c.theirText.contains("(bad)")
    },
    KnownDifference(
      name: "hint NOPs", reason: "0F 18 to 0F 1F got names and meanings after the Pentium Pro"
    ) { c in
      guard c.instruction?.operation == .data(.nop), (0x0F18...0x0F1F).contains(c.opcode.code) else {
        return false
      }
      return ["prefetch", "bnd", "cldemote", "endbr", "rdssp", "nop", "(bad)"].contains {
        c.theirMnemonic.hasPrefix($0)
      }
    },
    KnownDifference(name: "TZCNT and LZCNT", reason: "F3 before BSF and BSR is ignored; F2 isn't assigned") {
      c in
      (c.opcode.code == 0x0FBC && c.instruction?.operation == .bit(.bsf)
        || c.opcode.code == 0x0FBD && c.instruction?.operation == .bit(.bsr))
        && (c.theirMnemonic == "tzcnt" || c.theirMnemonic == "lzcnt" || c.theirText.contains("(bad)"))
    },
    KnownDifference(name: "WBNOINVD", reason: "prefixes before WBINVD are ignored") { c in
      c.instruction?.operation == .system(.wbinvd)
        && (c.theirMnemonic == "wbnoinvd" || c.theirText.contains("(bad)"))
    },
    KnownDifference(
      name: "WAIT", reason: "objdump takes WAIT and the floating-point instruction after it for one"
    ) { c in
      guard let instruction = c.instruction, instruction.operation == .system(.wait) else { return false }
      let next = c.bytes.dropFirst(Int(instruction.length)).first {
        $0 != 0x9B && !Comparison.prefixBytes.contains($0)
      }
      return next.map { (0xD8...0xDF).contains($0) } == true || c.theirMnemonic == "fwait"
    },
    KnownDifference(
      name: "short branches", reason: "objdump doesn't wrap them at 64 KiB when the operand size is 16 bits"
    ) { c in
      guard let instruction = c.instruction, instruction.op0.kind == .relative, instruction.operandSize == 2,
        Int(instruction.length) == c.theirLength
      else { return false }
      let ours = Spelling.parted(c.ourText).body.split(separator: " ")
      let theirs = Spelling.parted(c.theirText).body.split(separator: " ")
      guard ours.count == 2, theirs.count == 2, ours[0] == theirs[0],
        let ourTarget = UInt32(ours[1].dropFirst(2), radix: 16),
        let theirTarget = UInt32(theirs[1].dropFirst(2), radix: 16)
      else { return false }
      return ourTarget & 0xFFFF == theirTarget & 0xFFFF
    },
    KnownDifference(
      name: "NOTRACK",
      reason: "objdump takes the DS prefix before CALL and JMP for NOTRACK, and then forgets the segment"
    ) {
      c in
      guard let instruction = c.instruction,
        instruction.operation == .control(.call) || instruction.operation == .control(.jmp),
        c.prefixes.contains(0x3E), Int(instruction.length) == c.theirLength
      else { return false }
      let ours = Spelling.parted(c.ourText).body
      let theirs = Spelling.parted(Spelling.normalised(c.theirText)).body
      return c.theirText.contains("notrack")
        && Spelling.withoutSegments(ours) == Spelling.withoutSegments(theirs)
    },
  ]

  /// Whether the difference may hide behind a misplaced LOCK too.
  private var toleratesBehindLock: Bool {
    ["SALC", "hint NOPs", "TZCNT and LZCNT", "WBNOINVD", "WAIT", "short branches", "NOTRACK"].contains(name)
  }
}

extension Comparison {
  /// The same comparison with every byte of the prefix `byte` left out.
  func without(_ byte: UInt8) -> Comparison {
    let kept = Array(prefixes.filter { $0 != byte } + afterPrefixes)
    let removed = bytes.count - kept.count
    return Comparison(
      line: Objdump.Line(
        address: address &+ UInt32(removed), bytes: Array(bytes.prefix(max(0, theirLength - removed))),
        text: theirText),
      following: kept, mode: mode)
  }
}

/// Opcodes that are undefined on the Pentium Pro and assigned on other processors.
struct ForeignOpcode: Sendable {
  let opcodes: ClosedRange<UInt16>
  /// The byte after the opcode.
  let next: ClosedRange<UInt8>
  /// The values of its bits 5 to 3.
  let digits: Set<UInt8>
  let what: String

  private init(
    _ opcodes: ClosedRange<UInt16>, next: ClosedRange<UInt8> = 0...0xFF, digits: ClosedRange<UInt8> = 0...7,
    _ what: String
  ) {
    self.opcodes = opcodes
    self.next = next
    self.digits = Set(digits)
    self.what = what
  }

  func matches(_ comparison: Comparison) -> Bool {
    let (code, next) = comparison.opcode
    return opcodes.contains(code) && self.next.contains(next) && digits.contains(next >> 3 & 7)
  }

  static let all: [ForeignOpcode] = [
    ForeignOpcode(0x62...0x62, next: 0xC0...0xFF, "EVEX"),
    ForeignOpcode(0x8F...0x8F, digits: 1...7, "XOP"),
    ForeignOpcode(0xC4...0xC5, next: 0xC0...0xFF, "VEX"),
    ForeignOpcode(0xC6...0xC7, next: 0xF8...0xF8, "TSX"),
    ForeignOpcode(0xDB...0xDB, next: 0x00...0xBF, digits: 1...1, "SSE3: FISTTP"),
    ForeignOpcode(0xDB...0xDB, next: 0xE5...0xE5, "287: FRSTPM"),
    ForeignOpcode(0xDD...0xDD, next: 0x00...0xBF, digits: 1...1, "SSE3: FISTTP"),
    ForeignOpcode(0xDF...0xDF, next: 0x00...0xBF, digits: 1...1, "SSE3: FISTTP"),
    ForeignOpcode(0xDF...0xDF, next: 0xC0...0xC7, "FFREEP, undocumented"),
    ForeignOpcode(0x0F01...0x0F01, next: 0xC0...0xFF, "VMX, SVM, MONITOR, XGETBV, SMAP, ..."),
    ForeignOpcode(0x0F01...0x0F01, digits: 5...5, "shadow stacks"),
    ForeignOpcode(0x0F05...0x0F05, "SYSCALL"),
    ForeignOpcode(0x0F07...0x0F07, "SYSRET"),
    ForeignOpcode(0x0F0D...0x0F0F, "PREFETCH, FEMMS, 3DNow!"),
    ForeignOpcode(0x0F10...0x0F17, "SSE"),
    ForeignOpcode(0x0F24...0x0F24, "MOV from test registers, gone with the Pentium"),
    ForeignOpcode(0x0F26...0x0F26, "MOV to test registers, gone with the Pentium"),
    ForeignOpcode(0x0F28...0x0F2F, "SSE"),
    ForeignOpcode(0x0F37...0x0F37, "GETSEC"),
    ForeignOpcode(0x0F38...0x0F3F, "SSSE3, SSE4"),
    ForeignOpcode(0x0F50...0x0F7F, "MMX, SSE"),
    ForeignOpcode(0x0FAE...0x0FAE, "FXSAVE and group 15"),
    ForeignOpcode(0x0FB8...0x0FB8, "POPCNT"),
    ForeignOpcode(0x0FC2...0x0FC6, "SSE"),
    ForeignOpcode(0x0FC7...0x0FC7, "VMX, XSAVE, RDRAND"),
    ForeignOpcode(0x0FD0...0x0FFE, "MMX, SSE"),
    ForeignOpcode(0x0FFF...0x0FFF, "UD0, undefined by its name"),
  ]
}
