import Emulator
import IA32
import Reports

/// `info pg`: the entries on the way to each page of a range, the upper levels once.
struct EntryListing: Report {
  private struct Row {
    var linear: UInt32
    var step: PageWalk.Step
    var address: UInt64
    /// Entries like this one that follow, each mapping the next page to the next frame.
    var more: UInt32 = 0
  }

  private var rows: [Row] = []
  private let control: PagingControl
  private var isCut = false

  init(_ machine: Machine, _ range: ClosedRange<UInt32>, atMost limit: Int) {
    let control = machine.pagingControl
    self.control = control
    let cr3 = machine.registers.cr3
    var rows: [Row] = []
    var isCut = false
    var shown: Set<UInt64> = []
    TableScan(machine).forEachPage(in: range) { linear, _, _ in
      let result = machine.walk(LinearAddress(linear), PageAccess(.read, user: false))
      for (index, step) in result.steps.enumerated() {
        let address = step.place(cr3: cr3, linear)
        let isLast = index == result.steps.count - 1
        // Upper levels serve many pages.
        if !isLast && !shown.insert(address << 2 | UInt64(step.level.rawValue)).inserted { continue }
        if isLast, let last = rows.last, Self.follows(last, step, linear, control) {
          rows[rows.count - 1].more += 1
        } else if rows.count == limit {
          isCut = true
          return false
        } else {
          rows.append(Row(linear: linear, step: step, address: address))
        }
      }
      return true
    }
    self.rows = rows
    self.isCut = isCut
  }

  /// Whether `step` is the next entry of the same table, and maps the next frame with the same bits.
  private static func follows(_ row: Row, _ step: PageWalk.Step, _ linear: UInt32, _ control: PagingControl)
    -> Bool
  {
    guard row.step.level == step.level, step.verdict == .maps, row.step.verdict == .maps else { return false }
    let bytes: UInt64 = step.level == .pde ? 1 << UInt64(control.largePageShift) : 4096
    let next = UInt64(row.more) + 1
    return UInt64(row.linear) + next * bytes == UInt64(linear)
      && row.step.value &+ next &* bytes == step.value
  }

  private func isLeaf(_ row: Row) -> Bool { row.step.verdict == .maps || row.step.level == .pte }

  var lines: [String] {
    guard !rows.isEmpty else { return ["nothing is mapped there"] }
    return rows.map { row in
      let indent = row.step.level == .pdpte ? "" : row.step.level == .pde ? "  " : "    "
      let index = EntryName.index(row.step.level, row.linear, control)
      let name = "\(row.step.level.name)[\(index)\(row.more > 0 ? "-\(index + row.more)" : "")]"
      let value = hexadecimal(row.step.value, digits: control.mode == .pae ? 16 : 8)
      let bits = EntryText.bits(row.step.value, level: row.step.level, isLeaf: isLeaf(row))
      var text =
        "\((indent + name).padded(to: 18)) \(LinearAddress(row.linear))  \(PhysicalAddress(row.address))  \(value)  \(bits)"
      if case .reservedBits = row.step.verdict { text += "  ! \(row.step.verdict.text)" }
      return text
    } + (isCut ? ["there is more: name the range, as in 'info pg FROM TO'"] : [])
  }

  var json: JSONValue {
    .array(
      rows.map { row in
        .object([
          .init("entry", .string(EntryName.text(row.step.level, row.linear, control))),
          .init("linear", .linear(row.linear)), .init("address", .physical(row.address)),
          .init("value", .entry(row.step.value)), .init("following", .number(UInt64(row.more))),
          .init("verdict", .string(row.step.verdict.text)),
        ])
      })
  }
}
