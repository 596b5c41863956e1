import Emulator
import IA32

/// What ESP points at.
struct StackPlace {
  /// Such as "ESP is 00103ffc stack+0xffc", "ESP is fffffffc, which is not mapped".
  let sentence: String

  init(_ machine: Machine, describe: (UInt32) -> String) {
    let registers = machine.registers
    let segment = registers[SegmentRegister.ss]
    let pointer = registers[GeneralRegister.esp]
    let linear = segment.base &+ (segment.is32Bit ? pointer : pointer & 0xffff)
    sentence = "ESP is \(describe(linear))\(Self.remark(machine, linear))"
  }

  /// What is wrong with a stack there; empty for RAM.
  private static func remark(_ machine: Machine, _ linear: UInt32) -> String {
    // The slot below is the one that the next push takes.
    let below = linear &- 4
    guard let physical = try? MemoryView(machine, .processor).place(of: UInt64(below)).physical else {
      return ", and the slot below it is not mapped"
    }
    switch machine.bus.region(at: PhysicalAddress(physical)) {
    case let region? where region.kind == .ram: return ""
    case let region? where region.kind == .rom: return ", in ROM (\(region.name)): what is pushed is lost"
    case let region? where region.kind == .mmio: return ", in the device '\(region.name)'"
    default: return ", beyond RAM: nothing answers at physical \(PhysicalAddress(physical))"
    }
  }
}
