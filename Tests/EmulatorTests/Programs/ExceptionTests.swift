import IA32
import TestSupport
import Testing

@testable import Emulator

/// Exceptions as programs meet them: which one, with what error code, at which EIP.
@Suite struct ExceptionTests {
  typealias Taken = ProgramMachine.Taken

  private enum Ring { case ring0, ring3 }

  /// Runs `source` from the start; the exception that ends it.
  private func exception(
    _ source: String, ring: Ring = .ring0, prepare: (ProgramMachine) throws -> Void = { _ in }
  ) throws -> Taken? {
    let program = try ProgramMachine()
    if ring == .ring0 { try program.enterProtectedMode() } else { try program.enterRing3() }
    try program.load(source)
    try prepare(program)
    program.run(cycles: 1000)
    return program.taken
  }

  @Test("What the manual's pages of single instructions promise") func instructions() throws {
    let at = ProgramMachine.code
    let rows: [(String, Taken)] = [
      ("div ecx", Taken(.divideError)), ("idiv cl", Taken(.divideError)), ("aam 0", Taken(.divideError)),
      ("mov edx, 1\n div edx", Taken(.divideError, at: at + 5)),
      ("mov eax, 0x80000000\n cdq\n mov ecx, -1\n idiv ecx", Taken(.divideError, at: at + 11)),
      ("int3", Taken(.breakpoint, at: at + 1)), (".byte 0xcd, 3", Taken(.breakpoint, at: at + 2)),
      ("mov al, 0x7f\n inc al\n into", Taken(.overflow, at: at + 5)),
      (".byte 0xf1", Taken(.debug, at: at + 1)),
      ("ud2", Taken(.invalidOpcode)), (".byte 0x0f, 0xb9, 0xc0", Taken(.invalidOpcode)),
      ("mov eax, 5\n bound eax, [table]\n table: .long 6, 9", Taken(.boundRangeExceeded, at: at + 5)),
      ("mov eax, 10\n bound eax, [table]\n table: .long 6, 9", Taken(.boundRangeExceeded, at: at + 5)),
      ("mov cr3, ecx\n mov eax, 0x80000000\n mov cr0, eax", Taken(.generalProtection, at: at + 8)),
      (
        "mov eax, 0x00000020\n mov cr4, eax\n mov eax, 0x20000000\n mov cr4, eax",
        Taken(.generalProtection, at: at + 13)
      ),
      ("mov ecx, 0x12345678\n rdmsr", Taken(.generalProtection, at: at + 5)),
      ("mov ax, 0x100\n mov ds, ax", Taken(.generalProtection, 0x100, at: at + 4)),
      ("xor eax, eax\n mov ss, ax", Taken(.generalProtection, at: at + 2)),
      ("mov ax, 8\n mov ss, ax", Taken(.generalProtection, 8, at: at + 4)),
      ("xor eax, eax\n mov ds, ax\n mov eax, [0]", Taken(.generalProtection, at: at + 5)),
      ("mov cs:[0x10000], eax", Taken(.generalProtection)),
      (".byte 0xea, 0, 0, 0, 0, 0x10, 0", Taken(.generalProtection, 0x10)),
      (".byte 0xea, 0, 0, 0, 0, 0, 0", Taken(.generalProtection)),
      // MOV to CS does not exist, nor do segment registers 6 and 7, nor the control registers that aren't there.
      (".byte 0x8e, 0xc8", Taken(.invalidOpcode)), (".byte 0x8e, 0xf0", Taken(.invalidOpcode)),
      (".byte 0x8c, 0xf8", Taken(.invalidOpcode)), (".byte 0x0f, 0x22, 0xc8", Taken(.invalidOpcode)),
      (".byte 0x0f, 0x20, 0xf8", Taken(.invalidOpcode)),
      // LEA, LES, BOUND, LGDT, INVLPG, CMPXCHG8B and SIDT want memory.
      (".byte 0x8d, 0xc0", Taken(.invalidOpcode)), (".byte 0xc4, 0xc0", Taken(.invalidOpcode)),
      (".byte 0xc5, 0xc0", Taken(.invalidOpcode)), (".byte 0x62, 0xc0", Taken(.invalidOpcode)),
      (".byte 0x0f, 0x01, 0xd0", Taken(.invalidOpcode)), (".byte 0x0f, 0xc7, 0xc8", Taken(.invalidOpcode)),
      (".byte 0x0f, 0xb2, 0xc0", Taken(.invalidOpcode)),
      (".byte 0xfe, 0xd0", Taken(.invalidOpcode)), (".byte 0xff, 0xf8", Taken(.invalidOpcode)),
      (".byte 0xff, 0xd8", Taken(.invalidOpcode)), (".byte 0xff, 0xe8", Taken(.invalidOpcode)),
      (".byte 0x8f, 0xc8", Taken(.invalidOpcode)),
    ]
    for (source, expected) in rows {
      let found = try exception(source)
      #expect(found == expected, "\(source)")
    }
  }

