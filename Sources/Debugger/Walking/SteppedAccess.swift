import Emulator
import IA32
import Reports

/// An access whose translation is being stepped through: the steps so far.
struct SteppedAccess {
  struct Row {
    /// The clock when the step had been taken, and what it took.
    var cycle: UInt64
    var cycles: UInt64
    /// Such as "DTLB 4K" or "PTE[0]".
    var name: String
    /// Such as "set 0" or "mem 000105000".
    var source: String
    /// The entry, in hexadecimal digits; empty where there is none.
    var value: String
    var meaning: String
    /// What the row's reader should know.
    var finding: Finding?
  }

  let linear: UInt32
  let access: PageAccess
  /// When the access asked for its translation, and where.
  let moment: EventMoment
  private(set) var rows: [Row] = []
  private(set) var reads = 0
  private(set) var writes = 0
  /// How it ended; nil while it goes on.
  private(set) var outcome: String?
  private var last: UInt64

  init(_ linear: UInt32, _ access: PageAccess, at moment: EventMoment) {
    self.linear = linear
    self.access = access
    self.moment = moment
    last = moment.cycle
  }

  /// Whether the last step belonged to a walk.
  private(set) var isWalking = false

  mutating func add(_ step: TranslationStep, at moment: EventMoment, _ machine: Machine) {
    let control = machine.pagingControl
    var row = Row(
      cycle: moment.cycle, cycles: moment.cycle &- last, name: "", source: "", value: "", meaning: "")
    last = moment.cycle
    switch step {
    case .begins: return
    case .probe(let array, let set, let way):
      row.name = array.rawValue
      row.source = "set \(set)" + (way.map { " way \($0)" } ?? "")
      row.meaning = way == nil ? "miss" : "hit"
    case .cachedDirectoryEntry(let entry):
      isWalking = true
      row.name = "PDE cache"
      row.source = "from \(PhysicalAddress(entry.address))"
      row.value = hexadecimal(entry.value, digits: control.mode == .pae ? 16 : 8)
      row.meaning = "the walk begins at its table"
    case .walk(let step):
      isWalking = true
      note(step, machine, &row)
    case .fill(let array, let set, let way):
      row.name = "fill"
      row.source = "\(array.rawValue) set \(set) way \(way)"
      row.meaning = filled(array, machine)
    case .fault(let code):
      row.name = "#PF"
      row.meaning = "error code \(EntryText.code(code)), CR2 = \(LinearAddress(linear))"
      outcome = "#PF \(EntryText.code(code))"
    case .ends(let physical):
      outcome = "PA \(PhysicalAddress(physical))"
      return
    }
    rows.append(row)
  }

  private mutating func note(_ step: PageWalk.Step, _ machine: Machine, _ row: inout Row) {
    let control = machine.pagingControl
    row.name = EntryName.text(step.level, linear, control)
    row.source = step.address.map { "mem \(PhysicalAddress($0))" } ?? "register"
    row.value = hexadecimal(step.value, digits: control.mode == .pae ? 16 : 8)
    if step.verdict == .updated {
      writes += 1
      let isDirtied = EntryText.isLeaf(step, control) && step.value & EntryBit.dirty != 0
      row.name = isDirtied ? "set A,D" : "set A"
      row.meaning = "locked read-modify-write of the \(step.level.name)"
      return
    }
    if step.address != nil { reads += 1 }
    row.meaning = EntryText.meaning(step, control)
    if case .forbidden(let right) = step.verdict {
      row.meaning +=
        right.isTaken(by: step) ? "  \(step.verdict.text)" : "  an entry above it forbids the access"
    }
    if step.level == .pdpte && control.mode == .pae {
      row.finding = PointerTable(machine).finding(at: Int(linear >> 30))
    }
  }

  private func filled(_ array: TLBArrayName, _ machine: Machine) -> String {
    guard let (_, line) = machine.lookUp(LinearAddress(linear), fetch: access.kind == .fetch) else {
      return ""
    }
    let translation = line.entry.translation
    return
      "-> \(PhysicalAddress(translation.frame))  \(EntryText.rights(translation))  \(EntryText.size(isLarge: translation.isLarge, machine.pagingControl))"
  }

  // MARK: Text

  /// What is printed before the first step.
  var title: String { "\(EntryText.access(access)) of \(LinearAddress(linear))" }

  static let header = "  #  cycle        +    step       source                 value             meaning"

  /// The row of a step, and a line below it if there is something to know.
  func lines(of index: Int) -> [String] {
    let row = rows[index]
    let number = String(index + 1)
    var line = String(repeating: " ", count: max(0, 3 - number.count)) + number + "  "
    line += String(row.cycle).padded(to: 11) + "  +" + String(row.cycles).padded(to: 4)
    line += row.name.padded(to: 11) + row.source.padded(to: 23) + row.value.padded(to: 18) + row.meaning
    return [line.trimmedRight] + (row.finding.map { ["     " + $0.line] } ?? [])
  }

  /// The last line.
  var summary: String {
    let plural = { (count: Int, word: String) in "\(count) \(word)\(count == 1 ? "" : "s")" }
    return
      " = \(outcome ?? "unfinished")   \(plural(Int(last &- moment.cycle), "cycle"))   \(plural(reads, "read")) \(plural(writes, "write"))"
  }
}

extension SteppedAccess: Report {
  var lines: [String] {
    [title, Self.header] + rows.indices.flatMap { lines(of: $0) } + [summary]
  }

  var json: JSONValue {
    .object([
      .init("linear", .linear(linear)), .init("access", .string(EntryText.access(access))),
      .init("eip", .linear(moment.eip)), .init("cycle", .number(moment.cycle)),
      .init(
        "steps",
        .array(
          rows.map { row in
            .object([
              .init("cycle", .number(row.cycle)), .init("cycles", .number(row.cycles)),
              .init("step", .string(row.name)), .init("source", .string(row.source)),
              .init("value", row.value.isEmpty ? .null : .string(row.value)),
              .init("meaning", .string(row.meaning)), .init("finding", row.finding?.json ?? .null),
            ])
          })), .init("outcome", .optional(outcome)),
      .init("reads", .number(UInt64(reads))), .init("writes", .number(UInt64(writes))),
    ])
  }
}
