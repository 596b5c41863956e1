import FloatingPoint
import IA32
import TestSupport

/// Holds what the emulator made of a state against what a processor made of it.
struct VectorComparison {
  let row: OpcodeRow
  /// The row's index in the opcode table.
  let number: UInt32
  private let instruction: Instruction

  /// nil where the bytes are no instruction.
  init?(_ bytes: [UInt8]) {
    let decoded = (bytes + [UInt8](repeating: 0, count: 15)).withUnsafeBytes {
      Decoder.decode($0, mode: .bits32)
    }
    guard case .instruction(let instruction) = decoded else { return nil }
    self.instruction = instruction
    row = OpcodeTable.row(of: instruction)
    number = UInt32(instruction.row)
  }

  static let transcendentals: Set<Operation> = [
    .x87(.f2xm1), .x87(.fyl2x), .x87(.fyl2xp1), .x87(.fptan), .x87(.fpatan), .x87(.fsin), .x87(.fcos),
    .x87(.fsincos),
  ]

  private var isTranscendental: Bool { Self.transcendentals.contains(row.operation) }
  private var isEstimate: Bool {
    switch row.operation {
    case .sse(.rcp, _), .sse(.rsqrt, _): true
    default: false
    }
  }

  // MARK: Flags

  /// The flags that the manual leaves open for this instruction and these operands.
  func undefinedFlags(_ before: VectorState) -> UInt32 {
    let open = row.record.flags.undefined.rawValue
    guard case .shift(let operation) = row.operation else { return open }
    var count = row.operandCodes.last == .one ? 1 : instruction.immediate & 31
    if row.operandCodes.last == .CL { count = before.general(1) & 31 }
    if count == 0 { return 0 }
    let width: UInt32 = row.flags.contains(.byteOperation) ? 8 : instruction.operandSize == 2 ? 16 : 32
    let adjust = open & EFLAGS.adjust.rawValue
    if operation == .shld || operation == .shrd {
      // A count above the size leaves everything open, the result included.
      return count > width ? EFLAGS.arithmetic.rawValue : count == 1 ? adjust : adjust | 0x800
    }
    let carry: UInt32 = [.shl, .shr].contains(operation) && count >= width ? open & 1 : 0
    return adjust | carry | (count == 1 ? 0 : open & 0x800)
  }

  // MARK: Places

  /// Where the operand in memory begins.
  private func operandPlace(_ before: VectorState) -> Int? {
    guard instruction.op0.kind == .memory || instruction.op1.kind == .memory else { return nil }
    let memory = instruction.memory
    var address = memory.displacement
    if memory.base != MemoryOperand.noRegister { address &+= before.general(memory.base) }
    if memory.index != MemoryOperand.noRegister {
      address &+= before.general(memory.index) << UInt32(memory.scale)
    }
    let offset = address &- VectorState.data
    return offset < UInt32(VectorState.dataSize) ? VectorState.Place.data + Int(offset) : nil
  }

  /// Places that the manual leaves open, or that are not what is compared here.
  private func leftOut(_ ours: VectorState, _ before: VectorState) -> Set<Int> {
    var places = Set<Int>()
    let operand = operandPlace(before)
    func leaveOut(_ range: Range<Int>) {
      if let operand { places.formUnion(range.map { operand + $0 }) }
    }
    switch row.operation {
    // Pointers and opcode, and what is reserved.
    case .x87(.fxsave):
      leaveOut(6..<24)
      leaveOut(28..<32)
      for register in 0..<8 { leaveOut(42 + 16 * register..<48 + 16 * register) }
      leaveOut(288..<512)
    case .x87(.fnsave), .x87(.fnstenv): leaveOut(instruction.operandSize == 2 ? 6..<14 : 12..<28)
    case .shift(.shld), .shift(.shrd):
      if undefinedFlags(before) == EFLAGS.arithmetic.rawValue {
        return Set(0..<32).union(leftOutOperand(before))
      }
    // Of a source of zero the manual leaves the destination open.
    // The manual: a zero-extended doubleword, or 16 bits of it written. AMD's processors do the first, P6 processors the other.
    case .segment(.pushSegment) where instruction.operandSize == 4:
      places = [VectorState.Place.stackTop - 2, VectorState.Place.stackTop - 1]
    // Bits 16 to 19: "00FxFF00h, where x indicates that the four corresponding bits are undefined".
    case .descriptor(.lar): places = [Int(instruction.op0.index) * 4 + 2]
    default: break
    }
    return places
  }