  @Test("Every instruction of 15 prefixes and an opcode is #GP, whatever would follow") func overlong() throws
  {
    for prefix in [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3] as [UInt8] {
      let found = try exception(".fill 15, 1, \(prefix)\n nop")
      #expect(found == Taken(.generalProtection), "prefix \(hexDigits(prefix))")
      let fits = try exception(".fill 14, 1, \(prefix)\n nop\n int3")
      #expect(fits == Taken(.breakpoint, at: ProgramMachine.code + 16), "prefix \(hexDigits(prefix))")
    }
  }

  /// Executes `bytes` alone; the fault it raises at its own address, if it raises one.
  private func outcome(_ program: ProgramMachine, _ bytes: [UInt8]) -> Taken? {
    let cpu = program.cpu
    program.poke(ProgramMachine.code, bytes)
    for number in 0..<8 { cpu.registers[number] = 0x6_0000 }
    cpu[.esp] = ProgramMachine.outerStack
    cpu.state.pointee.eip = ProgramMachine.code
    cpu.state.pointee.isHalted = false
    program.run(cycles: 1)
    // A second run takes a handler's first instruction no further than its exit.
    return program.machine.registers.eip >= ProgramMachine.handlers
      && program.machine.registers.eip < ProgramMachine.handlers + 0x1000 ? program.taken : nil
  }

  @Test("Every undefined opcode raises #UD, and no defined one for want of a name") func undefinedOpcodes()
    throws
  {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    var undefined = 0
    for first in 0..<0x200 {
      for modRM in [
        0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0xc0, 0xc8, 0xd0, 0xd8, 0xe0, 0xe8, 0xf0, 0xf8,
      ]
        as [UInt8]
      {
        let opcode = first < 0x100 ? [UInt8(first)] : [0x0f, UInt8(first & 0xff)]
        guard opcode != [0x0f] else { continue }
        let bytes = opcode + [modRM] + Array(repeating: 0, count: 12)
        guard case .undefined = bytes.withUnsafeBytes({ Decoder.decode($0, mode: .bits32) }) else { continue }
        undefined += 1
        let found = outcome(program, bytes)
        #expect(found == Taken(.invalidOpcode), "\(bytes.prefix(3).map { hexDigits($0) })")
      }
    }
    #expect(undefined > 500)
    #expect(program.missing.isEmpty, "an undefined opcode is no missing one: \(program.missing)")
  }

