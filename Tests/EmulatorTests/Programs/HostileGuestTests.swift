import Foundation
import IA32
import Testing

@testable import Emulator

/// Guests that do what no program should: the host survives, time passes, and the same happens however the run is cut.
@Suite struct HostileGuestTests {
  /// The guest that runs now: what to look at when the test's process dies.
  private static let current = FileManager.default.temporaryDirectory.appendingPathComponent(
    "pagewalk-hostile.case")

  @Test("Random bytes and random system instructions in every mode") func randomGuests() throws {
    let seeds: Range<UInt64> = 0..<(runsSlowSweeps ? 60_000 : 800)
    var failures = 0
    for seed in seeds where failures < 5 {
      let guest = HostileGuest(seed: seed)
      try Data(("# seed \(seed)\n" + guest.description).utf8).write(to: Self.current)
      if let failure = try guest.trial(cycles: 2000, pacings: [.random(seed)]) {
        failures += 1
        Issue.record("seed \(seed), mode \(guest.mode), handlers \(guest.handlers): \(failure)")
      }
    }
    try? FileManager.default.removeItem(at: Self.current)
  }

  @Test("Every guest that once went wrong") func failCases() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../FailCases").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".case")
    }
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      let guest = try #require(HostileGuest(text), "\(file) can't be read")
      let failure = try guest.trial(cycles: 5000, pacings: [.steps(1), .steps(3), .random(1)])
      #expect(failure == nil, "\(file): \(failure ?? "")")
    }
  }

  /// Named guests: what they do, and how their runs may end.
  static let programs: [(name: String, mode: HostileGuest.Mode, source: String, stops: Set<StopReason>)] = [
    ("a jump to itself", .protected, "here: jmp here", [.cycleLimit]),
    ("a jump into device registers", .protected, "mov eax, 0xfed10000\n jmp eax", [.exit(0)]),
    ("a jump to where nothing is", .protected, "xor eax, eax\n mov ecx, 0xf0000000\n jmp ecx", [.exit(0)]),
    (
      "a jump to the last byte", .protected, "xor eax, eax\n mov ecx, 0xffffffff\n jmp ecx",
      [.exit(0), .cycleLimit]
    ),
    (
      "a call with the stack at 0", .protected, "xor esp, esp\n xor eax, eax\n call here\n here: call here",
      [.cycleLimit, .tripleFault, .exit(0)]
    ),
    (
      "the stack in device registers", .protected,
      "mov esp, 0xfed10030\n pushad\n push 5\n popad\n here: jmp here", [.cycleLimit]
    ),
    (
      "CR3 outside RAM", .protected,
      "mov eax, 0xf0000000\n mov cr3, eax\n mov eax, 0x80000011\n mov cr0, eax\n here: jmp here",
      [.tripleFault]
    ),
    (
      "CR3 in device registers", .protected,
      "mov eax, 0xfed10000\n mov cr3, eax\n mov eax, 0x80000011\n mov cr0, eax\n here: jmp here",
      [.tripleFault, .cycleLimit]
    ),
    (
      "PAE with PDPTEs outside RAM", .protected,
      "mov eax, 0xf0000000\n mov cr3, eax\n mov eax, 0x20\n mov cr4, eax\n mov eax, 0x80000011\n mov cr0, eax\n nop",
      [.exit(0x11)]
    ),
    (
      "a page directory that is its own page table", .protected,
      "mov edi, 0x200000\n mov eax, 0x200007\n mov ecx, 1024\n rep stosd\n mov eax, 0x200000\n mov cr3, eax\n mov eax, 0x80000011\n mov cr0, eax\n here: jmp here",
      [.tripleFault, .cycleLimit]
    ),
    (
      "a handler that faults like its cause", .paging,
      "mov dword ptr [0x2070], 0x80000\n mov dword ptr [0x2074], 0x0008ee00\n mov word ptr [0x2072], 8\n mov eax, [0x80000]",
      [.tripleFault, .cycleLimit, .exit(0)]
    ),
    (
      "a page fault that is never repaired", .paging,
      "mov dword ptr [0x40e0], 0xcf04c483\n mov eax, [0x80000]", [.cycleLimit]
    ),
    ("no vector table", .protected, "lidt [here]\n ud2\n here: .fill 6, 1, 0", [.tripleFault]),
    (
      "a vector table at the end of the address space", .protected,
      "lidt [here]\n int 3\n here: .word 0x7ff\n .long 0xfffffffc", [.tripleFault, .exit(0)]
    ),
    (
      "a descriptor table across the end", .protected,
      "lgdt [here]\n mov eax, 8\n mov ds, ax\n here: .word 0xffff\n .long 0xfffffffa",
      [.tripleFault, .exit(8), .cycleLimit]
    ),
    ("HLT for ever", .protected, "cli\n hlt", [.halted]),
    (
      "HLT with nothing to come", .protected, "mov al, 0xff\n out 0x21, al\n sti\n hlt",
      [.waiting, .cycleLimit]
    ),
    (
      "STOS over everything", .protected,
      "xor edi, edi\n mov eax, 0xf4\n mov ecx, 0xffffffff\n cld\n rep stosb",
      [.halted, .cycleLimit, .tripleFault]
    ),
    (
      "STOS backwards over everything", .protected,
      "mov edi, 0x3ffffc\n mov eax, 0xf4f4f4f4\n mov ecx, 0xffffffff\n std\n rep stosd",
      [.cycleLimit, .halted]
    ),
    (
      "MOVS from device registers to themselves", .protected,
      "mov esi, 0xfed10000\n mov edi, 0xfed10002\n mov ecx, 0x10000\n rep movsd\n here: jmp here",
      [.cycleLimit]
    ),
    ("LODS for ever", .protected, "mov ecx, 0xffffffff\n rep lodsb", [.cycleLimit]),
    (
      "SCAS for ever where nothing is", .protected,
      "mov edi, 0xe0000000\n mov ecx, 0xffffffff\n xor eax, eax\n repne scasb", [.cycleLimit]
    ),
    (
      "a stack that wraps in 16 bits", .real, ".code16\n mov sp, 1\n push ax\n here: jmp here",
      [.cycleLimit, .tripleFault, .exit(0)]
    ),
    (
      "code to the end of a real-mode segment", .real, ".code16\n .byte 0xe9\n .word 0xfffc",
      [.exit(0), .cycleLimit, .tripleFault]
    ),
    (
      "a far jump above 1 MiB in real mode", .real, ".code16\n .byte 0xea\n .word 0xffff, 0xffff",
      [.exit(0), .cycleLimit, .tripleFault]
    ),
    ("the reset through port 92h", .protected, "mov al, 1\n out 0x92, al", [.reset]),
    ("the reset through the keyboard controller", .protected, "mov al, 0xfe\n out 0x64, al", [.reset]),
    (
      "an INT that interrupts itself", .protected, "mov dword ptr [0x4180], 0xeafe18cd\n int 0x18",
      [.cycleLimit, .tripleFault, .exit(0)]
    ),
    ("ring 3 without an inner stack", .ring3, "int 3", [.exit(0), .tripleFault]),
    (
      "single steps over REP", .protected,
      "mov dword ptr [0x4010], 0xcf\n mov ecx, 0xffffffff\n push 0x102\n popfd\n rep lodsb", [.cycleLimit]
    ),
    (
      "all segments from a table of noise", .protected,
      "lgdt [here]\n mov ecx, 0xff8\n more: mov ds, cx\n sub ecx, 8\n jmp more\n here: .word 0xffff\n .long 0x10000",
      [.exit(0xf8), .tripleFault, .exit(0)]
    ),
  ]

  @Test("Named misdeeds end as they must", arguments: programs.indices) func named(index: Int) throws {
    let (name, mode, source, stops) = Self.programs[index]
    let code = try Assembler.assemble(source, at: mode == .real ? 0 : ProgramMachine.code)
    let guest = HostileGuest(mode: mode, code: code)
    let program = try guest.machine()
    let before = program.machine.cycle
    let stop = program.run(cycles: 20_000)
    #expect(stops.contains(stop), "\(name): \(stop), \(program.taken as Any)")
    #expect(program.machine.cycle > before, "\(name)")
    if stop == .cycleLimit { #expect(program.machine.cycle >= before + 20_000) }
    #expect(try guest.trial(cycles: 3000, pacings: [.steps(1), .random(UInt64(index))]) == nil, "\(name)")
  }
}