  /// What the processor that was asked does and the manual does not say, by row; docs/fidelity.md lists these.
  private func isOtherwise(_ ours: VectorState, _ host: VectorState, _ before: VectorState) -> Bool {
    switch row.operation {
    // I/O privilege is checked though there is nothing to repeat.
    case .string(.ins), .string(.outs):
      !instruction.prefixes.isDisjoint(with: [.rep, .repne]) && before.general(1) == 0 && host.vector == 13
    // No alignment check. SDM vol. 3A, table 6-7 has these.
    case .x87(.frstor), .x87(.fnsave): ours.vector == 17 && host.vector != 17
    // "Treatment of #AC varies": here eight bytes at a time are checked, there sixteen. SDM vol. 2, table 2-21.
    case .simdMove(.movups), .simdMove(.movupd), .simdMove(.movdqu):
      ours.vector == VectorState.noException && host.vector == 17
    // Which of the two comes is open where both may. SDM vol. 2A, FXRSTOR and FXSAVE.
    case .x87(.fxrstor), .x87(.fxsave): ours.vector == 13 && host.vector == 17
    // Out of their ranges: |x| above 1, and above 1 - sqrt(2)/2.
    case .x87(.f2xm1): exponent(before) >= 0x3fff
    case .x87(.fyl2xp1): exponent(before) > 0x3ffc
    default: false
    }
  }

  /// The exponent of ST(0).
  private func exponent(_ state: VectorState) -> UInt16 {
    let register = Int(state.status >> 11 & 7)
    return state.value(VectorState.Place.registers + 10 * register + 8, as: UInt16.self) & 0x7fff
  }

  /// What processors' reduction by a pi of 66 bits may be wrong by, in units of the last place.
  private func reductionError(_ ours: VectorState, _ before: VectorState) -> UInt64 {
    guard [.x87(.fsin), .x87(.fcos), .x87(.fsincos), .x87(.fptan)].contains(row.operation) else { return 2 }
    let argument = Int(exponent(before)) - 0x3fff
    var smallest = Int.max
    var greatest = Int.min
    for register in 0..<8 {
      let place = VectorState.Place.registers + 10 * register
      guard ours.bytes[place..<place + 10] != before.bytes[place..<place + 10] else { continue }
      let exponent = Int(ours.value(place + 8, as: UInt16.self) & 0x7fff) - 0x3fff
      smallest = min(smallest, exponent)
      greatest = max(greatest, exponent)
    }
    guard smallest < Int.max else { return 2 }
    // A tangent changes faster the greater it is.
    let bits = argument - smallest + 1 + (row.operation == .x87(.fptan) ? max(0, 2 * greatest + 2) : 0)
    return bits < 1 ? 4 : bits >= 62 ? .max : 4 + 1 << UInt64(bits)
  }

  private func leftOutOperand(_ before: VectorState) -> Set<Int> {
    guard let operand = operandPlace(before) else { return [] }
    return Set(operand..<operand + 4)
  }

  /// Places that differ, of those that count.
  func differences(_ ours: VectorState, _ host: VectorState, _ before: VectorState) -> [Int] {
    if ours.bytes == host.bytes || isOtherwise(ours, host, before) { return [] }
    var (ours, host) = (ours, host)
    if ours.vector == VectorState.noException {
      let open = undefinedFlags(before)
      ours.put(ours.eflags & ~open, VectorState.Place.eflags)
      host.put(host.eflags & ~open, VectorState.Place.eflags)
    }
    let status = leftOutStatus(before)
    ours.put(ours.status & ~status, VectorState.Place.status)
    host.put(host.status & ~status, VectorState.Place.status)
    var places = (0..<VectorState.size).filter { ours.bytes[$0] != host.bytes[$0] }
    if places.isEmpty { return [] }
    let leftOut = leftOut(ours, before)
    places.removeAll { leftOut.contains($0) }
    if isTranscendental, let distance = distance(ours, host), distance <= reductionError(ours, before) {
      places.removeAll { (VectorState.Place.registers..<VectorState.Place.xmm).contains($0) }
    }
    if isEstimate, estimatesAreClose(ours, host) {
      places.removeAll { (VectorState.Place.xmm..<VectorState.Place.data).contains($0) }
    }
    // From memory CVTPI2PS makes the transition to MMX by the manual, and not on AMD's processors.
    if row.operation == .simdConversion(.cvtpi2ps), instruction.op1.kind == .memory {
      places.removeAll {
        [VectorState.Place.status, VectorState.Place.status + 1, VectorState.Place.used].contains($0)
      }
    }
    return places
  }

