import Emulator
import IA32

/// The last store to a few bytes of physical memory, where it is known.
///
/// - Parameters:
///   - address: the physical address.
///   - since: the cycle after which it came.
public typealias LastStore = (_ address: UInt64, _ since: UInt64) -> EventMoment?

/// Why an access raised #PF: what was accessed, which entry forbids it, and what became of the tables since.
struct PageFaultCause {
  let entry: FaultHistory.Entry
  /// The walk as it is now.
  let walk: WalkReport
  let describe: (UInt32) -> String
  let lastStore: LastStore?

  /// What faulted. Without NX the error code does not tell a fetch from a read: the address does.
  static func kind(_ entry: FaultHistory.Entry) -> PageAccess.Kind {
    let code = PageFaultErrorCode(rawValue: entry.errorCode)
    if code.contains(.write) { return .write }
    if code.contains(.instructionFetch) { return .fetch }
    return entry.delivery == nil && entry.cr2 &- entry.eip < 15 ? .fetch : .read
  }

  var lines: [String] {
    let code = PageFaultErrorCode(rawValue: entry.errorCode)
    let access = EntryText.access(PageAccess(Self.kind(entry), user: code.contains(.user)))
    let reason =
      code.contains(.reservedBit)
      ? "an entry has a reserved bit set"
      : code.contains(.present) ? "the page is there and does not allow it" : "an entry is not present"
    var lines = [
      "a \(access) at \(LinearAddress(entry.cr2)): \(reason), error code \(EntryText.code(code))  [SDM 3A 4.7]"
    ]
    guard walk.control.mode != .off else {
      return lines + ["paging is off now: the tables of that time are not in force"]
    }
    switch walk.outcomeInMemory {
    case .fault(let now, let why, let section):
      let verb = now == code ? "the cause" : "the tables have changed since; now"
      lines.append("\(verb): \(why)  [\(section)]")
    case .physical(let address):
      if let refusal = entry.refusal {
        lines += spurious(refusal)
      } else {
        lines.append(
          "the tables have changed since the fault: memory now gives \(PhysicalAddress(address)) for this access  [SDM 3A 4.10.4.3]"
        )
      }
    }
    return lines + walk.entryLines + walk.findings.map { " " + $0.line }
  }

  // MARK: A right that memory gives and the TLB did not

  private func spurious(_ refusal: TLBRefusal) -> [String] {
    let held = refusal.translation
    var missing: [String] = []
    if let now = walk.memory.translation {
      if !held.isWritable && now.isWritable { missing.append("writing") }
      if !held.isUser && now.isUser { missing.append("user mode") }
      if held.isNoExecute && !now.isNoExecute { missing.append("execution") }
    }
    let right = missing.isEmpty ? "this access" : missing.joined(separator: " and ")
    var cause =
      "the cause: the \(refusal.array.rawValue) entry filled at cycle \(refusal.filledAt) did not allow \(right), and memory, which was widened"
    if let moment = widening(refusal) {
      cause += " at cycle \(moment.cycle) by \(describe(moment.linear))"
    } else {
      cause += " since"
    }
    cause += ", does"
    return [
      "\(cause)  [SDM 3A 4.10.4.3]",
      "the manual allows this fault once, and it has dropped the entry: it takes a handler that returns, or INVLPG \(LinearAddress(entry.cr2 & ~0xfff)) after the change",
    ]
  }

  private func widening(_ refusal: TLBRefusal) -> EventMoment? {
    guard let lastStore else { return nil }
    let places = [refusal.translation.leafAddress, refusal.translation.directoryEntryAddress]
    return places.compactMap { lastStore($0, refusal.filledAt) }.max { $0.cycle < $1.cycle }
  }
}
