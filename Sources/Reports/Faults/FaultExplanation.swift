import Emulator
import IA32

/// The last faults in sentences: which access, which entry, which bit, which rule.
public struct FaultExplanation: Report {
  private struct Fault {
    var ordinal: String
    var entry: FaultHistory.Entry
    var place: String
    /// For a page fault: the walk as it is now.
    var walk: WalkReport?
    /// Sentences about the cause.
    var cause: [String]
  }

  private let faults: [Fault]
  private let endedInShutdown: Bool

  /// The chain of faults that `machine` met last.
  ///
  /// - Parameters:
  ///   - lastStore: finds stores of the past; nil where no past is kept.
  ///   - describe: words for a linear address, such as "00100014 kernel_main+0x14 (main.c:12)".
  public init(_ machine: Machine, lastStore: LastStore? = nil, describe: @escaping (UInt32) -> String) {
    let history = machine.faultHistory
    endedInShutdown = history.endedInShutdown
    let ordinals = ["first", "second", "third", "fourth", "fifth", "sixth"]
    let base = machine.registers[SegmentRegister.cs].base
    faults = zip(ordinals, history.entries).map { ordinal, entry in
      var fault = Fault(ordinal: ordinal, entry: entry, place: describe(base &+ entry.eip), cause: [])
      if let delivery = entry.delivery {
        fault.cause = DeliveryCause(machine, describe: describe).lines(entry, delivery)
      }
      if entry.vector == .pageFault {
        let code = PageFaultErrorCode(rawValue: entry.errorCode)
        let walk = WalkReport(
          machine, entry.cr2, PageAccess(PageFaultCause.kind(entry), user: code.contains(.user)))
        fault.walk = walk
        fault.cause +=
          PageFaultCause(entry: entry, walk: walk, describe: describe, lastStore: lastStore).lines
      } else if entry.delivery == nil {
        let instruction = FaultingInstruction(machine, at: entry.eip, registers: history.registers)
        fault.cause = Self.cause(entry, instruction, machine)
      }
      return fault
    }
  }

  /// The address of the last page fault.
  public var linear: UInt32? { faults.last { $0.walk != nil }?.entry.cr2 }
  /// The place of the entry that it ended at.
  public var entryAddress: UInt64? { faults.last { $0.walk != nil }?.walk?.lastEntryAddress }

  public var lines: [String] {
    guard !faults.isEmpty else { return ["there has been no fault"] }
    var lines: [String] = []
    for fault in faults {
      let before = faults.count == 1 ? "" : "\(fault.ordinal): "
      let during =
        fault.entry.delivery.map { ", on the way into the handler of \(DeliveryCause.name($0.vector))" } ?? ""
      lines.append("\(before)\(Self.name(fault.entry)) of the instruction at \(fault.place)\(during)")
      lines += fault.cause.map { "  " + $0 }
    }
    if endedInShutdown {
      lines.append(
        "the fault during the delivery of #DF shut the processor down: a triple fault  [SDM 3A 6.15, interrupt 8]"
      )
    }
    return lines
  }

  private static func name(_ entry: FaultHistory.Entry) -> String {
    guard entry.vector.pushesErrorCode else { return entry.vector.mnemonic }
    return "\(entry.vector.mnemonic)(\(hexadecimal(UInt64(entry.errorCode), digits: 4)))"
  }

  /// Why an instruction raised a fault other than a page fault.
  private static func cause(
    _ entry: FaultHistory.Entry, _ instruction: FaultingInstruction, _ machine: Machine
  ) -> [String] {
    let code = entry.errorCode
    switch entry.vector {
    case .generalProtection, .segmentNotPresent, .stackSegmentFault, .invalidTSS:
      guard code == 0 else {
        let table = code & 2 != 0 ? "the IDT" : code & 4 != 0 ? "the LDT" : "the GDT"
        let source = code & 1 != 0 ? ", during the delivery of an interrupt or of an earlier exception" : ""
        return ["entry \(code >> 3) of \(table)\(source)  [SDM 3A 6.13]"]
      }
      let known = entry.vector == .generalProtection ? ProtectionCause.lines(instruction, machine) : []
      guard known.isEmpty else { return known }
      let bytes = FaultingInstruction.text(instruction.bytes.prefix(8))
      return ["no selector is involved; the instruction begins with \(bytes)  [SDM 3A 6.13]"]
    case .doubleFault:
      return [
        "what the fault before became: two that can't be handled one after the other  [SDM 3A 6.15, table 6-5]"
      ]
    case .invalidOpcode: return UndefinedOpcode.lines(instruction, machine)
    default: return []
    }
  }

  public var json: JSONValue {
    .object([
      .init(
        "faults",
        .array(
          faults.map { fault in
            .object([
              .init("vector", .number(UInt64(fault.entry.vector.rawValue))),
              .init("name", .string(fault.entry.vector.mnemonic)),
              .init("errorCode", .hex(UInt64(fault.entry.errorCode), digits: 4)),
              .init("eip", .linear(fault.entry.eip)), .init("place", .string(fault.place)),
              .init("cycle", .number(fault.entry.cycle)),
              .init("cr2", fault.walk == nil ? .null : .linear(fault.entry.cr2)),
              .init(
                "delivering", fault.entry.delivery.map { .number(UInt64($0.vector)) } ?? .null),
              .init("explanation", .array(fault.cause.map { .string($0) })),
              .init("walk", fault.walk?.json ?? .null),
            ])
          })), .init("shutdown", .bool(endedInShutdown)),
    ])
  }
}
