import IA32
import Testing

@testable import Emulator

/// The local APIC and the I/O APIC: SDM vol. 3A, chapter 10; 82093AA data sheet.
@Suite struct APICTests {
  typealias P = ProgramMachine

  private func machine(_ source: String, extensions: CPUFeatures = .localAPIC) throws -> ProgramMachine {
    let program = try ProgramMachine(extensions: extensions)
    try program.enterProtectedMode()
    try program.load(source)
    return program
  }

  private func run(_ source: String) throws -> ProgramMachine {
    let program = try machine(source)
    program.run(cycles: 200_000)
    return program
  }

  /// mov dword [FEE00000h + register], value.
  private func write(_ register: UInt32, _ value: UInt32) -> String {
    "mov dword ptr [\(0xfee0_0000 + register)], \(value)\n"
  }

  private func vector(_ program: ProgramMachine) -> UInt32? { program.taken?.vector }

  @Test("CPUID, IA32_APIC_BASE and the registers after reset") func identification() throws {
    let p = try run(
      "mov eax, 1\n cpuid\n mov esi, edx\n mov ecx, 0x1b\n rdmsr\n mov edi, eax\n mov ebx, [0xfee00030]\n mov ebp, [0xfee00350]\n out 0xf4, al"
    )
    #expect(p.cpu[.esi] & 1 << 9 != 0)
    #expect(p.cpu[.edi] == 0xfee0_0900)
    #expect(p.cpu[.ebx] == 0x0004_0011 && p.cpu[.ebp] == 0x700)
    let without = try machine("mov ecx, 0x1b\n rdmsr", extensions: [])
    without.run(cycles: 1000)
    #expect(without.taken == P.Taken(.generalProtection, at: P.code + 5))
    #expect(without.cpu.localAPIC == nil && without.machine.devices.localAPIC == nil)
  }

  @Test("Turned off or moved by IA32_APIC_BASE") func base() throws {
    let moved = try run(
      "mov ecx, 0x1b\n mov eax, 0xf0000900\n xor edx, edx\n wrmsr\n mov ebx, [0xf0000030]\n mov esi, [0xfee00030]\n out 0xf4, al"
    )
    #expect(moved.cpu[.ebx] == 0x0004_0011 && moved.cpu[.esi] == 0xffff_ffff)
    let off = try run(
      "mov ecx, 0x1b\n mov eax, 0xfee00100\n xor edx, edx\n wrmsr\n mov eax, 1\n cpuid\n mov esi, [0xfee00030]\n out 0xf4, al"
    )
    #expect(off.cpu[.edx] & 1 << 9 == 0 && off.cpu[.esi] == 0xffff_ffff)
    #expect(try run("mov ecx, 0x1b\n mov eax, 0xfee00001\n xor edx, edx\n wrmsr").taken?.vector == 13)
  }

  /// ICW1-4 for vectors 20h and 28h, only IRQ 0 open, the PIT's counter 0 at its fastest.
  private static let pic =
    "mov al, 0x11\n out 0x20, al\n mov al, 0x20\n out 0x21, al\n mov al, 4\n out 0x21, al\n mov al, 1\n out 0x21, al\n mov al, 0xfe\n out 0x21, al\n"
  private static let pit =
    "mov al, 0x34\n out 0x43, al\n mov al, 0x40\n out 0x40, al\n mov al, 0\n out 0x40, al\n"

  @Test("Virtual wire: the 8259's interrupts come at the very same cycle as without an APIC")
  func virtualWire() throws {
    var ends: [(UInt64, UInt64, UInt32?)] = []
    for extensions in [CPUFeatures(), .localAPIC] {
      let p = try machine(Self.pic + Self.pit + "sti\n here: inc ebx\n jmp here", extensions: extensions)
      p.run(cycles: 200_000)
      ends.append((p.machine.cycle, p.machine.counters.instructions, vector(p)))
    }
    #expect(ends[0] == ends[1])
    #expect(ends[1].2 == 0x20)
    // LINT0 masked: they don't.
    let masked = try run(write(0x350, 0x1_0700) + Self.pic + Self.pit + "sti\n here: inc ebx\n jmp here")
    #expect(vector(masked) == nil)
  }

