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
  }

  private let faults: [Fault]
  private let endedInShutdown: Bool

  /// The chain of faults that `machine` met last.
  /// - Parameter describe: words for a linear address, such as "00100014 kernel_main+0x14 (main.c:12)".
  public init(_ machine: Machine, describe: (UInt32) -> String) {
    let history = machine.faultHistory
    endedInShutdown = history.endedInShutdown
    let ordinals = ["first", "second", "third", "fourth"]
    faults = zip(ordinals, history.entries).map { ordinal, entry in
      var walk: WalkReport?
      if entry.vector == .pageFault {
        let code = PageFaultErrorCode(rawValue: entry.errorCode)
        walk = WalkReport(machine, entry.cr2, PageAccess(Self.kind(entry), user: code.contains(.user)))
      }
      return Fault(ordinal: ordinal, entry: entry, place: describe(entry.eip), walk: walk)
    }
  }

  /// The address of the last page fault.
  public var linear: UInt32? { faults.last { $0.walk != nil }?.entry.cr2 }
  /// The place of the entry that it ended at.
  public var entryAddress: UInt64? { faults.last { $0.walk != nil }?.walk?.lastEntryAddress }

  public var lines: [String] {
    guard !faults.isEmpty else { return ["there has been no fault"] }
    var lines: [String] = []
    for (index, fault) in faults.enumerated() {
      let before = faults.count == 1 ? "" : "\(fault.ordinal): "
      let during = index == 0 ? "" : ", while the one before was delivered"
      lines.append("\(before)\(Self.name(fault.entry)) of the instruction at \(fault.place)\(during)")
      lines += Self.explain(fault).map { "  " + $0 }
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

  private static func explain(_ fault: Fault) -> [String] {
    let code = fault.entry.errorCode
    switch fault.entry.vector {
    case .pageFault: return fault.walk.map { pageFault(fault.entry, $0) } ?? []
    case .generalProtection, .segmentNotPresent, .stackSegmentFault, .invalidTSS:
      guard code != 0 else { return ["no selector is involved  [SDM 3A 6.13]"] }
      let table = code & 2 != 0 ? "the IDT" : code & 4 != 0 ? "the LDT" : "the GDT"
      let source = code & 1 != 0 ? ", during the delivery of an interrupt or of an earlier exception" : ""
      return ["entry \(code >> 3) of \(table)\(source)  [SDM 3A 6.13]"]
    case .doubleFault: return ["a fault during the delivery of another one  [SDM 3A 6.15, table 6-5]"]
    case .invalidOpcode: return ["the bytes there are no instruction that this processor has  [SDM 3A 6.15]"]
    default: return []
    }
  }

  /// What faulted. Without NX the error code does not tell a fetch from a read: the address does.
  private static func kind(_ entry: FaultHistory.Entry) -> PageAccess.Kind {
    let code = PageFaultErrorCode(rawValue: entry.errorCode)
    if code.contains(.write) { return .write }
    return code.contains(.instructionFetch) || entry.cr2 &- entry.eip < 15 ? .fetch : .read
  }

  private static func pageFault(_ entry: FaultHistory.Entry, _ walk: WalkReport) -> [String] {
    let code = PageFaultErrorCode(rawValue: entry.errorCode)
    let kind =
      switch Self.kind(entry) {
      case .read: "read"
      case .write: "write"
      case .fetch: "fetch"
      }
    let mode = code.contains(.user) ? "user" : "supervisor"
    let reason =
      code.contains(.reservedBit)
      ? "an entry has a reserved bit set"
      : code.contains(.present) ? "the page is there and does not allow it" : "an entry is not present"
    var lines = [
      "a \(mode) \(kind) at \(LinearAddress(entry.cr2)): \(reason), error code \(EntryText.code(code))  [SDM 3A 4.7]"
    ]
    guard walk.control.mode != .off else {
      return lines + ["paging is off now: the tables of that time are not in force"]
    }
    switch walk.outcomeInMemory {
    case .fault(let now, let why, let section):
      let verb = now == code ? "the cause" : "the tables have changed since; now"
      lines.append("\(verb): \(why)  [\(section)]")
    case .physical(let address):
      lines.append(
        "the tables have changed since: memory now gives \(PhysicalAddress(address)) for this access, or the TLB had an entry with fewer rights, which the fault has dropped  [SDM 3A 4.10.4.1]"
      )
    }
    return lines + walk.entryLines + walk.findings.map { " " + $0.line }
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
              .init("cr2", fault.walk == nil ? .null : .linear(fault.entry.cr2)),
              .init("explanation", .array(Self.explain(fault).map { .string($0) })),
              .init("walk", fault.walk?.json ?? .null),
            ])
          })), .init("shutdown", .bool(endedInShutdown)),
    ])
  }
}
