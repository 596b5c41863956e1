import IA32
import Testing

@testable import Emulator

/// Ranges that move and go while a machine runs, as the registers of PCI devices do.
@Suite("A bus whose map changes")
struct BusMapTests {
  @Test("a range moves, goes and comes back; what stands in the way is named")
  func moving() throws {
    let bus = try Bus(memory: try PhysicalMemory(bytes: 16 << 20))
    let device = MovingDevice(bus: bus)
    try device.attach(to: bus)
    let rom = try bus.addROM(
      name: "ROM", at: PhysicalAddress(0xFEE0_0000), bytes: [UInt8](repeating: 0xC3, count: 4096))
    #expect(bus.read(0xFE00_0000, width: .doubleword) == device.mark)
    try bus.move(device.registers, to: 0xFE00_5000)
    #expect(bus.base(of: device.registers) == 0xFE00_5000)
    #expect(bus.read(0xFE00_5004, width: .word) == 0xCAFE)
    #expect(bus.read(0xFE00_0000, width: .doubleword) == 0xFFFF_FFFF && bus.counters.unclaimed == 1)
    #expect(bus.region(at: PhysicalAddress(0xFE00_5000))?.name == "moving device")
    #expect(bus.region(at: PhysicalAddress(0xFE00_0000))?.kind == .reserved)
    for (place, reason) in [
      (0xFEE0_0000, "moving device at 0fee00000-0fee00fff overlaps ROM at 0fee00000-0fee00fff"),
      (0x5000, "moving device at 000005000-000005fff overlaps RAM at 000000000-00009ffff"),
      (0xFE00_0800, "moving device: 0fe000800-0fe0017ff must begin and end at a multiple of 4 KiB"),
      (0x10_0000_0000, "moving device: 1000000000-1000000fff goes beyond the 36 bits of a physical address"),
    ] as [(UInt64, String)] {
      do throws(BusError) {
        try bus.move(device.registers, to: place)
        Issue.record("moved to \(place)")
      } catch {
        #expect(error.description == reason)
      }
    }
    #expect(throws: BusError.self) { try bus.move(device.registers, to: .max - 0xFFF) }
    #expect(bus.base(of: device.registers) == 0xFE00_5000, "a refused move changes nothing")
    // Half onto itself.
    try bus.move(rom, to: 0xFEE0_1000)
    #expect(bus.read(0xFEE0_1000, width: .byte) == 0xC3 && bus.read(0xFEE0_0000, width: .byte) == 0xFF)
    bus.remove(device.registers)
    bus.remove(device.registers)
    #expect(bus.base(of: device.registers) == nil && bus.regions.allSatisfy { $0.kind != .mmio })
    try bus.move(device.registers, to: 0xFE00_0000)
    #expect(bus.read(0xFE00_0000, width: .doubleword) == device.mark)
  }

  @Test("ports move, too")
  func ports() throws {
    let pc = try DevicesTestMachine()
    let copier = CopyingDevice(bus: pc.bus, bytes: [], target: 0)
    let ports = try pc.bus.addPorts(copier, at: 0x1000..<0x1004)
    #expect(pc.read(0x1003) == 0)
    try pc.bus.move(ports, to: 0x1002)
    #expect(pc.read(0x1001) == 0xFF && pc.read(0x1005) == 0)
    #expect(throws: BusError.self) { try pc.bus.move(ports, to: 0x3FE) }
    #expect(throws: BusError.self) { try pc.bus.move(ports, to: 0xFFFD) }
    #expect(throws: BusError.self) { try pc.bus.move(ports, to: .max) }
    pc.bus.remove(ports)
    #expect(pc.read(0x1002) == 0xFF)
    #expect(pc.bus.portRanges.allSatisfy { $0.range.lowerBound < 0x1000 })
    pc.write(0x3FF, 0x5A)
    #expect(pc.read(0x3FF) == 0x5A)
  }

  /// A machine with a moving device and `body` as its guest.
  private func guest(_ body: String, _ timing: TimingLevel) throws -> (BareMachine, MovingDevice) {
    let bare = try BareMachine(timing)
    let device = try bare.machine.devices.registry.add(MovingDevice(bus: bare.machine.bus))
    try bare.poke(BareMachine.code, try Assembler.assemble(body, at: BareMachine.code))
    return (bare, device)
  }

