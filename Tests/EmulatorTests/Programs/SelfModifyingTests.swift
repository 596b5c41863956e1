import IA32
import TestSupport
import Testing

@testable import Emulator

/// Programs that write to their own code: decoded blocks must never outlive the bytes that they were made of.
@Suite struct SelfModifyingTests {
  /// Runs a program to its exit, in one go and by single instructions; both must end with this EAX.
  private func expect(
    eax: UInt32, paging: Bool = false, sourceLocation: SourceLocation = #_sourceLocation, _ source: String,
    prepare: (ProgramMachine) throws -> Void = { _ in }
  ) throws {
    for step in [UInt64.max, 1, 7] {
      let program = try ProgramMachine()
      try program.enterProtectedMode()
      try program.load(source + "\n out 0xf4, al")
      if paging { try program.turnPagingOn() }
      try prepare(program)
      let end = program.machine.cycle + 100_000
      var stop = StopReason.cycleLimit
      while stop == .cycleLimit && program.machine.cycle < end {
        stop = program.machine.run(
          untilCycle: step == .max ? end : min(end, program.machine.cycle + step))
      }
      #expect(
        stop == .exit(UInt8(truncatingIfNeeded: eax)),
        "in steps of \(step): \(stop), \(program.taken as Any)",
        sourceLocation: sourceLocation)
      #expect(program.cpu[.eax] == eax, "in steps of \(step)", sourceLocation: sourceLocation)
    }
  }

  @Test("A store into the next instruction is seen by it") func nextInstruction() throws {
    try expect(
      eax: 0x55,
      """
        mov eax, 0x11
        mov byte ptr [patched + 1], 0x55
      patched:
        mov al, 0x22
      """)
  }

  @Test("Stores by every kind of instruction into the current block") func storesIntoTheBlock() throws {
    for store in [
      "mov dword ptr [patched + 1], 0x1234", "mov ecx, 0x1234\n mov [patched + 1], ecx",
      "xor dword ptr [patched + 1], 0x0325", "mov ecx, 0x1234\n xchg [patched + 1], ecx",
      "mov edi, offset patched + 1\n mov eax, 0x1234\n stosd",
      "mov eax, 0x1111\n mov ecx, 0x1234\n lock cmpxchg [patched + 1], ecx",
      "mov esp, offset patched + 5\n push 0x1234\n mov esp, 0x9000",
      "mov esp, offset value\n pop dword ptr [patched + 1]\n mov esp, 0x9000",
      "mov esi, offset value\n mov edi, offset patched + 1\n mov ecx, 4\n rep movsb",
      "mov word ptr fs:[patched + 1], 0x1234",
    ] {
      try expect(
        eax: 0x1234,
        """
          jmp start
        value: .long 0x1234
        start:
          nop
          \(store)
          nop
        patched:
          mov eax, 0x1111
        """)
    }
  }

  @Test("A loop whose body is patched each time") func patchedLoop() throws {
    try expect(
      eax: (1...50).reduce(0, +),
      """
        xor eax, eax
        mov ecx, 1
      next:
        mov [patched + 1], ecx
      patched:
        add eax, 0x7fffffff
        inc ecx
        cmp ecx, 51
        jne next
      """)
  }

  @Test("A store through another mapping of the same page") func alias() throws {
    try expect(
      eax: 0x77, paging: true,
      """
        mov byte ptr [patched + 1 + 0x100000], 0x77
      patched:
        mov al, 0x22
        movzx eax, al
      """
    ) {
      for page in 0..<4 as Range<UInt32> { $0.setPage(0x11_0000 + page << 12, (0x1_0000 + page << 12) | 7) }
    }
  }

  @Test("The same code at two linear addresses: each knows where it runs, both see a store")
  func twoAddresses() throws {
    try expect(
      eax: 0x20_0002, paging: true,
      """
        call routine
        mov ebx, eax
        mov ecx, offset routine + 0x100000
        call ecx
        mov edx, eax
        mov byte ptr [amount], 3
        mov ecx, offset routine + 0x100000
        call ecx
        mov esi, eax
        call routine
        neg eax
        lea eax, [eax + esi * 2]
        sub eax, ebx
        jmp done
      routine:
        call 1f
      1:
        pop eax
        .byte 0x83, 0xc0
      amount: .byte 1
        ret
      done:
      """
    ) {
      for page in 0..<4 as Range<UInt32> { $0.setPage(0x11_0000 + page << 12, (0x1_0000 + page << 12) | 7) }
    }
  }

  @Test("REP STOS over itself leaves the rest of the count") func storeOverItself() throws {
    // From the second iteration on the instruction reads NOP, NOP: it ends there, with one iteration done.
    try expect(
      eax: 99,
      """
        mov eax, 0x90909090
        mov edi, offset itself
        mov ecx, 100
        nop
      itself:
        rep stosd
        .fill 8, 1, 0x90
        mov eax, ecx
      """)
  }

  @Test("The same where the instruction crosses a page") func crossingStoreOverItself() throws {
    try expect(
      eax: 99,
      """
        mov eax, 0x90909090
        mov edi, offset itself
        mov ecx, 100
        jmp itself
        .org 0xfff
      itself:
        rep stosd
        .fill 8, 1, 0x90
        mov eax, ecx
      """)
  }

  @Test("An instruction across two pages whose second page changes") func crossingInstruction() throws {
    try expect(
      eax: 0x1111_2222 &+ 0x3333_2222,
      """
        xor ebx, ebx
        call crossing
        mov word ptr [crossing + 3], 0x3333
        call crossing
        mov eax, ebx
        jmp done
        .org 0xffd
      crossing:
        mov eax, 0x11112222
        add ebx, eax
        ret
      done:
      """)
  }

  @Test("An instruction across two pages whose second page is mapped elsewhere") func crossingRemapped()
    throws
  {
    try expect(
      eax: 0x1111_2222 &+ 0x3333_2222, paging: true,
      """
        xor ebx, ebx
        call crossing
        mov dword ptr [0x201000 + 0x11 * 4], 0x50007
        invlpg [0x11000]
        call crossing
        mov eax, ebx
        jmp done
        .org 0xffd
      crossing:
        mov eax, 0x11112222
        add ebx, eax
        ret
      done:
      """
    ) {
      let second = $0.peek(0x1_1000, 0x100)
      $0.poke(0x5_0000, [0x33, 0x33] + second.dropFirst(2))
    }
  }

  @Test("Bytes that were undefined and are not any more") func undefinedThenDefined() throws {
    // 0F FF is #UD by its second byte; the handler makes it 0F C8, BSWAP EAX.
    try expect(
      eax: 0x7856_3412,
      """
        mov eax, 0x12345678
        jmp unknown
        nop
      unknown:
        .byte 0x0f, 0xff
      """
    ) { program in
      let handler: UInt32 = 0x5_0000
      program.poke64(
        ProgramMachine.idt + 6 * 8, DescriptorBytes.gate(ProgramMachine.code0, handler))
      let bytes = try Assembler.assemble(
        """
          push edi
          mov edi, [esp + 4]
          mov byte ptr [edi + 1], 0xc8
          pop edi
          iretd
        """, at: handler)
      program.poke(handler, bytes)
    }
  }

  @Test("Fifteen prefixes, one of which goes") func overlongThenValid() throws {
    try expect(
      eax: 0x11,
      """
        mov eax, 0x10
        jmp overlong
      overlong:
        .fill 14, 1, 0x3e
        .byte 0x3e
        inc eax
      """
    ) { program in
      let handler: UInt32 = 0x5_0000
      program.poke64(
        ProgramMachine.idt + 13 * 8, DescriptorBytes.gate(ProgramMachine.code0, handler))
      let bytes = try Assembler.assemble(
        """
          add esp, 4
          push edi
          mov edi, [esp + 4]
          mov byte ptr [edi + 14], 0x90
          pop edi
          iretd
        """, at: handler)
      program.poke(handler, bytes)
    }
  }

  @Test("Stores by the walker: an A bit set in an entry that is code") func walkerWritesCode() throws {
    // The page table entry of page 300000h holds, as code, `add eax, imm`: walking it sets A, which is part of the
    // immediate operand.
    try expect(
      eax: 0x0030_0027, paging: true,
      """
        mov edi, 0x201000 + 0x300 * 4
        mov byte ptr [edi - 1], 0x05
        mov byte ptr [edi + 4], 0xc3
        xor eax, eax
        lea ecx, [edi - 1]
        call ecx
        mov ebx, [0x300000]
        xor eax, eax
        call ecx
      """
    ) {
      $0.setPage(0x30_0000, 0x30_0007)
    }
  }

  @Test("With the A20 gate closed, 1 MiB above is the same memory") func closedA20() throws {
    try expect(
      eax: 0x55,
      """
        mov al, 0xd1
        out 0x64, al
        mov al, 0xdd
        out 0x60, al
        mov ecx, offset routine + 0x100000
        call ecx
        mov byte ptr [routine + 1], 0x55
        call ecx
        movzx eax, al
        jmp done
      routine:
        mov al, 0x22
        ret
      done:
      """)
  }
}
