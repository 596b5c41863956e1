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

  static let followerCount = 8192
  static let strideCount = 8192
  static let frameCount = 1024
  static let slotsPerKind = 12

  let followers: UnsafeMutablePointer<Follower>
  let strides: UnsafeMutablePointer<Stride>
  /// Physical page numbers by the low bits of the linear one.
  let frames: UnsafeMutablePointer<UInt64>
  /// What each field of each kind was last, and which fields the kind's last event had.
  let slots: UnsafeMutablePointer<UInt64>
  let masks: UnsafeMutablePointer<UInt16>
  /// The fields of the event that is being coded.
  let values: UnsafeMutablePointer<UInt64>

  /// The last event's moment; `base` is that of CS.
  var instruction: UInt64 = 0
  var linear: UInt32 = 0
  var base: UInt32 = 0
  var cycle: UInt64 = 0
  /// The last instruction event.
  var lastInstruction: UInt32 = 0
  var lastLength: UInt8 = 0
  /// How many accesses there were since the place last changed.
  var accesses: UInt32 = 0

  init() {
    followers = .allocate(capacity: Self.followerCount)
    strides = .allocate(capacity: Self.strideCount)
    frames = .allocate(capacity: Self.frameCount)
    slots = .allocate(capacity: 14 * Self.slotsPerKind)
    masks = .allocate(capacity: 14)
    values = .allocate(capacity: Self.slotsPerKind)
    values.initialize(repeating: 0, count: Self.slotsPerKind)
    reset()
  }

  deinit {
    followers.deallocate()
    strides.deallocate()
    frames.deallocate()
    slots.deallocate()
    masks.deallocate()
    values.deallocate()
  }

  /// As at the beginning of a block.
  mutating func reset() {
    followers.update(
      repeating: Follower(linear: 0, next: 0, length: 0, privilegeLevel: 0), count: Self.followerCount)
    strides.update(repeating: Stride(linear: 0, step: 0, bytes: 0, access: 0), count: Self.strideCount)
    frames.update(repeating: 0, count: Self.frameCount)
    slots.update(repeating: 0, count: 14 * Self.slotsPerKind)
    masks.update(repeating: 0, count: 14)
    instruction = 0
    linear = 0
    base = 0
    cycle = 0
    lastInstruction = 0
    lastLength = 0
    accesses = 0
  }

  @inline(__always)
  func follower(_ linear: UInt32) -> UnsafeMutablePointer<Follower> {
    followers + Int((linear ^ linear &>> 13) & UInt32(Self.followerCount - 1))
  }

  /// The slot of the next access at the present place.
  @inline(__always)
  func stride() -> UnsafeMutablePointer<Stride> {
    strides + Int((linear ^ linear &>> 13 ^ accesses &* 0x5a5) & UInt32(Self.strideCount - 1))
  }

  @inline(__always)
  func frame(_ linear: UInt32) -> UnsafeMutablePointer<UInt64> {
    frames + Int(linear &>> 12 & UInt32(Self.frameCount - 1))
  }

  /// Puts into the slot of a walk's field what follows from the fields before it: the address of an entry, the page found. As
  /// under PAE: in 32-bit paging the guess is wrong, and costs some bytes.
  @inline(__always)
  static func expect(
    _ index: Int, _ present: UInt16, _ values: UnsafeMutablePointer<UInt64>,
    _ slots: UnsafeMutablePointer<UInt64>
  ) {
    let table: UInt64 = 0x000f_ffff_ffff_f000
    guard present & 1 << UInt16(index) != 0 else { return }
    switch index {
    case 3 where present & 1 << 2 != 0: slots[3] = values[2] & table | (values[0] >> 21 & 0x1ff) << 3
    case 5 where present & 1 << 4 != 0: slots[5] = values[4] & table | (values[0] >> 12 & 0x1ff) << 3
    case 9 where present & 1 << 6 != 0: slots[9] = values[6] & table
    case 9 where present & 1 << 4 != 0: slots[9] = values[4] & 0x000f_ffff_ffe0_0000
    default: break
    }
  }

  /// Where the next instruction is thought to be.
  @inline(__always)
  var expectedInstruction: UInt32 {
    let known = follower(lastInstruction)
    return known.pointee.linear == lastInstruction
      ? known.pointee.next : lastInstruction &+ UInt32(lastLength)
  }

  /// Takes note of an instruction that has been coded.
  @inline(__always)
  mutating func note(instruction at: UInt32, length: UInt8, privilegeLevel: UInt8) {
    let before = follower(lastInstruction)
    if before.pointee.linear == lastInstruction { before.pointee.next = at }
    let known = follower(at)
    if known.pointee.linear == at {
      known.pointee.length = length
      known.pointee.privilegeLevel = privilegeLevel
    } else {
      known.pointee = Follower(
        linear: at, next: at &+ UInt32(length), length: length, privilegeLevel: privilegeLevel)
    }
    lastInstruction = at
    lastLength = length
  }
}

/// Bits of an event's first byte. The low four are the kind.
enum Tag {
  static let kind: UInt8 = 0x0f
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
