import FloatingPoint
import IA32
import TestSupport
import Testing

@testable import Emulator

/// MMX, SSE and SSE2 as system software meets them: who may execute what, and what is raised instead. SDM vol. 3A, chapters 12
/// and 13.
@Suite("MMX and SSE in the processor") struct SIMDGuestTests {
  private typealias Taken = ProgramMachine.Taken

  /// CR4 as an operating system sets it that knows SSE.
  private static let aware: CR4 = [.osSavesExtendedState, .osHandlesSIMDExceptions]
  private static let end = "\n out 0xf4, al"

  private func machine(
    _ source: String, cr0: CR0 = [.protectionEnable, .numericError], cr4: CR4 = aware,
    identity: CPUIdentity = ProgramMachine.everything, prepare: (ProgramMachine) throws -> Void = { _ in }
  ) throws -> ProgramMachine {
    let program = try ProgramMachine(identity: identity)
    try program.enterProtectedMode()
    try program.cpu.moveToControlRegister(4, cr4.rawValue)
    try program.cpu.moveToControlRegister(0, cr0.rawValue)
    try prepare(program)
    try program.load(source)
    program.run()
    return program
  }

  // MARK: Control registers

  private static let mmx = [
    "paddb mm0, mm1", "movq mm0, [0x8000]", "movd eax, mm0", "emms", "pshufw mm0, mm1, 5",
  ]
  private static let sse = [
    "addps xmm0, xmm1", "movaps xmm0, [0x8000]", "ldmxcsr [0x8000]", "stmxcsr [0x8000]", "paddb xmm0, xmm1",
    "comiss xmm0, xmm1", "movmskps eax, xmm0", "cvtsi2sd xmm0, eax", "maskmovdqu xmm0, xmm1",
  ]
  private static let both = [
    "cvtpi2ps xmm0, mm0", "cvttps2pi mm0, xmm0", "movq2dq xmm0, mm0", "movdq2q mm0, xmm0",
  ]
  /// Of general registers and of caches.
  private static let neither = [
    "movnti [0x8000], eax", "sfence", "lfence", "mfence", "prefetchnta [0x8000]", "clflush [0x8000]", "pause",
  ]