  @Test("The timer: one shot, periodic, its count, its divisor (10.5.4)") func timer() throws {
    let once = try run(write(0x3e0, 0xb) + write(0x320, 0x40) + write(0x380, 1000) + "sti\n here: jmp here")
    #expect(vector(once) == 0x40)
    // Three periods, by a handler that counts and says EOI.
    let p = try machine(
      write(0x3e0, 3) + write(0x320, 0x2_0041) + write(0x380, 100)
        + "sti\n here: cmp ebx, 3\n jne here\n cli\n mov ecx, [0xfee00390]\n out 0xf4, al")
    // inc ebx; mov dword [FEE000B0h], 0; iret
    p.poke(P.handlers + 16 * 0x41, [0x43, 0xc7, 0x05, 0xb0, 0, 0xe0, 0xfe, 0, 0, 0, 0, 0xcf])
    let start = p.machine.cycle
    #expect(p.run(cycles: 200_000) == .exit(0))
    #expect(p.cpu[.ebx] == 3)
    #expect(p.machine.cycle - start >= 3 * 1600 && p.machine.cycle - start < 3 * 1600 + 400)
    #expect(p.cpu[.ecx] > 50 && p.cpu[.ecx] <= 100)
    let stopped = try run(write(0x320, 0x40) + write(0x380, 1000) + write(0x380, 0) + "sti\n here: jmp here")
    #expect(vector(stopped) == nil)
  }

  @Test("HLT is ended by the timer") func halt() throws {
    let p = try run(write(0x3e0, 0xb) + write(0x320, 0x40) + write(0x380, 50_000) + "sti\n hlt")
    #expect(vector(p) == 0x40)
    #expect(p.machine.counters.idleCycles > 40_000)
  }

  @Test("Priorities: TPR, service, EOI (10.8)") func priorities() throws {
    // Two at once: the higher first, the lower after EOI.
    let both = write(0x300, 0x4_0050) + write(0x300, 0x4_0060)
    #expect(vector(try run(both + "sti\n nop\n nop")) == 0x60)
    #expect(vector(try run(write(0x80, 0x60) + both + "sti\n nop\n nop\n out 0xf4, al")) == nil)
    #expect(vector(try run(write(0x80, 0x50) + both + "sti\n nop\n nop")) == 0x60)
    let p = try machine(both + "sti\n nop\n nop\n nop")
    // In 60h's handler: 50h waits until EOI.
    p.poke(P.handlers + 16 * 0x60, [0xfb, 0x90, 0x90, 0x8b, 0x1d, 0x20, 0x01, 0xe0, 0xfe, 0xeb, 0x05])
    p.poke(P.handlers + 16 * 0x61, [0xc7, 0x05, 0xb0, 0, 0xe0, 0xfe, 0, 0, 0, 0, 0x90, 0x90, 0xeb, 0xfe])
    p.run(cycles: 2000)
    #expect(vector(p) == 0x50)
    let taken = p.taken?.eip ?? 0
    #expect(taken > P.handlers + 16 * 0x61 && taken < P.handlers + 16 * 0x62)
  }

  @Test("NMI by the interrupt command: taken with IF clear, and one at a time (10.6; 6.7)") func nonMaskable()
    throws
  {
    let p = try machine(write(0x310, 0) + write(0x300, 0x400) + "nop\n mov ecx, 5\n out 0xf4, al")
    // inc ebx; another NMI; nop; iret: the second waits for IRET.
    p.poke(
      P.handlers + 32,
      [0x43, 0x83, 0xfb, 0x02, 0x74, 0x0c, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x04, 0, 0])
    // What follows overlaps vector 3's place.
    p.poke(P.handlers + 48, [0x90, 0x89, 0xd9, 0xcf])
    p.poke(P.handlers + 32 + 4, [0x74, 0x0b])
    #expect(p.run(cycles: 2000) == .exit(0))
    #expect(p.cpu[.ebx] == 2)
  }