  /// Bits of the status word that processors and the manual see otherwise.
  private func leftOutStatus(_ before: VectorState) -> UInt16 {
    // C1 says how the value was rounded, and PE, with ES and B where it is not masked, whether.
    if isTranscendental { return 0x82a0 }
    return switch row.operation {
    // FCOMI and its kin clear C1 by the manual; AMD's processors leave it.
    case .x87(.fcomi), .x87(.fcomip), .x87(.fucomi), .x87(.fucomip): 0x200
    default: 0
    }
  }

  // MARK: Values

  /// How far apart values in the x87's registers are, in units of the last place; nil where there is nothing to be told.
  func distance(_ ours: VectorState, _ host: VectorState) -> UInt64? {
    guard isTranscendental else { return nil }
    var greatest: UInt64 = 0
    for register in 0..<8 {
      let place = VectorState.Place.registers + 10 * register
      let (a, b) = (ours.value(place, as: UInt64.self), host.value(place, as: UInt64.self))
      let (c, d) = (ours.value(place + 8, as: UInt16.self), host.value(place + 8, as: UInt16.self))
      if a == b && c == d { continue }
      // Both as one number, as far as the exponents are neighbours.
      if c == d {
        greatest = max(greatest, a > b ? a - b : b - a)
      } else if c &+ 1 == d || d &+ 1 == c {
        let (low, high) = c < d ? (a, b) : (b, a)
        greatest = max(greatest, (0 &- low) &+ 2 &* (high &- 1 << 63))
      } else {
        greatest = .max
      }
    }
    return greatest
  }

  private func estimatesAreClose(_ ours: VectorState, _ host: VectorState) -> Bool {
    for place in stride(from: VectorState.Place.xmm, to: VectorState.Place.data, by: 4) {
      let (one, other) = (ours.value(place, as: UInt32.self), host.value(place, as: UInt32.self))
      if one == other { continue }
      let (a, b) = (Double(Float(bitPattern: one)), Double(Float(bitPattern: other)))
      // A result below the normal numbers is zero here; the manual leaves it open.
      if abs(a) <= 0x1p-126 && abs(b) <= 0x1p-125 { continue }
      if !(abs(a - b) <= abs(b) * 0x1.8p-11) { return false }
    }
    return true
  }

  // MARK: Without an instruction

  /// Places that differ, all of them.
  static func differences(_ ours: VectorState, _ host: VectorState) -> [Int] {
    ours.bytes == host.bytes ? [] : (0..<VectorState.size).filter { ours.bytes[$0] != host.bytes[$0] }
  }

  /// What differs, in words.
  static func text(_ places: [Int], _ before: VectorState, _ ours: VectorState, _ host: VectorState) -> String
  {
    var names: [String] = []
    for place in places where names.last != VectorState.name(place) { names.append(VectorState.name(place)) }
    let first = places[0] / 4 * 4
    func word(_ state: VectorState) -> String { hexDigits(state.value(first, as: UInt32.self)) }
    func vector(_ state: VectorState) -> String {
      state.vector == VectorState.noException ? "none" : "\(state.vector)"
    }
    return
      "\(names.prefix(6).joined(separator: ", ")); at \(first) before \(word(before)), ours \(word(ours)), "
      + "host \(word(host)); exceptions \(vector(ours)), \(vector(host)); EIP \(hexDigits(ours.eip)), "
      + "\(hexDigits(host.eip)); EFLAGS \(hexDigits(before.eflags)), \(hexDigits(ours.eflags)), "
      + "\(hexDigits(host.eflags)); EAX \(hexDigits(before.general(0))), ECX \(hexDigits(before.general(1))), EDX \(hexDigits(before.general(2)))"
  }
}