  @Test("EM is #UD, TS is #NM, and EM comes first; fences and MOVNTI don't care")
  func notAvailable() throws {
    let plain: CR0 = [.protectionEnable, .numericError]
    for source in Self.mmx + Self.sse + Self.both {
      #expect(try machine(source, cr0: plain.union(.emulation)).taken == Taken(.invalidOpcode), "\(source)")
      #expect(
        try machine(source, cr0: plain.union(.taskSwitched)).taken == Taken(.deviceNotAvailable), "\(source)")
      #expect(
        try machine(source, cr0: plain.union([.emulation, .taskSwitched])).taken == Taken(.invalidOpcode),
        "\(source)")
      #expect(try machine(source + Self.end).taken == nil, "\(source)")
    }
    for source in Self.neither {
      let found = try machine(source + Self.end, cr0: plain.union([.emulation, .taskSwitched]), cr4: []).taken
      #expect(found == nil, "\(source)")
    }
  }

  @Test("Without CR4.OSFXSR SSE is #UD, also under TS, and MMX is not")
  func systemSoftwareKnows() throws {
    for source in Self.sse + Self.both {
      #expect(try machine(source, cr4: []).taken == Taken(.invalidOpcode), "\(source)")
      let found = try machine(source, cr0: [.protectionEnable, .taskSwitched], cr4: []).taken
      #expect(found == Taken(.invalidOpcode), "\(source)")
    }
    for source in Self.mmx { #expect(try machine(source + Self.end, cr4: []).taken == nil, "\(source)") }
  }

  @Test("What x87 has pending is #MF for whatever touches MMX registers, and for nothing of SSE alone")
  func pendingError() throws {
    func pending(_ source: String) throws -> Taken? {
      try machine(source + Self.end) {
        $0.cpu.state.pointee.x87.loadControl(0x37b)
        $0.cpu.state.pointee.x87.flags = 4
        $0.cpu.state.pointee.x87.summarize()
      }.taken
    }
    for source in Self.mmx + Self.both {
      #expect(try pending(source) == Taken(.floatingPointError), "\(source)")
    }
    for source in Self.sse { #expect(try pending(source) == nil, "\(source)") }
    // From memory CVTPI2PD has nothing to do with them.
    #expect(try pending("cvtpi2pd xmm0, [0x8000]") == nil)
    #expect(try pending("cvtpi2pd xmm0, mm0") == Taken(.floatingPointError))
  }

  @Test("LOCK is #UD before all of them")
  func lock() throws {
    let bytes: [[UInt8]] = [
      [0xf0, 0x0f, 0xfc, 0xc1], [0xf0, 0x0f, 0x58, 0x02], [0xf0, 0x66, 0x0f, 0x7f, 0x02],
      [0xf0, 0x0f, 0xc3, 0x02], [0xf0, 0x0f, 0xae, 0x12], [0xf0, 0x0f, 0x77],
    ]
    for code in bytes {
      let program = try machine(".byte " + code.map { "\($0)" }.joined(separator: ","))
      #expect(program.taken == Taken(.invalidOpcode), "\(code)")
    }
  }

  // MARK: Memory

  @Test(
    "16 bytes that are not aligned are #GP(0), but for the moves that say so; smaller operands may lie anywhere"
  )
  func alignment() throws {
    for source in [
      "movaps xmm0, [0x8008]", "movaps [0x8001], xmm0", "movdqa xmm0, [0x8004]", "addps xmm0, [0x8008]",
      "paddb xmm0, [0x8008]", "movntps [0x8008], xmm0", "cvtdq2ps xmm0, [0x8008]", "pshufd xmm0, [0x8008], 0",
      "cvtpd2pi mm0, [0x8008]", "psllw xmm0, [0x8008]", "andpd xmm0, [0x8008]",
    ] {
      #expect(try machine(source).taken == Taken(.generalProtection, 0), "\(source)")
    }
    for source in [
      "movups xmm0, [0x8001]", "movupd [0x8003], xmm0", "movdqu xmm0, [0x8fff]", "addss xmm0, [0x8001]",
      "addsd xmm0, [0x8001]", "cvtps2pd xmm0, [0x8001]", "movq xmm0, [0x8001]", "paddb mm0, [0x8001]",
      "movlps xmm0, [0x8001]", "cvtdq2pd xmm0, [0x8001]",
    ] {
      #expect(try machine(source + Self.end).taken == nil, "\(source)")
    }
    // Before the page is looked at.
    let misaligned = try machine("movaps xmm0, [0x80008]") {
      try $0.turnPagingOn(except: [0x8_0000])
      $0.cpu.state.pointee.cr4.formUnion(Self.aware)
    }
    #expect(misaligned.taken == Taken(.generalProtection, 0))
  }

  @Test("A store over a page's end changes nothing when the second page is missing")
  func crossing() throws {
    func run(_ source: String) throws -> ProgramMachine {
      try machine(source + Self.end) {
        try $0.turnPagingOn(except: [0x8_1000])
        $0.cpu.state.pointee.cr4.formUnion(Self.aware)
        $0.cpu.state.pointee.sse[0] = XMMValue(low: .max, high: .max)
        // Every byte from the second half on is chosen.
        $0.cpu.state.pointee.sse[1] = XMMValue(low: 0, high: 0x8080_8080_8080_8080)
        $0.cpu.state.pointee.sse[2] = XMMValue(low: 0x8080_8080_8080_8080, high: 0)
      }
    }
    let stored = try run("movups [0x80ff8], xmm0")
    #expect(stored.taken == Taken(.pageFault, 2))
    #expect(stored.cpu.state.pointee.cr2 == 0x8_1000)
    #expect(stored.peek(0x8_0ff8, 8) == [UInt8](repeating: 0, count: 8))
    #expect(try run("movups xmm0, [0x80ff8]").taken == Taken(.pageFault, 0))
    // MASKMOVDQU faults for bytes that it stores, and not for others.
    let masked = try run("mov edi, 0x80ff8\n maskmovdqu xmm0, xmm1")
    #expect(masked.taken == Taken(.pageFault, 2, at: ProgramMachine.code + 5))
    let low = try run("mov edi, 0x80ff8\n maskmovdqu xmm0, xmm2")
    #expect(low.taken == nil)
    #expect(low.peek(0x8_0ff8, 8) == [UInt8](repeating: 0xff, count: 8))
    // No byte at all: no access at all.
    #expect(try run("mov edi, 0x81000\n maskmovdqu xmm0, xmm3").taken == nil)
    // CLFLUSH is a load as far as faults go; PREFETCH has none.
    #expect(try run("clflush [0x81000]").taken == Taken(.pageFault, 0))
    #expect(try run("prefetcht0 [0x81000]").taken == nil)
  }

  @Test("MASKMOVQ goes where its segment prefix says")
  func segmentOverride() throws {
    let program = try machine(
      """
      pcmpeqb mm0, mm0
      mov edi, 0x100
      .byte 0x64, 0x0f, 0xf7, 0xc0
      """ + Self.end
    ) { $0.cpu.state.pointee.fs.base = 0x8000 }
    #expect(program.peek(0x8100, 9) == [UInt8](repeating: 0xff, count: 8) + [0])
  }

  // MARK: MXCSR

  @Test(
    "An exception that is not masked is #XM, or #UD where CR4.OSXMMEXCPT is clear; the register keeps its value"
  )
  func simdExceptions() throws {
    let source = """
      mov dword ptr [0x8000], 0x1d80
      ldmxcsr [0x8000]
      mov dword ptr [0x8010], 0x3f800000
      movss xmm0, [0x8010]
      xorps xmm1, xmm1
      divss xmm0, xmm1
      """
    let length = UInt32(try Assembler.assemble(source, at: ProgramMachine.code).count) - 4
    let found = try machine(source)
    #expect(found.taken == Taken(.simdFloatingPoint, at: ProgramMachine.code + length))
    #expect(found.machine.registers.sse.mxcsr == 0x1d84)
    #expect(found.machine.registers.sse.xmm[0] == XMMValue(low: 0x3f80_0000, high: 0))
    let unaware = try machine(source, cr4: .osSavesExtendedState)
    #expect(unaware.taken == Taken(.invalidOpcode, at: ProgramMachine.code + length))
    #expect(unaware.machine.registers.sse.mxcsr == 0x1d84)
    // Masked, it is a flag and an infinity.
    let masked = try machine(source.replacing("0x1d80", with: "0x1f80") + Self.end)
    #expect(masked.taken == nil)
    #expect(masked.machine.registers.sse.mxcsr == 0x1f84)
    #expect(masked.machine.registers.sse.xmm[0].low == 0x7f80_0000)
  }

  @Test("LDMXCSR refuses reserved bits, and DAZ where the processor lacks it")
  func reservedBits() throws {
    func load(_ value: String, _ identity: CPUIdentity) throws -> Taken? {
      try machine("mov dword ptr [0x8000], \(value)\n ldmxcsr [0x8000]" + Self.end, identity: identity).taken
    }
    let fault = Taken(.generalProtection, 0, at: ProgramMachine.code + 10)
    #expect(try load("0xffff", ProgramMachine.everything) == nil)
    #expect(try load("0x11f80", ProgramMachine.everything) == fault)
    var old = ProgramMachine.everything
    old.extensions = [.mmx, .fxsave, .sse]
    #expect(try load("0x1fc0", old) == fault)
    #expect(try load("0xffbf", old) == nil)
  }

  @Test("After a reset the registers are zero, and everything is masked")
  func reset() throws {
    let program = try machine("pcmpeqb xmm0, xmm0\n out 0xf4, al")
    #expect(program.machine.registers.sse.xmm[0].low == .max)
    program.cpu.reset()
    #expect(program.machine.registers.sse.xmm == [XMMValue](repeating: .zero, count: 8))
    #expect(program.machine.registers.sse.mxcsr == 0x1f80)
  }

  // MARK: Features

  @Test("What the processor lacks is #UD and named, with what has it; its bits of CR4 are reserved")
  func missingFeatures() throws {
    let rows: [(CPUFeatures, String, CPUFeatures)] = [
      ([], "paddb mm0, mm1", .mmx), ([], "emms", .mmx), (.mmx, "addps xmm0, xmm1", .sse),
      (.mmx, "pshufw mm0, mm1, 1", .sse), (.mmx, "sfence", .sse), (.mmx, "paddq mm0, mm1", .sse2),
      ([.mmx, .fxsave, .sse], "addpd xmm0, xmm1", .sse2), ([.mmx, .fxsave, .sse], "lfence", .sse2),
      ([.mmx, .fxsave, .sse], "paddb xmm0, xmm1", .sse2),
      ([.mmx, .fxsave, .sse], "movnti [0x8000], eax", .sse2),
      ([.mmx, .fxsave, .sse], "clflush [0x8000]", .cacheLineFlush),
    ]
    for (has, source, lacks) in rows {
      var identity = CPUIdentity.p6
      identity.extensions = has
      let cr4: CR4 = has.contains(.sse) ? Self.aware : []
      let program = try machine(source, cr4: cr4, identity: identity)
      #expect(program.taken == Taken(.invalidOpcode), "\(source)")
      #expect(program.missing == [String(source.prefix { $0 != " " })], "\(source)")
      #expect(program.machine.missingFeatures == lacks, "\(source)")
    }
    // PREFETCHh is a NOP on every P6.
    #expect(try machine("prefetchnta [0x8000]" + Self.end, cr4: [], identity: .p6).taken == nil)
    let old = try machine("mov eax, 0x200\n mov cr4, eax", cr4: [], identity: .p6)
    #expect(old.taken == Taken(.generalProtection, 0, at: ProgramMachine.code + 5))
  }

  // MARK: MMX and the floating-point unit

  @Test("MMX registers are the significands, and EMMS gives the stack back")
  func aliasing() throws {
    let program = try machine(
      """
      fninit
      fld1
      mov eax, 0x12345678
      movd mm7, eax
      fnstsw [0x8000]
      emms
      fnstsw [0x8002]
      fld1
      """ + Self.end)
    // FLD1 made R7 the top; the first MMX instruction made that R0.
    #expect(program.peek(0x8000, 4) == [0, 0, 0, 0])
    let unit = program.cpu.state.pointee.x87
    #expect(unit.used == 0x80 && unit.top == 7)
    #expect(unit.registers[7] == .one)
    let before = try machine("fninit\n mov eax, 5\n movd mm3, eax" + Self.end).cpu.state.pointee.x87
    #expect(before.used == 0xff)
    #expect(before.registers[3] == ExtendedFloat(significand: 5, signExponent: 0xffff))
  }

  @Test("A fault in memory leaves tags and TOP alone")
  func faultBeforeTransition() throws {
    let program = try machine("fninit\n fld1\n paddb mm0, [0x81000]") {
      try $0.turnPagingOn(except: [0x8_1000])
    }
    #expect(program.taken?.vector == 14)
    #expect(program.cpu.state.pointee.x87.used == 0x80 && program.cpu.state.pointee.x87.top == 7)
  }

  // MARK: History

  @Test("Going back restores XMM registers, MMX registers and MXCSR")
  func history() throws {
    let program = try ProgramMachine(identity: ProgramMachine.everything)
    try program.enterProtectedMode()
    program.cpu.state.pointee.cr4 = Self.aware
    try program.load(
      """
      pcmpeqd xmm1, xmm1
      again:
      psubd xmm0, xmm1
      paddd mm0, mm1
      cvtdq2ps xmm2, xmm0
      divps xmm2, xmm0
      sqrtps xmm3, xmm0
      jmp again
      """)
    let history = MachineHistory(program.machine, interval: 500)
    _ = history.run(untilCycle: 1000)
    let early = program.machine.registers
    _ = history.run(untilCycle: 9000)
    let late = program.machine.registers
    #expect(early.sse != late.sse)
    try history.goTo(cycle: 1000)
    #expect(program.machine.registers == early)
    try history.goTo(cycle: 9000)
    #expect(program.machine.registers == late)
  }
}
