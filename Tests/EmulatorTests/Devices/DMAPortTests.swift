import IA32
import Testing

@testable import Emulator

/// A device's stores to RAM are seen by all who must see stores.
@Suite("DMA")
struct DMAPortTests {
  /// A guest that lets the device copy over what comes behind the OUT, and exits with AL.
  private func guest(_ body: String, timing: TimingLevel = .full) throws -> BareMachine {
    let bare = try BareMachine(timing)
    try bare.poke(BareMachine.code, try Assembler.assemble(body, at: BareMachine.code))
    return bare
  }

  @Test(
    "code that a device changes is executed as changed, in the block at work too",
    arguments: TimingLevel.allCases)
  func code(_ timing: TimingLevel) throws {
    // The loop's second turn has decoded code to lose.
    let bare = try guest(
      """
      mov ecx, 3
      again: mov ebx, ecx
      target: mov al, 1
      add edx, eax
      loop again
      out 0xc8, al
      xor edx, edx
      mov ecx, 2
      back: call there
      loop back
      mov eax, edx
      out 0xf4, al
      there: mov al, 1
      movzx eax, al
      add edx, eax
      ret
      """, timing: timing)
    let there = try Assembler.assemble("mov al, 1\n movzx eax, al\n add edx, eax\n ret", at: 0)
    let code = try #require(bare.machine.memory.read(PhysicalAddress(UInt64(BareMachine.code)), count: 128))
    let offset = try #require((0..<120).last { Array(code[$0..<min(128, $0 + there.count)]) == there })
    let copier = try bare.machine.devices.registry.add(
      CopyingDevice(
        bus: bare.machine.bus, bytes: [0xB0, 20], target: UInt64(BareMachine.code) + UInt64(offset)))
    #expect(bare.machine.run(untilCycle: 1_000_000) == .exit(40))
    #expect(copier.state.copies == 1)
  }

  @Test("the instruction right behind the one that starts the copy is fetched anew")
  func nextInstruction() throws {
    let bare = try guest("mov al, 9\n out 0xc8, al\n mov al, 1\n out 0xf4, al")
    _ = try bare.machine.devices.registry.add(
      CopyingDevice(bus: bare.machine.bus, bytes: [0xB0, 66], target: UInt64(BareMachine.code) + 4))
    #expect(bare.machine.run(untilCycle: 1_000_000) == .exit(66))
  }

  @Test("watched bytes and page-table entries are reported, with the device as the writer")
  func watchers() throws {
    let bare = try guest("out 0xc8, al\n mov al, 0\n out 0xf4, al")
    let machine = bare.machine
    let bytes = (0..<20).map { UInt8($0 + 1) }
    _ = try machine.devices.registry.add(CopyingDevice(bus: machine.bus, bytes: bytes, target: 0x5FF6))
    var seen: [PhysicalStoreEvent] = []
    _ = machine.watchPhysical(0x5FF8..<0x6004) { event, _ in seen.append(event) }
    #expect(machine.run(untilCycle: 1_000_000) == .exit(0))
    #expect(seen.map(\.physical) == [0x5FF8, 0x6000])
    #expect(seen.allSatisfy { $0.writer == .device && $0.old == 0 && $0.linear == 0 })
    #expect(seen.first?.new == 0x0A09_0807_0605_0403)
    #expect(machine.memory.read(PhysicalAddress(0x5FF6), count: 20) == bytes)

    // A PTE of the tables in use.
    let paged = try BareMachine(.full)
    paged.mapIdentity()
    try paged.turnPagingOn()
    try paged.poke(
      BareMachine.code,
      try Assembler.assemble(
        "mov eax, [0x7000]\n out 0xc8, al\n mov al, 0\n out 0xf4, al", at: BareMachine.code))
    _ = try paged.machine.devices.registry.add(
      CopyingDevice(
        bus: paged.machine.bus, bytes: [0x67, 0x80, 0, 0], target: UInt64(BareMachine.tables + 8 * 7)))
    var stores: [EntryStoreEvent] = []
    _ = paged.machine.observe([.pteStore]) { event, _ in
      if case .pteStore(let store) = event { stores.append(store) }
    }
    #expect(paged.machine.run(untilCycle: 1_000_000) == .exit(0))
    #expect(stores.map(\.writer) == [.device] && stores.first?.old == 0x7067 && stores.first?.new == 0x8067)
  }

