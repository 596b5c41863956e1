/// All that an instruction of a program can see or change, in one row of bytes: as Tests/VectorHelper has it.
///
/// The bytes are addressed by their place, in vectors' files too.
struct VectorState: Equatable {
  static let size = 1120
  static let dataSize = 640
  static let stackSize = 192

  // MARK: Addresses that programs see

  /// Two pages full of HLT but for the program.
  static let code: UInt32 = 0x42_0000
  /// Where the program begins.
  static let start: UInt32 = 0x42_0800
  /// Where branches go.
  static let landing: UInt32 = 0x42_0a00
  static let data: UInt32 = 0x44_0000
  /// Where most operands are.
  static let operand: UInt32 = 0x44_0040
  static let stack: UInt32 = 0x45_0000
  /// ESP before the program.
  static let stackTop: UInt32 = 0x45_0090

  /// Selectors of Linux for x86-64.
  static let codeSelector: UInt16 = 0x23
  static let dataSelector: UInt16 = 0x2b

  /// No exception but that of the HLT after the program.
  static let noException: UInt8 = 0xff

  // MARK: Places

  enum Place {
    static let eflags = 32
    static let eip = 36
    static let selectors = 40
    static let vector = 52
    static let errorCode = 54
    static let cr2 = 56
    static let control = 64
    static let status = 66
    static let used = 68
    static let mxcsr = 72
    static let registers = 80
    static let xmm = 160
    static let data = 288
    static let operand = 288 + 0x40
    static let stack = 928
    static let stackTop = 928 + 0x90
    static func general(_ number: UInt8) -> Int { 4 * Int(number) }
  }

  var bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Registers of zero, an x87 after FNINIT, everything masked, at the program's beginning.
  init() {
    bytes = [UInt8](repeating: 0, count: Self.size)
    put(Self.stackTop, Place.general(4))
    put(0x202 as UInt32, Place.eflags)
    put(Self.start, Place.eip)
    for segment in 0..<4 {
      put(segment == 1 ? Self.codeSelector : Self.dataSelector, Place.selectors + 2 * segment)
    }
    bytes[Place.vector] = Self.noException
    put(0x37f as UInt16, Place.control)
    put(0x1f80 as UInt32, Place.mxcsr)
  }

  subscript(place: Int) -> UInt8 {
    get { bytes[place] }
    set { bytes[place] = newValue }
  }

  func value<T: FixedWidthInteger & UnsignedInteger>(_ place: Int, as: T.Type = T.self) -> T {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: T.self) }
  }

  mutating func put<T: FixedWidthInteger & UnsignedInteger>(_ value: T, _ place: Int) {
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: place, as: T.self) }
  }

  func general(_ number: UInt8) -> UInt32 { value(Place.general(number)) }
  var eflags: UInt32 { value(Place.eflags) }
  var eip: UInt32 { value(Place.eip) }
  var vector: UInt8 { bytes[Place.vector] }
  var status: UInt16 { value(Place.status) }

  /// The names of what lies at a place.
  static func name(_ place: Int) -> String {
    switch place {
    case 0..<32: ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"][place / 4]
    case 32..<36: "EFLAGS"
    case 36..<40: "EIP"
    case 40..<52: ["ES", "CS", "SS", "DS", "FS", "GS"][(place - 40) / 2]
    case 52: "exception"
    case 54..<56: "error code"
    case 56..<60: "CR2"
    case 64..<66: "control word"
    case 66..<68: "status word"
    case 68: "tags"
    case 72..<76: "MXCSR"
    case 80..<160: "R\((place - 80) / 10)"
    case 160..<288: "XMM\((place - 160) / 16)"
    case 288..<928: "data at \(place - 288)"
    default: "stack at \(place - 928)"
    }
  }
}

/// A change to a state: 32 bits at a place become what a mask leaves of them plus a number.
struct VectorFixup: Equatable {
  var place: Int
  var mask: UInt32
  var addend: UInt32

  func apply(to state: inout VectorState) {
    state.put((state.value(place, as: UInt32.self) & mask) &+ addend, place)
  }
}

/// An instruction's bytes, and what must be true of states before it so that it reaches operands that there are.
struct VectorEncoding: Equatable {
  var bytes: [UInt8]
  var fixups: [VectorFixup]
}

/// A form of an instruction: its encodings, and the pool that its states come from.
struct VectorForm: Equatable {
  /// What a pool's states vary.
  enum Pool: UInt8, CaseIterable {
    case integer, x87, simd
  }

  static let casesPerEncoding = 32

  var name: String
  var pool: Pool
  /// The first state and the step to the next one, in the pool.
  var first: Int
  var stride: Int
  var encodings: [VectorEncoding]

  var cases: Int { encodings.count * Self.casesPerEncoding }

  /// The state before a case.
  func state(encoding: Int, case number: Int, in pool: [VectorState]) -> VectorState {
    let index = (first + stride * (encoding * Self.casesPerEncoding + number)) % pool.count
    var state = pool[index]
    for fixup in encodings[encoding].fixups { fixup.apply(to: &state) }
    return state
  }
}
