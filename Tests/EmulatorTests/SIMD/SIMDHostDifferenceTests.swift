import HostCode
import IA32
import TestSupport
import Testing

@testable import Emulator

/// Every encoding of MMX, SSE and SSE2, with registers and with memory, here and on the host's processor: general, MMX and XMM
/// registers, tags, MXCSR, EFLAGS, memory, and the exception where there is one.
@Suite("MMX, SSE and SSE2 against the host's processor", .enabled(if: host_code_is_available()))
struct SIMDHostDifferenceTests {
  static let rounds = runsSlowSweeps ? 500 : 10

  /// ModRM bytes for a row: [EDX], and registers 0 and 1 in all combinations; without ModRM nothing.
  static func encodings(_ row: OpcodeRow) -> [[UInt8]] {
    let head = (row.prefix.byte.map { [$0] } ?? []) + row.map.escape + [row.lastByte]
    guard row.flags.contains(.modRM) else { return [head] }
    let candidates: [UInt8] =
      if let digit = row.pattern.digit {
        [digit << 3 | 2, 0xc0 | digit << 3, 0xc1 | digit << 3]
      } else {
        [0x02, 0x0a, 0xc0, 0xc1, 0xc8, 0xc9]
      }
    return candidates.filter { row.pattern.matches($0) }.map { head + [$0] }
  }

  static func isSIMD(_ row: OpcodeRow) -> Bool {
    switch row.operation {
    case .simdMove, .packedInteger, .sse, .simdConversion, .simdControl: true
    default: false
    }
  }

  @Test("each encoding, states at random")
  func encodings() throws {
    let program = try ProgramMachine(identity: ProgramMachine.everything)
    try program.enterProtectedMode()
    program.cpu.state.pointee.cr4 = [.osSavesExtendedState, .osHandlesSIMDExceptions]
    var random = SeededGenerator(seed: 0x5151)
    var (failures, count, compared, faults) = (0, 0, 0, 0)
    for row in OpcodeTable.rows where Self.isSIMD(row) {
      for encoding in Self.encodings(row) {
        count += 1
        for round in 0..<Self.rounds where failures < 12 {
          let seed = random
          var bytes = encoding
          if row.operandCodes.contains(.Ib) { bytes.append(Self.immediate(row, &random)) }
          let start = SIMDState(row, round, &random)
          let ours = try start.emulated(bytes, on: program)
          let host = start.onHost(bytes)
          compared += 1
          if host.vector != nil { faults += 1 }
          guard let difference = ours.difference(from: host, started: start, row) else { continue }
          failures += 1
          Issue.record(
            "seed \(seed): \(row.mnemonic) \(bytes.map { hexDigits($0) }): \(difference)\nbefore \(start)\nours   \(ours)\nhost   \(host)"
          )
        }
      }
    }
    print("SIMD: \(count) encodings, \(compared) executions, \(faults) of them with an exception")
    #expect(count > 700)
    #expect(failures > 0 || faults > 100)
  }

  /// Of shifts mostly counts that leave something.
  private static func immediate(_ row: OpcodeRow, _ random: inout SeededGenerator) -> UInt8 {
    random.oneIn(3) ? random.byte() : random.byte() & 0x1f
  }
}

/// What an instruction of MMX, SSE or SSE2 can see and change.
struct SIMDState: CustomStringConvertible {
  /// EAX, ECX.
  var general: [UInt32]
  var eflags: UInt32
  /// MM0 to MM7, or R0 to R7: significands and exponents.
  var mmx: [UInt64]
  var exponents: [UInt16]
  var top: UInt8
  var used: UInt8
  /// XMM0 to XMM7, low and high halves.
  var xmm: [UInt64]
  var mxcsr: UInt32
  var memory: [UInt8]
  /// Where the operand in memory begins.
  var offset: UInt32
  /// The exception that was raised.
  var vector: UInt8?

  private static let place: UInt32 = 0x2_0200

  // MARK: Random states

