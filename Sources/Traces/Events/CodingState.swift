/// What an encoder and a decoder remember of the block so far, to guess what comes next. Both keep it alike, so what is as
/// guessed takes no bytes. docs/trace-format.md specifies it.
struct CodingState: ~Copyable {
  /// An instruction that was seen, and which came after it.
  struct Follower {
    var linear: UInt32
    var next: UInt32
    var length: UInt8
    var privilegeLevel: UInt8
  }

  /// The last data access that an instruction made, and how far it was from the one before.
  struct Stride {
    var linear: UInt32
    var step: UInt32
    var bytes: UInt8
    var access: UInt8
  }

  /// Where a processor was at its last event: another may have an event in between.
  struct Position {
    /// The last event's moment; `base` is that of CS.
    var instruction: UInt64 = 0
    var linear: UInt32 = 0
    var base: UInt32 = 0
    /// The last instruction event.
    var lastInstruction: UInt32 = 0
    var lastLength: UInt8 = 0
    /// How many accesses there were since the place last changed.
    var accesses: UInt32 = 0
  }

  static let followerCount = 8192
  static let strideCount = 8192
  static let frameCount = 1024
  static let processorCount = 256

  let followers: UnsafeMutablePointer<Follower>
  let strides: UnsafeMutablePointer<Stride>
  /// Physical page numbers by the low bits of the linear one.
  let frames: UnsafeMutablePointer<UInt64>
  /// What each field of each kind was last, and which fields the kind's last event had.
  let slots: UnsafeMutablePointer<UInt64>
  let masks: UnsafeMutablePointer<UInt16>
  /// The fields of the event that is being coded.
  let values: UnsafeMutablePointer<UInt64>
  /// Where the processors are that are not `processor`.
  private let positions: UnsafeMutablePointer<Position>

  /// The last event's cycle and processor, and where that processor was.
  var cycle: UInt64 = 0
  private(set) var processor: UInt8 = 0
  var position = Position()

  init() {
    followers = .allocate(capacity: Self.followerCount)
    strides = .allocate(capacity: Self.strideCount)
    frames = .allocate(capacity: Self.frameCount)
    slots = .allocate(capacity: EventKind.maxCount * TraceEvent.maxFields)
    masks = .allocate(capacity: EventKind.maxCount)
    values = .allocate(capacity: TraceEvent.maxFields)
    values.initialize(repeating: 0, count: TraceEvent.maxFields)
    positions = .allocate(capacity: Self.processorCount)
    reset()
  }

  deinit {
    followers.deallocate()
    strides.deallocate()
    frames.deallocate()
    slots.deallocate()
    masks.deallocate()
    values.deallocate()
    positions.deallocate()
  }

  /// As at the beginning of a block.
  mutating func reset() {
    followers.update(
      repeating: Follower(linear: 0, next: 0, length: 0, privilegeLevel: 0), count: Self.followerCount)
    strides.update(repeating: Stride(linear: 0, step: 0, bytes: 0, access: 0), count: Self.strideCount)
    frames.update(repeating: 0, count: Self.frameCount)
    slots.update(repeating: 0, count: EventKind.maxCount * TraceEvent.maxFields)
    masks.update(repeating: 0, count: EventKind.maxCount)
    positions.update(repeating: Position(), count: Self.processorCount)
    cycle = 0
    processor = 0
    position = Position()
  }

  /// The next event is another processor's.
  @inline(never)
  mutating func switchProcessor(to next: UInt8) {
    positions[Int(processor)] = position
    processor = next
    position = positions[Int(next)]
  }

  /// The slots of a kind's fields.
  @inline(__always)
  func slots(of kind: EventKind) -> UnsafeMutablePointer<UInt64> {
    slots + Int(kind.rawValue) &* TraceEvent.maxFields
  }

  @inline(__always)
  func follower(_ linear: UInt32) -> UnsafeMutablePointer<Follower> {
    followers + Int((linear ^ linear &>> 13) & UInt32(Self.followerCount - 1))
  }

  /// The slot of the next access at the present place.
  @inline(__always)
  func stride() -> UnsafeMutablePointer<Stride> {
    let linear = position.linear
    return strides + Int((linear ^ linear &>> 13 ^ position.accesses &* 0x5a5) & UInt32(Self.strideCount - 1))
  }

  @inline(__always)
  func frame(_ linear: UInt32) -> UnsafeMutablePointer<UInt64> {
    frames + Int(linear &>> 12 & UInt32(Self.frameCount - 1))
  }

  /// Puts into the slot of a walk's field what follows from the fields before it: the address of an entry, the page found. As
  /// under PAE: in 32-bit paging the guess is wrong, and costs some bytes.
  @inline(__always)
  static func expect(
    _ field: WalkFields, _ present: UInt16, _ values: UnsafeMutablePointer<UInt64>,
    _ slots: UnsafeMutablePointer<UInt64>
  ) {
    let table: UInt64 = 0x000f_ffff_ffff_f000
    func has(_ field: WalkFields) -> Bool { present & 1 << UInt16(field.rawValue) != 0 }
    func value(_ field: WalkFields) -> UInt64 { values[field.rawValue] }
    guard has(field) else { return }
    let linear = value(.linear)
    switch field {
    case .pdeAddress where has(.pdpte):
      slots[field.rawValue] = value(.pdpte) & table | (linear >> 21 & 0x1ff) << 3
    case .pteAddress where has(.pde):
      slots[field.rawValue] = value(.pde) & table | (linear >> 12 & 0x1ff) << 3
    case .frame where has(.pte): slots[field.rawValue] = value(.pte) & table
    case .frame where has(.pde): slots[field.rawValue] = value(.pde) & 0x000f_ffff_ffe0_0000
    default: break
    }
  }

  /// Where the next instruction is thought to be.
  @inline(__always)
  var expectedInstruction: UInt32 {
    let last = position.lastInstruction
    let known = follower(last)
    return known.pointee.linear == last ? known.pointee.next : last &+ UInt32(position.lastLength)
  }

  /// Takes note of an instruction that has been coded.
  @inline(__always)
  mutating func note(instruction at: UInt32, length: UInt8, privilegeLevel: UInt8) {
    let last = position.lastInstruction
    let before = follower(last)
    if before.pointee.linear == last { before.pointee.next = at }
    let known = follower(at)
    if known.pointee.linear == at {
      known.pointee.length = length
      known.pointee.privilegeLevel = privilegeLevel
    } else {
      known.pointee = Follower(
        linear: at, next: at &+ UInt32(length), length: length, privilegeLevel: privilegeLevel)
    }
    position.lastInstruction = at
    position.lastLength = length
  }
}

/// Bits of an event's first byte. The low four are the kind's number up to 14; 15 says that it comes in a byte of its own.
enum Tag {
  static let kind: UInt8 = 0x0f
  static let furtherKind: UInt8 = 0x0f
  /// A byte before the tag: the event is another processor's, whose number follows.
  static let processor: UInt8 = 0xff
  /// Of an instruction: its linear address, its number and base, its length and CPL are as guessed.
  static let place: UInt8 = 0x10
  static let count: UInt8 = 0x20
  static let shape: UInt8 = 0x40
  /// Of all others: the place is that of the event before.
  static let samePlace: UInt8 = 0x10
  /// Of an access: its linear address, its physical page, its size and access are as guessed.
  static let linear: UInt8 = 0x20
  static let physical: UInt8 = 0x40
  static let accessShape: UInt8 = 0x80
  /// Of all others: it has the fields that the kind's last event had.
  static let sameFields: UInt8 = 0x20
}
