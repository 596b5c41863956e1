import Emulator
import IA32
import Reports

/// `diff-pt`: which pages were mapped otherwise at two moments, by memory's tables.
struct MappingDifference: Report {
  /// A page as the tables gave it.
  struct Page: Hashable {
    var frame: UInt64
    var bytes: UInt64
    var rights: String
  }

  /// All pages, by linear address.
  struct Mapping {
    var pages: [UInt32: Page] = [:]

    init(_ machine: Machine) {
      let control = machine.pagingControl
      var pages: [UInt32: Page] = [:]
      TableScan(machine).forEachPage(in: 0...UInt32.max) { linear, bytes, found in
        if case .page(let translation) = found {
          let size = EntryText.size(isLarge: translation.isLarge, control)
          pages[linear] = Page(
            frame: translation.frame, bytes: bytes, rights: "\(size) \(EntryText.rights(translation))")
        }
        return true
      }
      self.pages = pages
    }
  }

  struct Row: Hashable {
    var linear: UInt32
    var bytes: UInt64
    var old: Page?
    var new: Page?
  }

  let cycles: (UInt64, UInt64)
  private(set) var rows: [Row] = []
  private static let limit = 40

  init(_ old: Mapping, at first: UInt64, _ new: Mapping, at second: UInt64) {
    cycles = (first, second)
    for linear in Set(old.pages.keys).union(new.pages.keys).sorted() {
      let (before, after) = (old.pages[linear], new.pages[linear])
      guard before != after else { continue }
      let row = Row(linear: linear, bytes: (after ?? before)?.bytes ?? 4096, old: before, new: after)
      if let last = rows.last, Self.continues(last, row) {
        rows[rows.count - 1].bytes += row.bytes
      } else {
        rows.append(row)
      }
    }
  }

  /// Whether `row` is the next page of the same change, to the next frames.
  private static func continues(_ last: Row, _ row: Row) -> Bool {
    func follows(_ a: Page?, _ b: Page?) -> Bool {
      switch (a, b) {
      case (nil, nil): true
      case (let a?, let b?): a.frame + last.bytes == b.frame && a.rights == b.rights && a.bytes == b.bytes
      default: false
      }
    }
    return UInt64(last.linear) + last.bytes == UInt64(row.linear) && follows(last.old, row.old)
      && follows(last.new, row.new)
  }

  var lines: [String] {
    guard !rows.isEmpty else { return ["the tables map the same at cycles \(cycles.0) and \(cycles.1)"] }
    func text(_ page: Page?) -> String {
      page.map { "\(PhysicalAddress($0.frame)) \($0.rights)" } ?? "not mapped"
    }
    var table = Table([.init("linear"), .init("before"), .init("arrow"), .init("after")], empty: "")
    table.columns.indices.forEach { table.columns[$0].title = "" }
    for row in rows.prefix(Self.limit) {
      let end = UInt32(truncatingIfNeeded: UInt64(row.linear) + row.bytes - 1)
      table.rows.append([
        .text("\(LinearAddress(row.linear))-\(LinearAddress(end))"), .text(text(row.old)), .text("->"),
        .text(text(row.new)),
      ])
    }
    let rest = rows.count - Self.limit
    return table.lines + (rest > 0 ? ["and \(rest) more"] : [])
  }

  var json: JSONValue {
    func json(_ page: Page?) -> JSONValue {
      page.map { .object([.init("physical", .physical($0.frame)), .init("rights", .string($0.rights))]) }
        ?? .null
    }
    return .object([
      .init("cycles", .array([.number(cycles.0), .number(cycles.1)])),
      .init(
        "changes",
        .array(
          rows.map { row in
            .object([
              .init("linear", .linear(row.linear)), .init("bytes", .number(row.bytes)),
              .init("before", json(row.old)), .init("after", json(row.new)),
            ])
          })),
    ])
  }
}
