import IA32
import TestSupport
import Testing

@testable import Emulator

/// Tables full of noise, registers of any value: whatever a guest arranges ends in a fault or in a state that the
/// processor can have, and a fault has changed nothing.
@Suite struct SystemHostileTests {
  typealias F = SystemFixture

  private struct Noise {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }
    mutating func below(_ bound: UInt64) -> UInt64 { generator.number(below: bound) }
    mutating func chance(_ one: UInt64) -> Bool { generator.oneIn(one) }
    mutating func word() -> UInt32 { generator.word() }

    /// Values where things break: ends of the address space, of 64 KiB, of pages; the rest is noise.
    mutating func edge() -> UInt32 {
      switch below(5) {
      case 0: UInt32(truncatingIfNeeded: 0 &- below(64))
      case 1: 0x1_0000 &+ UInt32(below(16)) &- 8
      case 2: 0x7000 &+ UInt32(below(16)) &- 8
      case 3: UInt32(below(64))
      default: word()
      }
    }

    mutating func selector() -> UInt16 {
      chance(8) ? UInt16(truncatingIfNeeded: next()) : UInt16(below(0x80))
    }

    /// Mostly present, mostly one of the types that get far.
    mutating func descriptor() -> UInt64 {
      let access = UInt64(chance(6) ? below(256) : 0x80 | below(0x80))
      let offsets = next() & (chance(2) ? 0xff0f_0000_ffff_ffff : 0x00cf_0000_0000_ffff)
      let target = UInt64(selector()) << 16
      return offsets & ~(0xff << 40) & ~(0xffff << 16) | target | access << 40
    }
  }

  private func randomise(_ f: F, _ noise: inout Noise) {
    for entry in 0..<32 as Range<UInt32> {
      f.poke64(F.gdt + 8 * entry, noise.descriptor())
      f.poke64(F.ldt + 8 * entry, noise.descriptor())
      f.poke64(F.idt + 8 * entry, noise.descriptor())
    }
    for field in 0..<26 as Range<UInt32> {
      f.poke32(F.tss + 4 * field, noise.chance(2) ? UInt32(noise.selector()) : noise.edge())
    }
    let cpu = f.cpu
    for register in 0..<8 { cpu.registers[register] = noise.edge() }
    cpu.state.pointee.gdtr.base = noise.chance(8) ? noise.edge() : F.gdt
    cpu.state.pointee.gdtr.limit = noise.chance(4) ? UInt16(noise.below(0x1_0000)) : 0xff
    cpu.state.pointee.idtr.base = noise.chance(8) ? noise.edge() : F.idt
    cpu.state.pointee.idtr.limit = noise.chance(4) ? UInt16(noise.below(0x1_0000)) : 0xff
    cpu.state.pointee.tr.base = noise.chance(8) ? noise.edge() : F.tss
    cpu.state.pointee.tr.limit = noise.chance(3) ? noise.edge() : 0x67
    cpu.state.pointee.tr.access = noise.chance(3) ? 0x83 : 0x8b
    cpu.state.pointee.ldtr.base = F.ldt
    cpu.state.pointee.ldtr.limit = noise.chance(3) ? noise.edge() : 0xff
    cpu.state.pointee.ldtr.access = noise.chance(4) ? 0 : 0x82
    let isReal = noise.chance(5)
    let level = isReal ? 0 : UInt8(noise.below(4))
    cpu.state.pointee.cr0 = isReal ? [] : .protectionEnable
    cpu.setPrivilegeLevel(level)
    for segment in SegmentRegister.allCases {
      var cache = SegmentCache(noise.selector(), Descriptor(noise.descriptor()))
      if segment == .ss || segment == .cs { cache.selector = cache.selector & ~3 | UInt16(level) }
      if segment == .ss { cache.access = 0x93 | level << 5 | (noise.chance(4) ? 4 : 0) }
      if segment == .cs { cache.access = 0x9b | level << 5 }
      if noise.chance(2) {
        cache.base = 0
        cache.limit = .max
      }
      cpu.state.pointee[segment] = cache
    }
    cpu.state.pointee.eflags = noise.word() & 0x25_7fd5
    cpu.state.pointee.eip = noise.edge()
    cpu.state.pointee.dr7 = 0x400
  }

  /// One instruction or event, and the fault that it threw.
  private func act(_ f: F, _ noise: inout Noise) -> GuestFault? {
    let size: UInt8 = noise.chance(2) ? 2 : 4
    let selector = noise.selector()
    let offset = noise.edge()
    let choice = noise.below(17)
    let vector = UInt8(noise.below(noise.chance(4) ? 256 : 32))
    let cpu = f.cpu
    return f.fault { () throws(GuestFault) in
      switch choice {
      case 0: try cpu.jumpFar(selector: selector, offset: offset, operandSize: size)
      case 1: try cpu.callFar(selector: selector, offset: offset, operandSize: size, nextEIP: offset)
      case 2: try cpu.returnFar(operandSize: size, releasing: offset & 0xffff)
      case 3: try cpu.interruptReturn(operandSize: size)
      case 4: try cpu.softwareInterrupt(vector, kind: .int, nextEIP: offset)
      case 5: try cpu.softwareInterrupt(1, kind: .int1, nextEIP: offset)
      case 6: try cpu.loadSegment(.ss, selector)
      case 7: try cpu.loadSegment(.ds, selector)
      case 8: try cpu.loadTaskRegister(selector)
      case 9: try cpu.loadLocalDescriptorTable(selector)
      case 10: _ = try cpu.loadAccessRights(selector)
      case 11: _ = try cpu.loadSegmentLimit(selector)
      case 12: try cpu.checkIOPermission(port: UInt16(offset & 0xffff), bytes: UInt32(size))
      case 13: try cpu.loadDescriptorTable(.gdt, from: .ds, offset, operandSize: size)
      case 14: try cpu.storeDescriptorTable(.idt, to: .es, offset)
      case 15: cpu.externalInterrupt(vector)
      default: cpu.deliver(.generalProtection(UInt32(selector)))
      }
    }
  }

  @Test("Noise in every table", arguments: [UInt64(1), 2, 3, 4])
  func noise(_ seed: UInt64) throws {
    let f = try F()
    var noise = Noise(seed: seed)
    var completed = 0
    for round in 0..<1500 {
      randomise(f, &noise)
      if act(f, &noise) == nil { completed += 1 }
      let state = f.state
      let level = state.privilegeLevel
      // A task whose segments failed holds the selectors that it brought.
      if state.isProtected && !state.isVirtual8086 && state.cs.isUsable && state.ss.isUsable {
        #expect(UInt8(state.cs.selector & 3) == level, "seed \(seed), round \(round)")
        #expect(UInt8(state.ss.selector & 3) == level, "seed \(seed), round \(round)")
      }
      #expect(level == 3 || level < 3 && !state.isVirtual8086, "seed \(seed), round \(round)")
      #expect(state.systemFlags & ~0x3f_7702 == 0, "seed \(seed), round \(round)")
      f.cpu.isShutDown = false
    }
    // Enough of them got through for the test to mean something.
    #expect(completed > 150, "seed \(seed)")
  }
}