  @Test("The I/O APIC: the PIT at input 2, edges; levels with EOI") func ioAPIC() throws {
    func select(_ index: UInt32, _ value: UInt32) -> String {
      "mov dword ptr [0xfec00000], \(index)\n mov dword ptr [0xfec00010], \(value)\n"
    }
    let p = try run(
      "mov al, 0xff\n out 0x21, al\n" + select(0x15, 0) + select(0x14, 0x71) + Self.pit
        + "sti\n here: jmp here")
    #expect(vector(p) == 0x71)
    let version = try run("mov dword ptr [0xfec00000], 1\n mov ebx, [0xfec00010]\n out 0xf4, al")
    #expect(version.cpu[.ebx] == 0x0017_0011)
  }

  @Test("A level asks again after EOI while it stands") func level() throws {
    let bus = APICBus()
    let clock = Clock()
    let local = LocalAPIC(number: 0, on: bus, clock: clock, external: PIC8259())
    let io = IOAPIC(on: bus)
    io.write(offset: 0, width: .doubleword, value: 0x10 + 2 * 9)
    io.write(offset: 0x10, width: .doubleword, value: 0x8055)
    io.setInterrupt(9, true)
    #expect(local.interruptRequested && local.acknowledge() == 0x55)
    #expect(!local.interruptRequested)
    local.write(offset: 0xb0, width: .doubleword, value: 0)
    #expect(local.interruptRequested && local.acknowledge() == 0x55)
    io.setInterrupt(9, false)
    local.write(offset: 0xb0, width: .doubleword, value: 0)
    #expect(!local.interruptRequested)
  }

  @Test("Destinations: physical, logical flat and cluster, broadcast, lowest priority (10.6.2)")
  func destinations() throws {
    let bus = APICBus()
    let clock = Clock()
    let pic = PIC8259()
    let all = (0..<4 as Range<UInt8>).map { LocalAPIC(number: $0, on: bus, clock: clock, external: pic) }
    for (index, apic) in all.enumerated() {
      apic.write(offset: 0xd0, width: .doubleword, value: UInt64(1) << UInt64(24 + index))
    }
    func takers(_ command: UInt32, _ destination: UInt8) -> [Int] {
      bus.send(command: command, to: destination, from: all[0])
      return all.indices.filter { all[$0].interruptRequested && all[$0].acknowledge() == 0x44 }.filter {
        all[$0].write(offset: 0xb0, width: .doubleword, value: 0)
        return true
      }
    }
    #expect(takers(0x44, 2) == [2])
    #expect(takers(0x44, 0xff) == [0, 1, 2, 3])
    #expect(takers(0x844, 0b1010) == [1, 3])
    #expect(takers(0x4_0044, 0) == [0])
    #expect(takers(0x8_0044, 0) == [0, 1, 2, 3])
    #expect(takers(0xc_0044, 0) == [1, 2, 3])
    all[1].write(offset: 0x80, width: .doubleword, value: 0x20)
    #expect(takers(0x944, 0b1110) == [2])
    for apic in all { apic.write(offset: 0xe0, width: .doubleword, value: 0) }
    all[3].write(offset: 0xd0, width: .doubleword, value: 0x2100_0000)
    #expect(takers(0x844, 0x21) == [3])
  }

  @Test("Errors: illegal vectors and registers (10.5.3)") func errors() throws {
    let p = try run(
      write(0x300, 0x4_0005) + write(0x280, 0) + "mov ebx, [0xfee00280]\n mov eax, [0xfee00060]\n"
        + write(0x280, 0)
        + "mov ecx, [0xfee00280]\n out 0xf4, al")
    #expect(p.cpu[.ebx] == 0x20 && p.cpu[.ecx] == 0x80)
  }

  @Test("A snapshot holds it") func snapshot() throws {
    let p = try machine(write(0x3e0, 0xb) + write(0x320, 0x40) + write(0x380, 1000) + "sti\n here: jmp here")
    p.run(cycles: 300)
    let registry = p.machine.devices.registry
    let (devices, clock, processor) = (registry.saved, p.machine.clock.snapshot, p.cpu.snapshot())
    p.run(cycles: 5000)
    let end = p.machine.cycle
    #expect(vector(p) == 0x40)
    registry.saved = devices
    p.machine.clock.snapshot = clock
    p.cpu.restore(processor)
    p.run(cycles: 5000)
    #expect(vector(p) == 0x40 && p.machine.cycle == end)
  }
}
