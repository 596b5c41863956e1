import Emulator
import IA32

/// The address traces of Valgrind's lackey (--trace-mem=yes), which many cache simulators read: "I  addr,size", " L addr,size",
/// " S addr,size". A read-modify-write is one store. Addresses are linear.
public struct LackeyExport: TraceExport {
  /// An export before its first event.
  public init() {}

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    switch event.kind {
    case .instruction:
      Array(
        "I  \(hexadecimal(UInt64(event.moment.linear), digits: 8)),\(event[InstructionFields.length])\n".utf8)
    case .access:
      Array(
        "\(PageAccess.isWrite(number: event[AccessFields.access]) ? " S" : " L") \(hexadecimal(event[AccessFields.linear], digits: 8)),\(event[AccessFields.bytes])\n"
          .utf8)
    default: []
    }
  }
}

/// ChampSim's trace: `input_instr` of its inc/trace_instruction.h, 64 bytes an instruction, uncompressed.
///
/// A branch is what the next instruction shows: one that is not taken looks like no branch. Registers are not known; a taken branch
/// has the instruction pointer for both source and destination, as a direct jump has.
public struct ChampSimExport: TraceExport {
  private static let instructionPointer: UInt8 = 26
  private static let destinations = 2
  private static let sources = 4

  private var linear: UInt32?
  private var next: UInt32 = 0
  private var loads: [UInt64] = []
  private var stores: [UInt64] = []

  /// An export before its first event.
  public init() {}

  public mutating func take(_ event: TraceEvent, number: UInt64, symbol: String?) -> [UInt8] {
    switch event.kind {
    case .instruction:
      let record = finish(isBranch: event.moment.linear != next)
      linear = event.moment.linear
      next = event.moment.linear &+ UInt32(truncatingIfNeeded: event[InstructionFields.length])
      return record
    case .access where linear != nil:
      let address = event[AccessFields.linear]
      if PageAccess.isWrite(number: event[AccessFields.access]) {
        if stores.count < Self.destinations { stores.append(address) }
      } else if loads.count < Self.sources {
        loads.append(address)
      }
      return []
    default: return []
    }
  }

  public mutating func end() -> [UInt8] { finish(isBranch: false) }

  /// The record of the instruction before, now that the next is known.
  private mutating func finish(isBranch: Bool) -> [UInt8] {
    guard let linear else { return [] }
    var record: [UInt8] = []
    record.append(little: UInt64(linear))
    record += isBranch ? [1, 1] : [0, 0]
    record += [isBranch ? Self.instructionPointer : 0, 0]
    record += [isBranch ? Self.instructionPointer : 0, 0, 0, 0]
    for index in 0..<Self.destinations { record.append(little: index < stores.count ? stores[index] : 0) }
    for index in 0..<Self.sources { record.append(little: index < loads.count ? loads[index] : 0) }
    loads.removeAll(keepingCapacity: true)
    stores.removeAll(keepingCapacity: true)
    return record
  }
}
