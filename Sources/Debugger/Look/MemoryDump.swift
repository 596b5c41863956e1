import Emulator
import IA32
import Reports

/// What `x` and `xp` show.
struct MemoryDump: Report {
  struct Row {
    var address: UInt64
    var physical: UInt64
    /// Such as " <table+0x8>".
    var symbol: String
    var values: [UInt64]
  }

  var view: MemoryView.Kind
  var format: ExamineFormat
  var rows: [Row] = []
  /// Pages for which the TLB and memory's tables say different things.
  var notes: [String] = []
  /// Why there is no more.
  var problem: String?

  /// Reads as many units as can be read.
  /// - Throws: `ShellError` when not even the first one can be.
  init(_ session: DebuggerSession, at start: UInt64, _ view: MemoryView, _ format: ExamineFormat)
    throws(ShellError)
  {
    self.view = view.kind
    self.format = format
    let mask: UInt64 = view.kind == .physical ? .max : 0xffff_ffff
    var address = start
    var left = format.count
    while left > 0, problem == nil {
      do throws(ShellError) {
        let physical = try view.place(of: address).physical
        var row = Row(address: address, physical: physical, symbol: "", values: [])
        if view.kind != .physical { row.symbol = session.bracketed(UInt32(truncatingIfNeeded: address)) }
        while row.values.count < format.perLine, left > 0 {
          do throws(ShellError) {
            let next = address &+ UInt64(row.values.count * format.unit) & mask
            row.values.append(try MemoryView.value(view.read(next, count: format.unit)[...]))
            left -= 1
          } catch {
            problem = error.message
            break
          }
        }
        if !row.values.isEmpty { rows.append(row) }
        address = address &+ UInt64(format.perLine * format.unit) & mask
      } catch {
        problem = error.message
      }
    }
    if rows.isEmpty, let problem { throw ShellError(problem) }
    if view.kind == .processor { notes = Self.disagreements(session, rows) }
  }

  /// The address behind the last unit.
  var end: UInt64 {
    guard let last = rows.last else { return 0 }
    return last.address &+ UInt64(last.values.count * format.unit)
  }

  private static func disagreements(_ session: DebuggerSession, _ rows: [Row]) -> [String] {
    var notes: [String] = []
    var seen: Set<UInt64> = []
    for row in rows where seen.insert(row.address >> 12).inserted {
      let memory = try? MemoryView(session.machine, .tables).place(of: row.address).physical
      guard memory != row.physical else { continue }
      let page = hexadecimal(row.address & ~0xfff, digits: 8)
      let says = memory.map { "\(PhysicalAddress($0 & ~0xfff))" } ?? "not mapped"
      notes.append(
        "! page \(page) was read at \(PhysicalAddress(row.physical & ~0xfff)), where the processor goes; memory's tables say \(says): see 'walk 0x\(page)'"
      )
    }
    return notes
  }

  var lines: [String] {
    let digits = view == .physical ? 9 : 8
    return rows.map { row in
      "\(hexadecimal(row.address, digits: digits))\(row.symbol):  "
        + row.values.map(format.text).joined(separator: "  ")
    } + notes + (problem.map { ["! \($0)"] } ?? [])
  }

  var json: JSONValue {
    .object([
      .init("view", .string(view.rawValue)), .init("unit", .number(UInt64(format.unit))),
      .init(
        "rows",
        .array(
          rows.map { row in
            .object([
              .init("address", .hex(row.address, digits: view == .physical ? 9 : 8)),
              .init("physical", .physical(row.physical)),
              .init("values", .array(row.values.map { .hex($0, digits: format.unit * 2) })),
            ])
          })), .init("notes", .array(notes.map { .string($0) })), .init("problem", .optional(problem)),
    ])
  }
}

/// What `x/s` shows.
struct StringDump: Report {
  struct Row {
    var address: UInt64
    var bytes: [UInt8]
    /// Whether its end was found.
    var isWhole: Bool
  }

  var rows: [Row] = []
  private static let longest = 256

  /// - Throws: `ShellError` when the first one can't be read.
  init(at start: UInt64, _ view: MemoryView, count: Int) throws(ShellError) {
    var address = start
    while rows.count < count {
      var row = Row(address: address, bytes: [], isWhole: false)
      while row.bytes.count < Self.longest {
        let byte: UInt8
        do throws(ShellError) {
          byte = try view.read(address, count: 1)[0]
        } catch {
          if rows.isEmpty && row.bytes.isEmpty { throw error }
          rows.append(row)
          return
        }
        address = address &+ 1
        if byte == 0 {
          row.isWhole = true
          break
        }
        row.bytes.append(byte)
      }
      rows.append(row)
    }
  }

  var end: UInt64 { rows.last.map { $0.address &+ UInt64($0.bytes.count + ($0.isWhole ? 1 : 0)) } ?? 0 }

  var lines: [String] {
    rows.map {
      "\(hexadecimal($0.address, digits: 8)):  \"\(Self.text($0.bytes))\"\($0.isWhole ? "" : "...")"
    }
  }

  private static func text(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      if byte == UInt8(ascii: "\"") { return "\\\"" }
      return byte == UInt8(ascii: "'") ? "'" : String(ExamineFormat.quoted(byte).dropFirst().dropLast())
    }.joined()
  }

  var json: JSONValue {
    .array(
      rows.map {
        .object([
          .init("address", .hex($0.address, digits: 8)), .init("text", .string(Self.text($0.bytes))),
          .init("whole", .bool($0.isWhole)),
        ])
      })
  }
}
