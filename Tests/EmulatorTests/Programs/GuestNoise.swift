import FloatingPoint
import IA32
import TestSupport

@testable import Emulator

/// Numbers at random where a hostile guest's tables and registers are. Every second guest keeps most of what its mode has set
/// up, so that it gets somewhere.
struct GuestNoise {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private mutating func selector() -> UInt16 {
    random.oneIn(8) ? UInt16(truncatingIfNeeded: random.next()) : UInt16(random.below(0x80))
  }

  /// Mostly present, mostly of a type that gets far.
  private mutating func descriptor() -> UInt64 {
    let access = UInt64(random.oneIn(6) ? random.byte() : 0x80 | random.byte() & 0x7f)
    let fields = random.next() & (random.flag() ? 0xff0f_0000_ffff_ffff : 0x00cf_0000_0000_ffff)
    return fields & ~(0xff << 40) & ~(0xffff << 16) | UInt64(selector()) << 16 | access << 40
  }

  mutating func fill(_ program: ProgramMachine, _ mode: HostileGuest.Mode) {
    let isWild = random.oneIn(4)
    typealias P = ProgramMachine
    for entry in 0..<32 as Range<UInt32> where random.oneIn(isWild ? 2 : entry < 11 ? 24 : 2) {
      program.poke64(P.gdt + 8 * entry, descriptor())
    }
    if mode != .real {
      for vector in 0..<256 as Range<UInt32> where random.oneIn(isWild ? 3 : 40) {
        program.poke64(P.idt + 8 * vector, descriptor())
      }
    }
    for field in 0..<26 as Range<UInt32> where random.oneIn(isWild ? 2 : 16) {
      program.poke32(P.tss + 4 * field, random.flag() ? UInt32(selector()) : random.word())
    }
    for page in 0..<1024 as Range<UInt32> where random.oneIn(isWild ? 8 : 200) {
      program.poke32(0x20_1000 + 4 * page, random.word() & 0x3f_f1ff | (random.flag() ? 7 : 0))
      program.poke64(
        0x30_1000 + 8 * page, UInt64(random.word() & 0x3f_f1ff) | (random.oneIn(8) ? random.next() : 7))
    }
    let cpu = program.cpu
    let state = cpu.state
    state.pointee.ldtr.base = P.gdt
    state.pointee.ldtr.limit = random.oneIn(3) ? random.word() & 0xff : 0xff
    state.pointee.ldtr.access = random.oneIn(4) ? 0 : 0x82
    let kept = EFLAGS.virtual8086.rawValue | EFLAGS.interruptEnable.rawValue
    let flags = random.word() & 0x25_7ed5 & (random.oneIn(6) ? .max : ~0x4100)
    state.pointee.eflags = state.pointee.eflags & kept | flags | 2
    if random.oneIn(6) { state.pointee.cr0.formUnion([.alignmentMask, .numericError]) }
    if random.oneIn(10) { state.pointee.cr0.insert(random.flag() ? .taskSwitched : .emulation) }
    if random.oneIn(3) {
      state.pointee.cr4.formUnion([.osSavesExtendedState, .osHandlesSIMDExceptions])
    }
    if random.oneIn(8) {
      state.pointee.debugAddresses.0 = P.code &+ random.below(64)
      state.pointee.debugAddresses.1 = P.outerStack &- random.below(64)
      state.pointee.dr7 = random.word() & 0xffff_27ff | 0x400
      cpu.debugRegistersChanged()
    }
    for index in 0..<8 {
      state.pointee.x87.registers[index] = ExtendedFloat(
        significand: random.next(), signExponent: UInt16(truncatingIfNeeded: random.next()))
      state.pointee.sse.registers[index].low = random.next()
      state.pointee.sse.registers[index].high = random.next()
    }
    state.pointee.x87.loadControl(UInt16(truncatingIfNeeded: random.next()))
    state.pointee.x87.used = random.byte()
    cpu.modeChanged()
  }
}
