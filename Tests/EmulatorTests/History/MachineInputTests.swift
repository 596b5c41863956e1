import IA32
import Testing

@testable import Emulator

/// What comes from outside is one kind of thing, logged with its cycle, and comes again.
@Suite("Input from outside")
struct MachineInputTests {
  private func guest(_ body: String, _ timing: TimingLevel = .full) throws -> BareMachine {
    let bare = try BareMachine(timing)
    try bare.poke(BareMachine.code, try Assembler.assemble(body, at: BareMachine.code))
    return bare
  }

  /// Counts in EBX, adds [7000h] to EDI, stores to [8000h].
  private func counter() throws -> BareMachine {
    try guest("again: inc ebx\n add edi, [0x7000]\n mov [0x8000], ebx\n jmp again")
  }

  @Test("registers and memory that are changed are part of the past, each at its cycle")
  func history() throws {
    let bare = try counter()
    let machine = bare.machine
    let history = MachineHistory(machine, interval: 1000)
    let start = machine.cycle
    _ = history.run(untilCycle: start + 3000)
    try history.apply(.register(.general(.ebx), 0x10_0000))
    try history.apply(.memory(PhysicalAddress(0x7000), [1, 0, 0, 0]))
    _ = history.run(untilCycle: start + 6000)
    try history.apply(.memory(PhysicalAddress(0x7000), [0, 0]))
    _ = history.run(untilCycle: start + 9000)
    let present = Outcome(of: machine, stop: .cycleLimit)
    let memory = bare.memoryFingerprint
    #expect(machine.registers[.ebx] > 0x10_0000 && machine.registers[.edi] > 100)
    #expect(
      history.inputs.entries.count == 3 && history.inputs.entries[0].cycle == history.inputs.entries[1].cycle)

    try history.goTo(cycle: start + 2000)
    #expect(machine.registers[.ebx] < 0x10_0000 && machine.registers[.edi] == 0)
    #expect(machine.memory.read(PhysicalAddress(0x7000), count: 1) == [0])
    try history.goTo(cycle: start + 9000)
    #expect(Outcome(of: machine, stop: .cycleLimit).differences(from: present).isEmpty)
    #expect(bare.memoryFingerprint == memory)

