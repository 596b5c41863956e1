import IA32

/// Values on their way to a stack. Every slot is checked when it is pushed and none is written before `commit`, so
/// that a transfer that faults at its last slot has changed nothing.
struct PendingFrame {
  /// SS, SS:ESP and 31 parameters, EFLAGS, CS:EIP and an error code: more than any gate pushes.
  private static let capacity = 40

  let segment: SegmentCache
  /// ESP as it will be. A 16-bit stack moves its low half only.
  private(set) var pointer: UInt32
  /// 2 or 4.
  let slotBytes: UInt32
  /// Whether the stack is one of ring 3.
  let isUser: Bool
  /// What a slot beyond the segment's limit raises.
  let limitFault: GuestFault
  private var count = 0
  private var targets: InlineArray<40, WriteTarget>
  private var values: InlineArray<40, UInt32>

  init(
    on segment: SegmentCache, pointer: UInt32, slotBytes: UInt32, isUser: Bool, limitFault: GuestFault
  ) {
    self.segment = segment
    self.pointer = pointer
    self.slotBytes = slotBytes
    self.isUser = isUser
    self.limitFault = limitFault
    targets = InlineArray(repeating: WriteTarget(first: 0, second: 0, bytesInFirst: 0, linear: 0))
    values = InlineArray(repeating: 0)
  }

  /// Takes one slot, or half of it when slots have 2 bytes.
  /// - Throws: the frame's limit fault; #PF.
  mutating func push(_ value: UInt32, _ cpu: CPU) throws(GuestFault) {
    let mask: UInt32 = segment.is32Bit ? .max : 0xffff
    let top = (pointer &- slotBytes) & mask
    guard count < Self.capacity, cpu.allows(segment, top, bytes: slotBytes, .write) else {
      throw limitFault
    }
    targets[count] = try cpu.mmu.writeTarget(segment.base &+ top, bytes: slotBytes, user: isUser)
    values[count] = value
    count += 1
    pointer = pointer & ~mask | top
  }

  /// Writes the slots in the order in which they were pushed.
  func commit(_ cpu: CPU) {
    for index in 0..<count {
      if slotBytes == 2 {
        cpu.mmu.commit(targets[index], UInt16(truncatingIfNeeded: values[index]))
      } else {
        cpu.mmu.commit(targets[index], values[index])
      }
    }
  }
}

extension CPU {
  /// A frame on the current stack; beyond its limit is #SS(0).
  func currentStackFrame(slotBytes: UInt32) -> PendingFrame {
    PendingFrame(
      on: state.pointee.ss, pointer: self[.esp], slotBytes: slotBytes, isUser: mmu.isUserMode,
      limitFault: GuestFault(.stackSegmentFault))
  }

  /// The 2 or 4 bytes that lie `bytes` above the top of the current stack, zero-extended.
  /// - Throws: #SS(0); #PF.
  func stackSlot(_ bytes: UInt32, slotBytes: UInt32) throws(GuestFault) -> UInt32 {
    let offset = (self[.esp] &+ bytes) & stackMask
    return slotBytes == 2
      ? UInt32(try load(.ss, offset, as: UInt16.self)) : try load(.ss, offset, as: UInt32.self)
  }
}