  @Test("a guest finds the registers where it has put them", arguments: TimingLevel.allCases)
  func guestMoves(_ timing: TimingLevel) throws {
    let (bare, _) = try guest(
      """
      mov edi, 2
      again: mov ecx, [0xfe000000]
      mov al, 1
      out 0xcc, al
      mov edx, [0xfe001000]
      mov esi, [0xfe000000]
      mov al, 0
      out 0xcc, al
      mov ebx, [0xfe001000]
      mov al, 0xff
      inc eax
      dec edi
      mov al, 7
      out 0xf4, al
      """, timing)
    #expect(bare.machine.run(untilCycle: 1_000_000) == .exit(7))
    #expect(bare.machine.registers[.ecx] == 0x600D_CAFE && bare.machine.registers[.edx] == 0x600D_CAFE)
    #expect(bare.machine.registers[.esi] == 0xFFFF_FFFF && bare.machine.registers[.ebx] == 0xFFFF_FFFF)
  }

  @Test(
    "code decoded in a ROM dies with the ROM's place, also when it takes itself away",
    arguments: TimingLevel.allCases)
  func movingROM(_ timing: TimingLevel) throws {
    let bare = try BareMachine(timing)
    let machine = bare.machine
    func rom(_ value: Int) throws -> [UInt8] {
      // Called; a store in its middle moves it away, and what comes behind is the other ROM's.
      let code = try Assembler.assemble(
        "mov eax, \(value)\n mov [0xfe100000], eax\n add ebx, \(value)\n ret", at: 0xFEA0_0000)
      return code + [UInt8](repeating: 0x90, count: 4096 - code.count)
    }
    let first = try machine.bus.addROM(name: "first", at: PhysicalAddress(0xFEA0_0000), bytes: try rom(1))
    let second = try machine.bus.addROM(name: "second", at: PhysicalAddress(0xFEB0_0000), bytes: try rom(100))
    let exchange = Exchange {
      let inPlace = machine.bus.base(of: first) == 0xFEA0_0000
      let (out, back) = inPlace ? (first, second) : (second, first)
      machine.bus.remove(out)
      try? machine.bus.move(back, to: 0xFEA0_0000)
      try? machine.bus.move(out, to: 0xFEB0_0000)
    }
    try machine.bus.addMMIO(exchange, at: 0xFE10_0000..<0xFE10_1000)
    try bare.poke(
      BareMachine.code,
      try Assembler.assemble(
        """
        xor ebx, ebx
        mov ecx, 4
        again: mov edx, 0xfea00000
        call edx
        loop again
        mov eax, ebx
        out 0xf4, al
        """, at: BareMachine.code))
    let start = machine.snapshot()
    // first stores, the second adds 100, stores, the first adds 1, ...
    #expect(machine.run(untilCycle: 1_000_000) == .exit(202))
    #expect(machine.bus.base(of: first) == 0xFEA0_0000)
    machine.restore(start)
    machine.bus.remove(second)
    machine.restore(start)
    #expect(machine.bus.base(of: second) == 0xFEB0_0000, "a snapshot holds the places")
    #expect(machine.run(untilCycle: 1_000_000) == .exit(202))
  }

  /// A page of registers whose writes call the test.
  private final class Exchange: BusDevice {
    let name = "exchange"
    private let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
    func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0 }
    func write(offset: UInt64, width: AccessWidth, value: UInt64) { if offset == 0 { body() } }
  }

  @Test("a history goes to where the registers were")
  func history() throws {
    let (bare, device) = try guest(
      """
      mov ecx, 300
      wait: loop wait
      mov al, 2
      out 0xcc, al
      mov [0xfe002000], eax
      spin: jmp spin
      """, .full)
    let machine = bare.machine
    let history = MachineHistory(machine, interval: 200)
    let start = machine.cycle
    _ = history.run(untilCycle: start + 5000)
    let state = Outcome(of: machine, stop: .cycleLimit)
    #expect(machine.bus.base(of: device.registers) == 0xFE00_2000 && device.state.writes == 1)
    try history.goTo(cycle: start + 100)
    #expect(machine.bus.base(of: device.registers) == 0xFE00_0000 && device.state.writes == 0)
    try history.goTo(cycle: start + 5000)
    #expect(machine.bus.base(of: device.registers) == 0xFE00_2000 && device.state.writes == 1)
    #expect(Outcome(of: machine, stop: .cycleLimit).differences(from: state).isEmpty)
  }
}