  @Test("a history keeps the pages that a device stores to")
  func history() throws {
    let bare = try guest("nop\n nop\n nop\n mov ecx, 1000\n wait: loop wait\n out 0xc8, al\n spin: jmp spin")
    let machine = bare.machine
    try bare.poke(0x7000, [UInt8](repeating: 0x11, count: 4096))
    let copier = try machine.devices.registry.add(
      CopyingDevice(bus: machine.bus, bytes: [UInt8](repeating: 0x22, count: 8192), target: 0x6800))
    let history = MachineHistory(machine, interval: 500)
    let start = machine.cycle
    _ = history.run(untilCycle: start + 20_000)
    #expect(
      machine.memory.read(PhysicalAddress(0x7000), count: 4096) == [UInt8](repeating: 0x22, count: 4096))
    try history.goTo(cycle: start + 50)
    #expect(
      machine.memory.read(PhysicalAddress(0x7000), count: 4096) == [UInt8](repeating: 0x11, count: 4096))
    #expect(machine.memory.read(PhysicalAddress(0x6FFF), count: 1) == [0] && copier.state.copies == 0)
    try history.goTo(cycle: start + 20_000)
    #expect(
      machine.memory.read(PhysicalAddress(0x6FFF), count: 2) == [0x22, 0x22] && copier.state.copies == 1)
  }

  @Test("the caches drop a line that a device stores to")
  func caches() throws {
    func cycles(copies: Bool) throws -> UInt64 {
      let bare = try guest(
        "mov eax, [0x7000]\n mov al, 1\n out \(copies ? "0xc8" : "0xc9"), al\n mov eax, [0x7000]\n mov al, 0\n out 0xf4, al"
      )
      _ = try bare.machine.devices.registry.add(
        CopyingDevice(bus: bare.machine.bus, bytes: [1, 2, 3, 4], target: 0x7004))
      #expect(bare.machine.run(untilCycle: 1_000_000) == .exit(0))
      return bare.machine.counters.breakdown.dram
    }
    let latencies = Latencies()
    #expect(try cycles(copies: true) - cycles(copies: false) == latencies.dram - latencies.l1)
  }

  @Test("only RAM is written, ROM is read, and A20 has no say")
  func places() throws {
    let bus = try Bus(memory: try PhysicalMemory(bytes: 16 << 20))
    try bus.addROM(name: "ROM", at: PhysicalAddress(0xF_0000), bytes: [UInt8](repeating: 0xC3, count: 4096))
    let port = DMAPort(bus: bus)
    bus.setA20(enabled: false)
    port.write([1, 2, 3], at: 0x10_0000)
    #expect(bus.memory.read(PhysicalAddress(0x10_0000), count: 3) == [1, 2, 3])
    #expect(port.read(0x10_0001, count: 2) == [2, 3] && bus.counters.unclaimed == 0)
    port.write([9, 9], at: 0xF_0000)
    #expect(port.read(0xF_0FFE, count: 4) == [0xC3, 0xC3, 0xFF, 0xFF] && bus.counters.unclaimed == 1)
    port.write([7, 7, 7], at: 0xFF_FFFF)
    #expect(bus.memory.read(PhysicalAddress(0xFF_FFFF), count: 1) == [7] && bus.counters.unclaimed == 2)
    for address in [UInt64.max - 1, 1 << 52, 0xF_FFFF_FFFF] {
      port.write([1, 2, 3, 4], at: address)
      #expect(port.read(address, count: 4) == [0xFF, 0xFF, 0xFF, 0xFF])
    }
    #expect(port.read(0, count: 0) == [] && port.read(5, count: -1) == [])
  }
}
