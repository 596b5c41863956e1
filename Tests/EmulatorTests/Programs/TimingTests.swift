import IA32
import TestSupport
import Testing

@testable import Emulator

/// Interrupts come at the first instruction boundary from their cycle on, and how a run is cut into pieces changes
/// nothing.
@Suite struct TimingTests {
  /// PICs at 20h and 28h with IRQ 0 open, and counter 0 in `mode` with the count that `program` puts at [6020h].
  static func timer(mode: Int) -> String {
    """
      mov al, 0x11
      out 0x20, al
      mov al, 0x20
      out 0x21, al
      mov al, 4
      out 0x21, al
      mov al, 1
      out 0x21, al
      mov al, 0xfe
      out 0x21, al
      mov al, \(0x30 | mode << 1)
      out 0x43, al
      mov al, [0x6020]
      out 0x40, al
      mov al, [0x6021]
      out 0x40, al

    """
  }

  /// A handler of IRQ 0 that notes the interrupted EIP at [6000h] and counts at [6004h].
  static let handler = """
      push eax
      mov eax, [esp + 4]
      mov [0x6000], eax
      inc dword ptr [0x6004]
      mov al, 0x20
      out 0x20, al
      pop eax
      iretd
    """

  /// A machine whose PIT ticks every third cycle, with the handler in place.
  private func program(
    _ source: String, count: UInt32 = 0, timing: TimingLevel = .functional
  ) throws -> ProgramMachine {
    let program = try ProgramMachine(timing: timing, frequency: 3 * 1_193_182)
    try program.enterProtectedMode()
    try program.load(source)
    program.poke32(0x6020, count)
    program.poke(0x5_0000, try Assembler.assemble(Self.handler, at: 0x5_0000))
    program.poke64(ProgramMachine.idt + 0x20 * 8, DescriptorBytes.gate(8, 0x5_0000, access: 0x8e))
    return program
  }

