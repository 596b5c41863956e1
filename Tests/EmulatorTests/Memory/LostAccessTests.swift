import IA32
import Testing

@testable import Emulator

/// Stores into ROM, stores where nothing answers, and fetches from there: counted, and the first of each is known.
@Suite("Accesses that lead nowhere")
struct LostAccessTests {
  private func guest(_ body: String, _ timing: TimingLevel = .full) throws -> BareMachine {
    let bare = try BareMachine(timing)
    try bare.machine.bus.addROM(
      name: "ROM", at: PhysicalAddress(0xFFFF_0000), bytes: [UInt8](repeating: 0xF4, count: 0x1_0000))
    try bare.poke(BareMachine.code, try Assembler.assemble(body, at: BareMachine.code))
    return bare
  }

  @Test("a push with ESP at 0 goes to ROM", arguments: TimingLevel.allCases)
  func push(_ timing: TimingLevel) throws {
    let machine = try guest("nop\n xor esp, esp\n push ebx\n push ecx\n mov al, 0\n out 0xf4, al", timing)
      .machine
    let start = machine.cycle
    #expect(machine.run() == .exit(0))
    let lost = machine.lostAccesses
    #expect(lost.romStores.count == 2 && lost.unclaimedStores.count == 0 && lost.unclaimedFetches.count == 0)
    let first = try #require(lost.romStores.first)
    #expect(first.physical == PhysicalAddress(0xFFFF_FFFC) && first.moment.eip == BareMachine.code + 3)
    #expect(first.moment.cycle > start && first.moment.cycle < machine.cycle)
    #expect(first.moment.instruction == 2)
  }

  @Test("a store and a fetch where nothing answers", arguments: TimingLevel.allCases)
  func nothing(_ timing: TimingLevel) throws {
    let bare = try guest(
      "mov eax, 7\n mov [0xd0000000], eax\n mov [0xd0000010], ax\n mov eax, [0xd0000000]\n mov ecx, 0xd0001000\n jmp ecx",
      timing)
    let machine = bare.machine
    // FFh FFh is no instruction: #UD, and there are no handlers.
    #expect(machine.run(untilCycle: 10_000_000) == .tripleFault)
    let lost = machine.lostAccesses
    #expect(lost.unclaimedStores.count == 2 && lost.romStores.count == 0)
    #expect(lost.unclaimedStores.first?.physical == PhysicalAddress(0xD000_0000))
    #expect(lost.unclaimedStores.first?.moment.eip == BareMachine.code + 5)
    #expect(lost.unclaimedFetches.count >= 1)
    #expect(lost.unclaimedFetches.first?.physical == PhysicalAddress(0xD000_1000))
    #expect(lost.unclaimedFetches.first?.moment.eip == 0xD000_1000)
  }

  @Test("devices and RAM are somewhere, and a snapshot holds what was seen")
  func snapshot() throws {
    let machine = try guest(
      "mov [0xb8000], eax\n mov [0xfed10008], eax\n mov [0x7000], eax\n mov eax, 0xffff0000\n call eax\n",
      .tlb
    ).machine
    let before = machine.snapshot()
    _ = machine.run(untilCycle: 1_000_000)
    #expect(machine.lostAccesses == LostAccesses(), "code in ROM is no lost access")
    machine.bus.write(0xFFFF_0000, width: .byte, value: 0)
    #expect(machine.lostAccesses.romStores.count == 1)
    machine.restore(before)
    #expect(machine.lostAccesses == LostAccesses())
  }
}