  @Test("LOCK before what can't be locked is #UD; before what can it changes nothing") func lock() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    // [eax] is memory; C0 and above are registers.
    let lockable: [[UInt8]] = [
      [0x00, 0x00], [0x01, 0x08], [0x80, 0x00, 1], [0x81, 0x20, 1, 0, 0, 0], [0x83, 0x30, 1], [0x86, 0x08],
      [0x87, 0x08],
      [0xf6, 0x10], [0xf7, 0x18], [0xfe, 0x00], [0xff, 0x08], [0x0f, 0xab, 0x08], [0x0f, 0xb3, 0x08],
      [0x0f, 0xbb, 0x08], [0x0f, 0xba, 0x28, 3], [0x0f, 0xb0, 0x08], [0x0f, 0xb1, 0x08], [0x0f, 0xc0, 0x08],
      [0x0f, 0xc1, 0x08], [0x0f, 0xc7, 0x08],
    ]
    for bytes in lockable {
      #expect(outcome(program, [0xf0] + bytes) == nil, "\(bytes.map { hexDigits($0) })")
      let modRM = bytes[0] == 0x0f ? 2 : 1
      var withRegister = bytes
      withRegister[modRM] |= 0xc0
      #expect(
        outcome(program, [0xf0] + withRegister) == Taken(.invalidOpcode), "\(bytes.map { hexDigits($0) })")
    }
    let others: [[UInt8]] = [
      [0x38, 0x08], [0x80, 0x38, 1], [0x83, 0x38, 1], [0x84, 0x08], [0x85, 0x08], [0x02, 0x08], [0x03, 0x08],
      [0x88, 0x08],
      [0x89, 0x08], [0x8a, 0x08], [0x8b, 0x08], [0xf6, 0x00, 1], [0xf6, 0x20], [0xf7, 0x30], [0xff, 0x30],
      [0x50],
      [0x90], [0x0f, 0xa3, 0x08], [0x0f, 0xba, 0x20, 3], [0xc0, 0x00, 1], [0xd3, 0x20], [0xa4], [0xf3, 0xa4],
      [0xaa],
      [0x8d, 0x00], [0x0f, 0xaf, 0x00], [0x0f, 0xb6, 0x00], [0x0f, 0xa2], [0xf4], [0xcc], [0xe8, 0, 0, 0, 0],
      [0xeb, 0], [0x9c], [0x0f, 0x20, 0xc0], [0x0f, 0x01, 0x38],
    ]
    for bytes in others {
      #expect(outcome(program, [0xf0] + bytes) == Taken(.invalidOpcode), "\(bytes.map { hexDigits($0) })")
    }
  }

  @Test("Privileged instructions in ring 3 are #GP(0)") func privileged() throws {
    for source in [
      "hlt", "cli", "sti", "mov eax, cr0", "mov cr3, eax", "mov eax, dr0", "mov dr7, eax", "lgdt [0x6000]",
      "lidt [0x6000]", "lldt ax", "ltr ax", "lmsw ax", "clts", "invlpg [0x6000]", "wbinvd", "invd", "rdmsr",
      "wrmsr",
      "in al, 0x80", "out 0x80, al", "in eax, dx", "insb", "outsb",
    ] {
      let found = try exception(source, ring: .ring3)
      #expect(found == Taken(.generalProtection), "\(source)")
    }
    for source in [
      "sgdt [0x6000]", "sidt [0x6000]", "sldt ax", "str ax", "smsw ax", "cpuid", "rdtsc", "pushfd", "popfd",
    ] {
      let found = try exception(source + "\n int3", ring: .ring3)
      #expect(found?.vector == 3, "\(source): \(found as Any)")
    }
    // INT n needs a gate of its ring; an exception doesn't.
    let gate = try exception("int 0x30", ring: .ring3) {
      $0.poke64(ProgramMachine.idt + 0x30 * 8, DescriptorBytes.gate(8, 0x4300, access: 0x8e))
    }
    #expect(gate == Taken(.generalProtection, 0x30 * 8 + 2))
    // RDTSC under CR4.TSD.
    let rdtsc = try exception("rdtsc", ring: .ring3) {
      try $0.cpu.mmu.setControlRegisters(cr0: .protectionEnable, cr4: .timeStampDisable)
    }
    #expect(rdtsc == Taken(.generalProtection))
  }

  /// A data segment with `limit` bytes less one in FS or SS.
  private func limited(_ source: String, limit: UInt32, access: UInt8 = 0x93, stack: Bool = false) throws
    -> Taken?
  {
    try exception(source) {
      $0.poke64(
        UInt32(ProgramMachine.scratch) + ProgramMachine.gdt,
        DescriptorBytes.segment(base: 0, limit: limit, access: access, flags: 4))
      try $0.cpu.loadSegment(.fs, ProgramMachine.scratch)
      if stack { try $0.cpu.loadSegment(.ss, ProgramMachine.scratch) }
    }
  }

  @Test("Accesses at a segment's limit") func limits() throws {
    for (width, bytes) in [("byte", 1), ("word", 2), ("dword", 4)] as [(String, UInt32)] {
      for operation in [
        "mov \(width) ptr fs:[%], 0", "cmp \(width) ptr fs:[%], 0", "inc \(width) ptr fs:[%]",
      ] {
        for over in 0...bytes {
          let address = 0x5fff - bytes + 1 + over
          let text = operation.replacing("%", with: "\(address)")
          let found = try limited(text + "\n int3", limit: 0x5fff)
          #expect(found?.vector == (over == 0 ? 3 : 13), "\(text): \(found as Any)")
          // The same below an expand-down segment's bottom.
          let below = 0x5fff + 1 - over
          let down = operation.replacing("%", with: "\(below)")
          let foundDown = try limited(down + "\n int3", limit: 0x5fff, access: 0x97)
          #expect(foundDown?.vector == (over == 0 ? 3 : 13), "\(down) expand-down: \(foundDown as Any)")
        }
      }
    }
    // Read-only, and execute-only through a code segment.
    #expect(try limited("mov fs:[0x5000], eax", limit: 0x5fff, access: 0x91) == Taken(.generalProtection))
    #expect(
      try limited("add dword ptr fs:[0x5000], 1", limit: 0x5fff, access: 0x91) == Taken(.generalProtection))
    #expect(try limited("cmp dword ptr fs:[0x5000], 1\n int3", limit: 0x5fff, access: 0x91)?.vector == 3)
    // The stack segment's faults are #SS(0), by whatever instruction. The handler's frame does not fit into the limit
    // of such a stack, so a double fault is what is seen at the end; the first fault is in the history.
    for source in [
      "push eax", "pop eax", "mov eax, ss:[0x6000]", "mov [ebp], eax", "call next\n next:", "pushad", "ret",
      "enter 4, 0", "leave",
    ] {
      let program = try ProgramMachine()
      try program.enterProtectedMode()
      try program.load(source)
      program.poke64(
        UInt32(ProgramMachine.scratch) + ProgramMachine.gdt,
        DescriptorBytes.segment(base: 0, limit: 0x5fff, access: 0x93, flags: 4))
      try program.cpu.loadSegment(.ss, ProgramMachine.scratch)
      program.cpu[.esp] = 0x6004
      program.cpu[.ebp] = 0x6004
      if source == "enter 4, 0" || source == "push eax" { program.cpu[.esp] = 0x6008 }
      #expect(program.run(cycles: 20) == .tripleFault, "\(source)")
      let first = program.machine.faultHistory.entries.first
      #expect(first?.vector == .stackSegmentFault && first?.errorCode == 0, "\(source): \(first as Any)")
    }
  }

  @Test("Fetching past CS's limit is #GP(0), also in the middle of an instruction, and before #UD there")
  func fetchLimit() throws {
    for (bytes, faults) in [
      ([0x90, 0x90, 0xcc], false), ([0x90, 0x90, 0xb8, 1, 2, 3, 4], true), ([0x90, 0x90, 0x90, 0xcc], true),
      ([0x90, 0x90, 0x0f, 0xff], true), ([0x90, 0x0f, 0xff], false), ([0x90, 0x90, 0xf3, 0xa4], true),
    ] as [([UInt8], Bool)] {
      let program = try ProgramMachine()
      try program.enterProtectedMode()
      program.poke64(
        UInt32(ProgramMachine.scratch) + ProgramMachine.gdt,
        DescriptorBytes.segment(base: 0, limit: ProgramMachine.code + 2, access: 0x9b, flags: 4))
      program.poke(ProgramMachine.code, bytes)
      try program.cpu.jumpFar(selector: ProgramMachine.scratch, offset: ProgramMachine.code, operandSize: 4)
      program.run(cycles: 20)
      #expect(
        (program.taken?.vector == 13) == faults, "\(bytes.map { hexDigits($0) }): \(program.taken as Any)")
      if faults { #expect(program.taken?.eip == ProgramMachine.code + (bytes[2] == 0x90 ? 3 : 2)) }
    }
  }

  @Test("Which of two exceptions comes first") func priorities() throws {
    // Privilege before the operand's page fault, #UD before both, limits before paging, fetch before all.
    let at = ProgramMachine.code
    let rows: [(String, Ring, Taken)] = [
      ("lgdt [0x80000]", .ring3, Taken(.generalProtection)),
      (".byte 0xf0, 0x8b, 0x05, 0, 0, 8, 0", .ring0, Taken(.invalidOpcode)),
      ("mov eax, cs:[0x80000]", .ring0, Taken(.pageFault, 0)),
      ("mov cs:[0x80000], eax", .ring0, Taken(.generalProtection)),
      ("div dword ptr [0x80000]", .ring3, Taken(.pageFault, 4)),
      ("mov eax, 0x80000\n call eax", .ring3, Taken(.pageFault, 4, at: 0x8_0000)),
      ("insb", .ring3, Taken(.generalProtection)),
      ("xor ecx, ecx\n rep movsb\n int3", .ring3, Taken(.breakpoint, at: at + 5)),
    ]
    for (source, ring, expected) in rows {
      let found = try exception(source, ring: ring) {
        try $0.turnPagingOn(except: [0x8_0000])
        $0.cpu[.edi] = 0x8_0000
        $0.cpu[.esi] = 0x8_0000
      }
      #expect(found == expected, "\(source)")
    }
  }

  @Test("An opcode that isn't there is #UD and named once") func missingOperation() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    let sysenter: [UInt8] = [0x0f, 0x34]
    guard case .instruction = (sysenter + [0, 0]).withUnsafeBytes({ Decoder.decode($0, mode: .bits32) })
    else {
      Issue.record("SYSENTER is an instruction of a P6")
      return
    }
    for _ in 0..<3 { #expect(outcome(program, sysenter) == Taken(.invalidOpcode)) }
    #expect(program.missing == ["sysenter"])
  }

  @Test("A supervisor page is closed to ring 3 on the instruction after the return to it")
  func fetchAfterReturn() throws {
    let program = try ProgramMachine()
    try program.enterProtectedMode()
    try program.load(
      """
        push 0x23
        push 0x9000
        push 0x202
        push 0x1b
        mov eax, offset outer
        push eax
        iretd
      outer:
        nop
      """)
    try program.turnPagingOn()
    program.setPage(ProgramMachine.code, ProgramMachine.code | 3)
    program.run(cycles: 100)
    #expect(program.taken?.vector == 14)
    #expect(program.taken?.errorCode == 5)
  }
}