  @Test("An interrupt is taken at the first boundary at or after its cycle, wherever in a block")
  func firstBoundary() throws {
    for count in 2..<60 as Range<UInt32> {
      let program = try program(Self.timer(mode: 0) + "sti\n .fill 400, 1, 0x40\n hlt", count: count)
      let machine = program.machine
      var due: UInt64?
      while machine.counters.interrupts == 0 && machine.cycle < 1000 {
        due = machine.clock.pending.first { $0.name == "8254 counter 0" }?.due ?? due
        let before = machine.cycle
        _ = machine.run(untilCycle: before + 1)
        let isDue = due.map { machine.cycle > $0 } ?? false
        // The interrupt itself takes a cycle: it is taken in the step that begins at its cycle.
        #expect(
          (machine.counters.interrupts == 1) == (isDue && before >= due!), "count \(count), cycle \(before)")
      }
      #expect(machine.counters.interrupts == 1)
      let whole = try self.program(Self.timer(mode: 0) + "sti\n .fill 400, 1, 0x40\n hlt", count: count)
      _ = whole.machine.run(untilCycle: machine.cycle + 5)
      _ = machine.run(untilCycle: machine.cycle + 5)
      #expect(whole.peek32(0x6000) == program.peek32(0x6000), "count \(count)")
    }
  }

  /// Where programs differ in what interrupts meet: blocks of all lengths, strings, memory-mapped registers, misses.
  static let bodies: [(name: String, text: String)] = [
    ("additions", "again:\n .rept 50\n add eax, ecx\n adc edx, 7\n .endr\n jmp again"),
    (
      "short loops",
      "again: mov ecx, 13\n 1: add eax, [0x6100 + ecx * 4]\n loop 1b\n inc dword ptr [0x6100]\n jmp again"
    ),
    (
      "strings",
      "again: mov esi, 0x60000\n mov edi, 0x60100\n mov ecx, 333\n rep movsb\n mov edi, 0x70ffe\n mov ecx, 70\n rep stosd\n mov edi, 0x70ffe\n mov ecx, 70\n repe scasd\n jmp again"
    ),
    (
      "backwards",
      "again: std\n mov esi, 0x60200\n mov edi, 0x60100\n mov ecx, 33\n rep movsw\n cld\n lodsb\n jmp again"
    ),
    (
      "wait states",
      "mov ebx, 0xfed10000\n mov dword ptr [ebx + 0x24], 200\n again:\n .rept 8\n add eax, [ebx]\n inc ecx\n mov byte ptr [ebx + 0x24], 150\n push dword ptr [ebx + 0x24]\n pop edx\n add [0x6100], eax\n .endr\n jmp again"
    ),
    (
      "misses",
      "xor ebx, ebx\n again:\n .rept 16\n add eax, [ebx + 0x240000]\n inc dword ptr [ebx + 0x260ffe]\n add ebx, 0x3000\n and ebx, 0x7fffc\n inc ecx\n .endr\n lea edi, [ebx + 0x270000]\n mov ecx, 0x500\n rep stosd\n mov eax, cr3\n mov cr3, eax\n jmp again"
    ),
    (
      "patches",
      "again: inc byte ptr [patched + 1]\n .rept 10\n nop\n .endr\n patched: mov al, 0\n mov edi, offset target\n mov al, 0x40\n mov ecx, 9\n rep stosb\n target: .fill 12, 1, 0x90\n jmp again"
    ),
    (
      "shadows",
      "again: sti\n nop\n cli\n mov ax, ss\n mov ss, ax\n inc ecx\n push 0x10\n .byte 0x17\n sti\n hlt\n jmp again"
    ),
    (
      "ports",
      "again: mov al, 0\n out 0x43, al\n in al, 0x40\n mov bl, al\n in al, 0x40\n rdtsc\n add [0x6100], eax\n in al, 0x61\n jmp again"
    ),
    (
      "single steps",
      "again: pushfd\n or dword ptr [esp], 0x100\n popfd\n inc ecx\n mov esi, 0x60000\n mov edi, 0x60100\n mov ecx, 4\n rep movsb\n pushfd\n and dword ptr [esp], 0xfffffeff\n popfd\n jmp again"
    ),
    (
      "faults",
      "again: mov eax, 1\n xor edx, edx\n div dword ptr [0x6200]\n ud2\n nop\n int3\n mov ebx, 0x300000\n mov eax, [ebx]\n jmp again"
    ),
  ]

  @Test("One long run, single instructions and random pieces end alike", arguments: bodies.indices)
  func pieces(index: Int) throws {
    let (name, text) = Self.bodies[index]
    for paging in [false, true] {
      for timing in TimingLevel.allCases {
        for count in [7, 11, 40] as [UInt32] {
          func start() throws -> ProgramMachine {
            let program = try program(Self.timer(mode: 2) + "sti\n" + text, count: count, timing: timing)
            // Exceptions: skip what faulted (two bytes at least), count, go on.
            let skip = try Assembler.assemble(
              "inc dword ptr [0x6008]\n add dword ptr [esp], 2\n iretd\n .balign 16\n inc dword ptr [0x600c]\n iretd\n .balign 16\n add esp, 4\n add dword ptr [esp], 2\n iretd\n .balign 16\n add dword ptr [esp], 6\n iretd",
              at: 0x5_1000)
            program.poke(0x5_1000, skip)
            for (vector, offset) in [(6, 0), (3, 16), (1, 16), (14, 32), (0, 48)] as [(UInt32, UInt32)] {
              program.poke64(
                ProgramMachine.idt + vector * 8, DescriptorBytes.gate(8, 0x5_1000 + offset, access: 0x8e))
            }
            if paging {
              try program.turnPagingOn(except: [0x30_0000])
              // The device's page, through a page table of its own.
              program.poke32(0x20_0000 + 0x3fb * 4, 0x20_2007)
              program.poke32(0x20_2000 + 0x110 * 4, 0xfed1_0007)
            }
            return program
          }
          let end: UInt64 = 6000
          var expected: RunResult?
          for pacing in [.whole, .steps(1), .steps(3), .random(1), .random(2)] as [Pacing] {
            let program = try start()
            let stop = pacing.run(program.machine, until: end)
            let result = RunResult(program.machine, stop, bytes: 4 << 20)
            if let expected {
              #expect(
                result == expected,
                "\(name), \(pacing), paging \(paging), \(timing), count \(count): \(result.differences(from: expected))"
              )
            } else {
              #expect(
                stop == .cycleLimit && program.machine.counters.interrupts > 5,
                "\(name): \(stop), \(program.taken as Any)")
              expected = result
            }
          }
        }
      }
    }
  }

  @Test("Random programs under a fast timer, in one run and in pieces") func randomPrograms() throws {
    let seeds: Range<UInt64> = 0..<(runsSlowSweeps ? 1000 : 60)
    var faulted = 0
    for seed in seeds {
      let random = RandomProgram(seed: seed, length: 80)
      var expected: RunResult?
      for pacing in [.whole, .steps(1), .random(seed)] as [Pacing] {
        let program = try program(Self.timer(mode: 2) + "push 0x42f000\n ret", count: UInt32(5 + seed % 30))
        program.poke(HostProcess.codeAddress, random.code)
        // Registers and flags as the program wants them, then again from its start.
        program.poke(
          HostProcess.exitAddress,
          try Assembler.assemble(
            "cld\n mov esp, 0x42e000\n popad\n popfd\n mov esp, [0x42e00c]\n jmp dword ptr [0x42e030]",
            at: HostProcess.exitAddress))
        let r = random.registers.general
        program.poke32(0x42_e000, r[7], r[6], r[5], r[4], r[3], r[2], r[1], r[0], random.registers.eflags)
        program.poke32(0x42_e030, HostProcess.codeAddress)
        program.cpu.state.pointee.fs.base = HostProcess.base
        if random.extraSegment { program.cpu.state.pointee.es.base = HostProcess.base }
        let stop = pacing.run(program.machine, until: 4000)
        let result = RunResult(program.machine, stop, bytes: 5 << 20)
        if let expected {
          #expect(result == expected, "seed \(seed), \(pacing): \(result.differences(from: expected))")
        } else {
          // Run again and again over what it has stored, a program may come to a fault, whose handler exits.
          if stop.isEnd { faulted += 1 }
          #expect(stop.isEnd || program.machine.counters.interrupts > 10, "seed \(seed): \(stop)")
          expected = result
        }
      }
    }
    #expect(faulted * 10 < seeds.count)
  }

  @Test("STI, MOV SS and POP SS hold interrupts off for one instruction") func shadows() throws {
    // A request that waits since before STI.
    let waiting = Self.timer(mode: 0) + ".fill 40, 1, 0x90\n"
    for (text, offset) in [("sti\n inc eax\n inc eax\n hlt", 2), ("sti\n hlt\n inc eax\n hlt", 2)]
      as [(String, UInt32)]
    {
      let program = try program(waiting + "mov ebp, offset here\n here: " + text, count: 2)
      program.run(cycles: 300)
      #expect(program.peek32(0x6004) == 1)
      #expect(program.peek32(0x6000) == program.cpu[.ebp] + offset, "\(text)")
    }
    let never = try program(waiting + ".rept 20\n sti\n cli\n .endr\n int3", count: 2)
    never.run(cycles: 300)
    #expect(never.taken?.vector == 3)
    #expect(never.peek32(0x6004) == 0)
    // STI with IF set already holds nothing off; the loads of SS do always.
    for (body, size, forbidden) in [("mov ss, eax\n nop", 3, 2), ("push eax\n .byte 0x17\n nop", 3, 2)]
      as [(String, UInt32, UInt32)]
    {
      var seen: Set<UInt32> = []
      for count in 10..<60 as Range<UInt32> {
        let program = try program(
          Self.timer(mode: 0)
            + "mov ebp, offset here\n mov eax, 0x10\n sti\n nop\n here:\n .rept 300\n \(body)\n .endr\n hlt",
          count: count)
        program.run(cycles: 400)
        guard program.peek32(0x6004) == 1, program.peek32(0x6000) > program.cpu[.ebp] else { continue }
        seen.insert((program.peek32(0x6000) - program.cpu[.ebp]) % size)
      }
      #expect(!seen.contains(forbidden) && !seen.isEmpty, "\(body): \(seen)")
    }
  }

  @Test("HLT wakes at the interrupt, goes on behind it, and time has passed") func halt() throws {
    let program = try program(
      Self.timer(mode: 0) + "sti\n here: hlt\n mov eax, 0x600d\n cli\n hlt", count: 100)
    #expect(program.run(cycles: 10_000) == .halted)
    #expect(program.cpu[.eax] == 0x600d)
    #expect(program.machine.counters.idleCycles > 250)
    #expect(program.machine.cycle > 300 && program.machine.cycle < 400)
    let forever = try self.program("hlt")
    #expect(forever.run(cycles: 1000) == .halted)
    let waiting = try self.program("sti\n hlt")
    #expect(waiting.run(cycles: 1000) == .waiting)
  }

  @Test(
    "TF: a trap after each instruction and each iteration, none after POPF that sets it or inside an SS shadow"
  )
  func singleStep() throws {
    // The handler keeps EIPs in a list at 70000h and DR6 at [6010h].
    let handler = """
        push eax
        push ebx
        mov eax, [esp + 8]
        mov ebx, [0x6004]
        mov [0x70000 + ebx * 4], eax
        inc dword ptr [0x6004]
        mov eax, dr6
        mov [0x6010], eax
        pop ebx
        pop eax
        iretd
      """
    // Each row: the instructions after POPF has set TF, and the offsets behind it that the traps report.
    let rows: [(String, [UInt32])] = [
      ("nop\n inc eax\n nop", [1, 2, 3]),
      ("mov ecx, 3\n rep movsb\n nop", [5, 5, 5, 7, 8]),
      ("mov ecx, 0\n rep movsb\n nop", [5, 7, 8]),
      ("repne scasb\n nop", [0, 0, 2, 3]),
      ("mov ss, edx\n nop\n nop", [3, 4]),
      ("push edx\n .byte 0x17\n inc eax\n nop", [1, 3, 4]),
      ("jmp 1f\n nop\n 1: nop", [3, 4]),
      ("sti\n nop", [1, 2]),
    ]
    for (text, offsets) in rows {
      let program = try program(
        """
          mov edx, 0x10
          mov esi, 0x60000
          mov edi, 0x60010
          mov ecx, 3
          mov byte ptr [0x60012], 1
          mov eax, 1
          mov ebp, offset here
          push 0x102
          popfd
        here:
          \(text)
          push 2
          popfd
          cli
          hlt
        """)
      program.poke(0x5_2000, try Assembler.assemble(handler, at: 0x5_2000))
      program.poke64(ProgramMachine.idt + 8, DescriptorBytes.gate(8, 0x5_2000, access: 0x8e))
      #expect(program.run(cycles: 1000) == .halted, "\(text): \(program.taken as Any)")
      let start = program.cpu[.ebp]
      let count = Int(program.peek32(0x6004))
      let found = (0..<min(count, 40)).map { program.peek32(0x7_0000 + UInt32(4 * $0)) &- start }
      // The two instructions behind push their own: PUSH, and POPF, which began with TF set.
      let end = (offsets.last ?? 0)
      #expect(found == offsets + [end + 2, end + 3], "\(text)")
      #expect(program.peek32(0x6010) & 0x4000 != 0)
    }
  }
}