    // Another future.
    try history.goTo(cycle: start + 2000)
    try history.apply(.register(.general(.ebx), 7))
    #expect(!history.isInThePast && history.inputs.entries.count == 1)
    _ = history.run(untilCycle: start + 9000)
    #expect(machine.registers[.ebx] < 0x10_0000 && machine.registers[.edi] == 0)
    // What can't be applied changes nothing, the future included.
    try history.goTo(cycle: start + 4000)
    #expect(throws: MachineInputError.notRAM(address: 0xF_0000, count: 1)) {
      try history.apply(.memory(PhysicalAddress(0xF_0000), [0]))
    }
    #expect(history.isInThePast)
  }

  @Test("a log makes the same run on a machine without a history")
  func feeding() throws {
    let first = try counter()
    let history = MachineHistory(first.machine, interval: 1000)
    let start = first.machine.cycle
    for step in 1...9 as ClosedRange<UInt64> {
      _ = history.run(untilCycle: start + 700 * step)
      try history.apply(.register(.general(.ebx), UInt128(1000 * step)))
      try history.apply(.memory(PhysicalAddress(0x7000), [UInt8(step)]))
      history.receive([UInt8(step)])
    }
    _ = history.run(untilCycle: start + 20_000)
    let second = try counter()
    var log = InputLog(history.inputs.entries)
    #expect(log.applied == 0 && log.nextCycle == history.inputs.entries[0].cycle)
    #expect(second.machine.run(untilCycle: start + 20_000, feeding: &log) == .cycleLimit)
    #expect(log.applied == 27 && log.nextCycle == nil)
    #expect(
      Outcome(of: second.machine, stop: .cycleLimit).differences(
        from: Outcome(of: first.machine, stop: .cycleLimit)
      )
      .isEmpty)
    #expect(second.memoryFingerprint == first.memoryFingerprint)
  }

  @Test("a guest that waits sleeps until the next input's cycle")
  func waiting() throws {
    let bare = try guest(
      """
      mov al, 0x11
      out 0x20, al
      mov al, 0x20
      out 0x21, al
      mov al, 4
      out 0x21, al
      mov al, 1
      out 0x21, al
      mov al, 0xef
      out 0x21, al
      mov dx, 0x3f9
      mov al, 1
      out dx, al
      mov dx, 0x3fc
      mov al, 8
      out dx, al
      sti
      hlt
      mov dx, 0x3f8
      in al, dx
      out 0xf4, al
      """)
    try bare.poke(0x3000, [0xCF])
    bare.setGate(0x24, 0x3000)
    var log = InputLog([
      LoggedInput(cycle: 500_000, input: .serial([23])), LoggedInput(cycle: 900_000, input: .serial([24])),
    ])
    #expect(bare.machine.run(untilCycle: 400_000, feeding: &log) == .cycleLimit)
    #expect(bare.machine.run(untilCycle: 2_000_000, feeding: &log) == .exit(23))
    #expect(bare.machine.cycle > 500_000 && bare.machine.cycle < 510_000 && log.applied == 1)
    #expect(bare.machine.counters.idleCycles > 480_000)
    expectBreakdownAddsUp(bare.machine, "after sleeping")
  }

  @Test("EIP leads on elsewhere, out of HLT and out of a string instruction too")
  func instructionPointer() throws {
    let bare = try guest(
      "cli\n hlt\n mov al, 3\n out 0xf4, al\n mov ecx, 0x100000\n mov esi, 0x7000\n rep lodsb")
    let machine = bare.machine
    let history = MachineHistory(machine)
    #expect(history.run() == .halted)
    try history.apply(.register(.eip, UInt128(BareMachine.code + 6)))
    _ = history.run(untilCycle: machine.cycle + 5000)
    #expect(machine.registers[.ecx] > 0 && machine.registers[.ecx] < 0x10_0000)
    try history.apply(.register(.eip, UInt128(BareMachine.code + 2)))
    #expect(history.run() == .exit(3))
    let end = machine.cycle
    try history.goTo(cycle: history.firstCycle)
    #expect(throws: HistoryError.self) { try history.goTo(cycle: end + 1) }
    #expect(machine.cycle == end && history.ended == .exit(3))
  }

  @Test("flags change but for those that say the mode")
  func flags() throws {
    let machine = try counter().machine
    try machine.apply(.register(.eflags, 0xFFFF_FFFF))
    #expect(machine.registers.eflags == 0x003d_7fd7)
    try machine.apply(.register(.eflags, 0))
    #expect(machine.registers.eflags == 2)
  }

  @Test("memory that is changed is reported, and decoded code there dies", arguments: TimingLevel.allCases)
  func memory(_ timing: TimingLevel) throws {
    let bare = try guest("again: mov bl, 1\n mov [0x8000], ebx\n jmp again", timing)
    let machine = bare.machine
    let start = machine.cycle
    _ = machine.run(untilCycle: start + 1000)
    var writers: [StoreWriter] = []
    _ = machine.watchPhysical(UInt64(BareMachine.code)..<UInt64(BareMachine.code + 8)) { event, _ in
      writers.append(event.writer)
    }
    try machine.apply(.memory(PhysicalAddress(UInt64(BareMachine.code) + 1), [9]))
    _ = machine.run(untilCycle: start + 2000)
    #expect(machine.registers[.ebx] == 9 && writers == [.outside])
    let failure = MachineInputError.notRAM(address: .max, count: 2)
    #expect(throws: failure) { try machine.apply(.memory(PhysicalAddress(.max), [1, 2])) }
    #expect(
      failure.description
        == "2 bytes at physical ffffffffffffffff are not all RAM; only RAM can be written to")
  }
}
