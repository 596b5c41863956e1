import Emulator
import IA32
import Testing

@testable import GuestImages

@Suite("What a BIOS leaves in low memory")
struct BIOSDataTests {
  @Test("the data area, the extended one and the memory map agree", arguments: [1, 2, 16, 6144])
  func agreement(_ megabytes: UInt64) throws {
    let memory = try MemoryMap(bytes: megabytes << 20).bootRegions
    var builder = ELFBuilder.sample(multibootFlags: 3)
    if megabytes == 1 {
      // A machine that ends at 1 MiB has room below the window alone.
      builder.segments[0].physical = 0x1_0000
      builder.segments[1].physical = 0x2_0000
      builder.entry = 0xC010_0010
    }
    let image = try GuestImage(file: "k", bytes: builder.build())
    let plan = try BootPlan(image: image, memory: memory)
    let guest = PlannedMemory(plan: plan)
    func half(_ address: UInt32) -> UInt32 { guest.word(address) & 0xFFFF }
    #expect(half(0x400) == 0x3F8 && half(0x402) == 0)
    #expect(half(0x40E) << 4 == 0x9_FC00)
    #expect(half(0x410) >> 9 & 7 == 1, "one serial port")
    #expect(half(0x410) >> 4 & 3 == 2, "80 by 25 in colour")
    #expect(half(0x413) == 639)
    #expect(guest.byte(0x449) == 3 && half(0x44A) == 80 && half(0x463) == 0x3D4 && guest.byte(0x484) == 24)
    #expect(guest.byte(0x9_FC00) == 1, "KiB of the EBDA")
    #expect((1..<0x100).allSatisfy { guest.byte(0x9_FC00 + $0) == 0 }, "no tables of processors there")
    #expect(guest.word(0x9_FD00) == UInt32(memory.count), "the map for INT 15h")
    #expect(
      (0..<0x78).allSatisfy {
        guest.word(4 * $0) >> 16 == ([0x1D, 0x1E, 0x1F, 0x41, 0x43, 0x46].contains($0) ? 0 : 0xF000)
      })
    #expect((0x78..<0x100).allSatisfy { guest.word(4 * $0) == 0 })
    #expect(plan.writes.contains { $0.range == 0x9_FC00..<0xA_0000 })
    // As Multiboot tells it.
    #expect(guest.word(plan.ebx + 4) == 639)
    #expect(memory.first == BootPlan.MemoryRegion(range: 0..<0x9_FC00, usable: true))
    #expect(memory[1] == BootPlan.MemoryRegion(range: 0x9_FC00..<0x10_0000, usable: false))
  }

  @Test func anImageThatLiesThereKeepsItsBytes() throws {
    var builder = ELFBuilder.sample(multibootFlags: nil)
    builder.segments[1].physical = 0x400
    builder.segments[1].bytes = [9, 9, 9, 9]
    let memory = try MemoryMap(bytes: 16 << 20).bootRegions
    let plan = try BootPlan(image: GuestImage(file: "k", bytes: builder.build()), memory: memory)
    #expect(PlannedMemory(plan: plan).word(0x400) == 0x0909_0909)
    #expect(PlannedMemory(plan: plan).word(0x410) == 0)
  }

  @Test func aMapWithoutThatEndHasNoExtendedArea() throws {
    let plan = try BootPlan(
      image: GuestImage(file: "k", bytes: ELFBuilder.sample(multibootFlags: 3).build()),
      memory: pcMemory(megabytes: 16))
    let guest = PlannedMemory(plan: plan)
    #expect(guest.word(0x40E) & 0xFFFF == 0 && guest.word(0x413) & 0xFFFF == 640)
    guest.expectSound(in: pcMemory(megabytes: 16))
  }
}

/// The stack that a guest begins with.
@Suite("The stack at entry")
struct EntryStackTests {
  /// Runs a guest of one segment that begins with `code`.
  private func machine(_ code: [UInt8], flags: UInt32? = 0) throws -> Machine {
    let header = flags.map { multibootHeader(flags: $0) } ?? [UInt8](repeating: 0x90, count: 12)
    let builder = ELFBuilder(
      entry: 0x10_000C,
      segments: [.init(physical: 0x10_0000, virtual: 0x10_0000, bytes: header + code)])
    let map = try MemoryMap(bytes: 16 << 20)
    let plan = try BootPlan(
      image: GuestImage(file: "k", bytes: builder.build()), memory: map.bootRegions)
    let machine = try Machine(
      MachineConfiguration(memoryBytes: map.bytes, rom: BootROM.image(handover: plan.handover)))
    try plan.load(into: machine.memory)
    return machine
  }

  @Test("a push and a call work before the guest has a stack of its own", arguments: [0, nil] as [UInt32?])
  func pushes(_ flags: UInt32?) throws {
    let machine = try machine(
      [
        0x53,  // push ebx
        0xE8, 0x07, 0, 0, 0,  // call +7
        0x58,  // pop eax
        0x39, 0xD8,  // cmp eax, ebx
        0x0F, 0x94, 0xC0,  // sete al
        0x90,  // nop; the call's target is behind
        0xB0, 0x2A,  // mov al, 42
        0xE6, 0xF4,  // out F4h, al
      ], flags: flags)
    #expect(machine.run(untilCycle: 1_000_000) == .exit(42))
    #expect(machine.lostAccesses == LostAccesses())
    let esp = UInt64(machine.registers[.esp])
    #expect(esp == 0x8_0000 - 8)
    #expect(machine.memory.read(PhysicalAddress(esp), count: 4) == [0x12, 0, 0x10, 0])
  }

  @Test("the other registers and the flags are as they were without")
  func registers() throws {
    let machine = try machine([0xE6, 0xF4])
    _ = machine.run(untilCycle: 1_000_000)
    #expect(machine.registers[.esp] == 0x8_0000 && machine.registers[.ebp] == 0)
    #expect(machine.registers.eflags & 0xFFFF == 0x46)
  }

  @Test("the stack keeps out of the image's and the information's way")
  func placed() throws {
    let memory = try MemoryMap(bytes: 16 << 20).bootRegions
    var builder = ELFBuilder.sample(multibootFlags: 3)
    builder.segments.append(.init(physical: 0x7_0000, virtual: 0x7_0000, bytes: [1], memorySize: 0x2_0000))
    let plan = try BootPlan(image: GuestImage(file: "k", bytes: builder.build()), memory: memory)
    let stack = UInt64(plan.esp) - 0x1000..<UInt64(plan.esp)
    #expect((plan.writes.map(\.range) + plan.zeroFills).allSatisfy { !$0.overlaps(stack) })
    #expect(BootPlan.MemoryRegion.usableRanges(memory).contains { $0.contains(stack.lowerBound) })
    #expect(stack.lowerBound == 0x9_0000)
  }
}