  init(_ row: OpcodeRow, _ round: Int, _ random: inout SeededGenerator) {
    let kind = random.next() % 6
    func quadword() -> UInt64 { Self.quadword(kind, &random) }
    general = [UInt32(truncatingIfNeeded: quadword()), random.word()]
    eflags = random.word() & 0x8d5
    mmx = (0..<8).map { _ in quadword() }
    exponents = (0..<8).map { _ in UInt16(truncatingIfNeeded: random.next()) }
    top = random.byte() & 7
    used = random.byte()
    xmm = (0..<16).map { _ in quadword() }
    memory = (0..<8).flatMap { _ in
      let value = quadword()
      return (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    mxcsr = UInt32(random.next() & 0xe040) | 0x1f80
    if round % 3 == 1 { mxcsr = UInt32(random.next() & 0xffff) }
    if round % 3 == 0 && random.flag() { mxcsr |= UInt32(random.next() & 0x3f) }
    offset = random.oneIn(4) ? UInt32(random.next() % 40) : UInt32(random.next() & 1) * 16
    // A shift's count is seldom a large number.
    if case .packedInteger(let operation, _) = row.operation, "\(operation)".hasPrefix("ps"), random.flag() {
      for index in [0, 1] {
        mmx[index] &= 0x3f
        xmm[2 * index] &= 0x3f
      }
      memory[Int(offset)] &= 0x3f
      for byte in 1..<8 { memory[Int(offset) + byte] = 0 }
    }
    // MXCSR's reserved bits are clear most of the time.
    if row.operation == .simdControl(.ldmxcsr) {
      memory[Int(offset) + 2] = 0
      memory[Int(offset) + 3] = random.oneIn(6) ? 0x80 : 0
    }
  }

  private static let edges32: [UInt32] = [
    0, 0x8000_0000, 1, 0x8000_0001, 0x7f_ffff, 0x80_0000, 0x3f80_0000, 0xbf80_0000, 0x3f80_0001,
    0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffa5_5555, 0x4f00_0000,
    0xcf00_0000, 0x4eff_ffff, 0x3f00_0000, 0x3fc0_0000, 0x4020_0000, 0x40e0_0000, 0x1000_0000, 0x7000_0000,
  ]
  private static let edges64: [UInt64] = [
    0, 1 << 63, 1, 1 << 63 | 1, 0xf_ffff_ffff_ffff, 1 << 52, 0x3ff << 52, 0xbff << 52, 0x3ff << 52 | 1,
    0x7fef_ffff_ffff_ffff, 0x7ff << 52, 0xfff << 52, 0x7ff8 << 48, 0x7ff << 52 | 1, 0xfff5_5555_5555_5555,
    0x41e0_0000_0000_0000, 0xc1e0_0000_0000_0000, 0xc1e0_0000_0020_0000, 0x41df_ffff_ffc0_0000,
    0x3fe0_0000_0000_0000, 0x4004_0000_0000_0000, 0x47ef_ffff_e000_0000, 0x47ef_ffff_f000_0000,
    0x3800_0000_0000_0000, 0x36a0_0000_0000_0000, 0x3690_0000_0000_0000,
  ]
  private static let bytes: [UInt8] = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff]

  private static func quadword(_ kind: UInt64, _ random: inout SeededGenerator) -> UInt64 {
    switch kind {
    case 0: return random.next()
    case 1:
      return (0..<8).reduce(0) { value, _ in
        value << 8 | UInt64(bytes[Int(random.next() % UInt64(bytes.count))])
      }
    case 2:
      func single() -> UInt64 { UInt64(edges32[Int(random.next() % UInt64(edges32.count))]) }
      return single() << 32 | single()
    case 3: return edges64[Int(random.next() % UInt64(edges64.count))]
    case 4:
      // Singles near each other, with few bits.
      func single() -> UInt64 {
        UInt64(0x3f00_0000 + (random.word() & 0x01ff_0000)) | (random.flag() ? 1 << 31 : 0)
      }
      return single() << 32 | single()
    default:
      let exponent = 0x3ff - 40 + random.next() % 80
      return exponent << 52 | (random.next() & 0xf_ffff_ffff_ffff) | (random.flag() ? 1 << 63 : 0)
    }
  }

  // MARK: Execution

  func emulated(_ bytes: [UInt8], on program: ProgramMachine) throws -> SIMDState {
    let cpu = program.cpu
    program.poke(ProgramMachine.code, bytes + [0xe6, 0xf4])
    program.poke(Self.place, memory)
    cpu[.eax] = general[0]
    cpu[.ecx] = general[1]
    cpu[.edx] = Self.place + offset
    cpu[.edi] = Self.place + offset
    cpu[.esp] = ProgramMachine.outerStack
    cpu.state.pointee.eflags = eflags | 2
    cpu.state.pointee.eip = ProgramMachine.code
    cpu.state.pointee.x87.top = top
    cpu.state.pointee.x87.used = used
    for index in 0..<8 {
      cpu.state.pointee.x87.registers[index].significand = mmx[index]
      cpu.state.pointee.x87.registers[index].signExponent = exponents[index]
      cpu.state.pointee.sse.registers[index].low = xmm[2 * index]
      cpu.state.pointee.sse.registers[index].high = xmm[2 * index + 1]
    }
    cpu.state.pointee.sse.control.rawValue = mxcsr
    let stop = program.run()
    guard case .exit = stop else {
      Issue.record("\(bytes.map { hexDigits($0) }) stopped with \(stop)")
      return self
    }
    var after = self
    after.vector = program.taken.map { UInt8($0.vector) }
    after.general = [cpu[.eax], cpu[.ecx]]
    after.eflags = (program.taken == nil ? cpu.state.pointee.eflags : program.pushedFlags) & 0x8d5
    after.memory = program.peek(Self.place, 64)
    after.top = cpu.state.pointee.x87.top
    after.used = cpu.state.pointee.x87.used
    for index in 0..<8 {
      after.mmx[index] = cpu.state.pointee.x87.registers[index].significand
      after.exponents[index] = cpu.state.pointee.x87.registers[index].signExponent
      after.xmm[2 * index] = cpu.state.pointee.sse.registers[index].low
      after.xmm[2 * index + 1] = cpu.state.pointee.sse.registers[index].high
    }
    after.mxcsr = cpu.state.pointee.sse.control.rawValue
    return after
  }

  func onHost(_ bytes: [UInt8]) -> SIMDState {
    var after = self
    var image = fxsaveImage
    let vector = image.withUnsafeMutableBufferPointer { image in
      after.memory.withUnsafeMutableBufferPointer { memory in
        var host = HostSIMDState(
          eax: general[0], ecx: general[1], eflags: UInt64(eflags), image: image.baseAddress,
          memory: memory.baseAddress, offset: offset)
        let vector = host_code_simd(bytes, bytes.count, &host)
        after.general = [host.eax, host.ecx]
        after.eflags = UInt32(truncatingIfNeeded: host.eflags)
        return vector
      }
    }
    after.vector = vector < 0 ? nil : UInt8(vector)
    after.readFXSAVE(image)
    return after
  }

  // MARK: The image of FXSAVE. SDM vol. 2A, table 3-47

  /// Where Rn stands: the image begins with ST(0).
  private static func stackPlace(_ register: Int, top: UInt8) -> Int { 32 + 16 * ((register - Int(top)) & 7) }

  private var fxsaveImage: [UInt8] {
    var image = [UInt8](repeating: 0, count: 512)
    func put(_ value: UInt64, _ place: Int, _ count: Int) {
      for byte in 0..<count { image[place + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
    }
    put(0x37f, 0, 2)
    put(UInt64(top) << 11, 2, 2)
    put(UInt64(used), 4, 1)
    put(UInt64(mxcsr), 24, 4)
    for index in 0..<8 {
      put(mmx[index], Self.stackPlace(index, top: top), 8)
      put(UInt64(exponents[index]), Self.stackPlace(index, top: top) + 8, 2)
      put(xmm[2 * index], 160 + 16 * index, 8)
      put(xmm[2 * index + 1], 168 + 16 * index, 8)
    }
    return image
  }

  private mutating func readFXSAVE(_ image: [UInt8]) {
    func get(_ place: Int, _ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(image[place + $1]) << UInt64(8 * $1) }
    }
    top = UInt8(get(2, 2) >> 11 & 7)
    used = image[4]
    mxcsr = UInt32(get(24, 4))
    for index in 0..<8 {
      mmx[index] = get(Self.stackPlace(index, top: top), 8)
      exponents[index] = UInt16(get(Self.stackPlace(index, top: top) + 8, 2))
      xmm[2 * index] = get(160 + 16 * index, 8)
      xmm[2 * index + 1] = get(168 + 16 * index, 8)
    }
  }

  // MARK: Comparison

  /// What differs. The values of RCPPS and RSQRTPS may, within the bounds that the manual gives to each.
  func difference(from host: SIMDState, started start: SIMDState, _ row: OpcodeRow) -> String? {
    if vector != host.vector { return "exception" }
    if general != host.general { return "general registers" }
    if eflags != host.eflags { return "EFLAGS" }
    if mmx != host.mmx || exponents != host.exponents { return "MMX registers" }
    // From memory CVTPI2PS makes the transition by the manual, and not on AMD's processors.
    let mayDiffer =
      row.operation == .simdConversion(.cvtpi2ps) && host.top == start.top && host.used == start.used
    if !mayDiffer && (top != host.top || used != host.used) { return "TOP or tags" }
    if mxcsr != host.mxcsr { return "MXCSR" }
    if memory != host.memory { return "memory" }
    if xmm == host.xmm { return nil }
    switch row.operation {
    case .sse(.rcp, _), .sse(.rsqrt, _):
      for (ours, theirs) in zip(xmm, host.xmm) {
        for shift in [0, 32] as [UInt64]
        where !Self.isClose(
          UInt32(truncatingIfNeeded: ours >> shift), UInt32(truncatingIfNeeded: theirs >> shift))
        {
          return "XMM registers"
        }
      }
      return nil
    default: return "XMM registers"
    }
  }

  private static func isClose(_ one: UInt32, _ other: UInt32) -> Bool {
    if one == other { return true }
    let (a, b) = (Double(Float(bitPattern: one)), Double(Float(bitPattern: other)))
    // A result below the normal numbers is zero here; the manual leaves it open.
    if abs(a) <= 0x1p-126 && abs(b) <= 0x1p-125 { return true }
    return abs(a - b) <= abs(b) * 0x1.8p-11
  }

  var description: String {
    "\(vector.map { "vector \($0) " } ?? "")eax \(hexDigits(general[0])) ecx \(hexDigits(general[1])) flags \(hexDigits(eflags)) top \(top) used \(hexDigits(used)) mxcsr \(hexDigits(mxcsr)) mm0 \(hexDigits(exponents[0])):\(hexDigits(mmx[0])) mm1 \(hexDigits(exponents[1])):\(hexDigits(mmx[1])) xmm0 \(hexDigits(xmm[1])) \(hexDigits(xmm[0])) xmm1 \(hexDigits(xmm[3])) \(hexDigits(xmm[2])) offset \(offset) memory \(memory[Int(offset)..<min(64, Int(offset) + 16)].map { hexDigits($0) }.joined(separator: " "))"
  }
}
