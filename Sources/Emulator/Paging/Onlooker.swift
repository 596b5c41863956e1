import IA32

/// Memory as a walk reads it that must leave no trace. Entries outside RAM read as ones, like everything unclaimed; devices
/// are not touched, and A and D are not written.
struct Onlooker: WalkMemory {
  let memory: PhysicalMemory

  func readEntry(at address: UInt64, bytes: UInt8) -> UInt64 {
    guard let entry = memory.read(PhysicalAddress(address), count: Int(bytes)) else {
      return bytes == 8 ? .max : 0xffff_ffff
    }
    return entry.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func setBits(_ bits: UInt64, inEntryAt address: UInt64, bytes: UInt8) {}

  /// Takes `walk` to its end, calling `each` after every step but the updates of A and D, which an onlooker does not make.
  func finish(_ walk: inout PageWalk, _ each: (PageWalk.Step) -> Void = { _ in }) {
    while walk.next != .done {
      let step = walk.advance(self)
      if step.verdict != .updated { each(step) }
    }
  }
}
