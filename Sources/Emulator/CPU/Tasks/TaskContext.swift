import IA32

/// Where a task-state segment has its fields. SDM vol. 3A, figures 7-2 and 7-10.
struct TaskLayout {
  /// The 80386's; otherwise the 80286's, whose slots have 16 bits.
  let is32Bit: Bool

  /// The layout that the type of a TSS's descriptor tells.
  init(access: UInt8) { is32Bit = access & 8 != 0 }

  /// The least limit that a TSS may have.
  var minimumLimit: UInt32 { is32Bit ? 0x67 : 0x2b }
  /// Bytes from one saved register to the next.
  var slotBytes: UInt32 { is32Bit ? 4 : 2 }

  /// EIP, EFLAGS, EAX to EDI and the segment registers follow one another.
  var instructionPointer: UInt32 { is32Bit ? 0x20 : 0x0e }
  var flags: UInt32 { instructionPointer &+ slotBytes }
  var general: UInt32 { instructionPointer &+ 2 &* slotBytes }
  var segments: UInt32 { instructionPointer &+ 10 &* slotBytes }
  var localTable: UInt32 { is32Bit ? 0x60 : 0x2a }
  /// FS and GS are the 80386's.
  var segmentCount: UInt32 { is32Bit ? 6 : 4 }

  /// The previous task's TSS selector, in both.
  static let backLink: UInt32 = 0
  /// Of the 32-bit TSS alone: CR3, and the word whose bit 0 is T.
  static let pageDirectory: UInt32 = 0x1c
  static let trapWord: UInt32 = 0x64
}

/// What a task switch loads from a TSS.
struct TaskContext {
  var eip: UInt32
  var flags: UInt32
  /// EAX to EDI by number.
  var general = SIMD8<UInt32>()
  /// ES, CS, SS, DS, FS and GS by number.
  var selectors = SIMD8<UInt16>()
  var localTable: UInt16
  /// nil in a 16-bit TSS, which has no CR3.
  var pageDirectory: UInt32?
  /// T: #DB before the task's first instruction.
  var traps: Bool
}

/// Stores that a task switch makes: each is checked when it is added, and none is made before `commit`.
struct PendingStores {
  /// EIP, EFLAGS, eight registers, six segments and the back link.
  private static let capacity = 17

  private var count = 0
  private var targets: InlineArray<17, WriteTarget>
  private var values: InlineArray<17, UInt32>
  private var widths: InlineArray<17, UInt32>

  init() {
    targets = InlineArray(repeating: WriteTarget(first: 0, second: 0, bytesInFirst: 0, linear: 0))
    values = InlineArray(repeating: 0)
    widths = InlineArray(repeating: 0)
  }

  /// Adds a store of 2 or 4 bytes by the supervisor.
  /// - Throws: #PF.
  mutating func add(_ linear: UInt32, _ value: UInt32, bytes: UInt32, _ cpu: CPU) throws(GuestFault) {
    precondition(count < Self.capacity, "a task switch makes at most \(Self.capacity) stores")
    targets[count] = try cpu.mmu.writeTarget(linear, bytes: bytes, user: false)
    values[count] = value
    widths[count] = bytes
    count += 1
  }

  /// Makes the stores in the order in which they were added.
  func commit(_ cpu: CPU) {
    for index in 0..<count {
      if widths[index] == 2 {
        cpu.mmu.commit(targets[index], UInt16(truncatingIfNeeded: values[index]))
      } else {
        cpu.mmu.commit(targets[index], values[index])
      }
    }
  }
}

extension CPU {
  /// Reads what the TSS at `base` holds.
  /// - Throws: #PF.
  func loadContext(at base: UInt32, _ layout: TaskLayout) throws(GuestFault) -> TaskContext {
    func slot(_ field: UInt32) throws(GuestFault) -> UInt32 {
      layout.is32Bit
        ? try loadSystem(base &+ field, as: UInt32.self)
        : UInt32(try loadSystem(base &+ field, as: UInt16.self))
    }
    let trapWord = layout.is32Bit ? try loadSystem(base &+ TaskLayout.trapWord, as: UInt16.self) : 0
    var context = TaskContext(
      eip: try slot(layout.instructionPointer), flags: try slot(layout.flags),
      localTable: try loadSystem(base &+ layout.localTable, as: UInt16.self),
      pageDirectory: layout.is32Bit ? try slot(TaskLayout.pageDirectory) : nil,
      traps: trapWord & 1 != 0)
    for number in 0..<8 {
      let value = try slot(layout.general &+ UInt32(number) &* layout.slotBytes)
      // The upper halves that a 16-bit TSS doesn't have become ones (chosen; the manual is silent).
      context.general[number] = layout.is32Bit ? value : value | 0xffff_0000
    }
    for number in 0..<layout.segmentCount {
      context.selectors[Int(number)] = try loadSystem(
        base &+ layout.segments &+ number &* layout.slotBytes, as: UInt16.self)
    }
    return context
  }

  /// Prepares to save the current task in the TSS at `base`. CR3, the LDT's selector and the stacks stay what they are there.
  /// - Throws: #PF.
  func prepareContext(
    at base: UInt32, _ layout: TaskLayout, eip: UInt32, flags: UInt32, _ stores: inout PendingStores
  ) throws(GuestFault) {
    let bytes = layout.slotBytes
    try stores.add(base &+ layout.instructionPointer, eip, bytes: bytes, self)
    try stores.add(base &+ layout.flags, flags, bytes: bytes, self)
    for number in 0..<8 as Range<UInt32> {
      try stores.add(base &+ layout.general &+ number &* bytes, registers[Int(number)], bytes: bytes, self)
    }
    for number in 0..<layout.segmentCount {
      let register = SegmentRegister(rawValue: UInt8(truncatingIfNeeded: number)) ?? .ds
      // The upper half of the slot is reserved and stays.
      try stores.add(
        base &+ layout.segments &+ number &* bytes, UInt32(state.pointee[register].selector), bytes: 2, self)
    }
  }
}
