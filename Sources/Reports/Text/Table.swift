import Emulator
import IA32

/// Rows of cells under titles: aligned text for people, an array of objects for programs.
public struct Table: Report, Sendable {
  /// A column.
  public struct Column: Sendable {
    /// The member's name in JSON.
    public var key: String
    /// What stands above it; titles are left out when all are empty.
    public var title: String
    /// Whether its cells are aligned at their right.
    public var isRight = false

    /// - Parameter title: the key for nil.
    public init(_ key: String, _ title: String? = nil, right: Bool = false) {
      self.key = key
      self.title = title ?? key
      isRight = right
    }
  }

  /// What stands in a column of a row, in both forms.
  public struct Cell: Sendable {
    /// For people.
    public var text: String
    public var json: JSONValue

    /// A cell that says the same in both forms.
    public init(_ text: String, _ json: JSONValue) {
      self.text = text
      self.json = json
    }

    /// A word.
    public static func text(_ text: String) -> Cell { Cell(text, .string(text)) }
    /// A count.
    public static func number(_ value: UInt64) -> Cell { Cell(String(value), .number(value)) }
    /// A count from 0 on.
    public static func number(_ value: Int) -> Cell { number(UInt64(max(0, value))) }
    /// A linear address.
    public static func linear(_ address: UInt32) -> Cell {
      Cell(hexadecimal(UInt64(address), digits: 8), .linear(address))
    }
    /// A physical address.
    public static func physical(_ address: UInt64) -> Cell {
      Cell(hexadecimal(address, digits: 9), .physical(address))
    }
    /// A paging-structure entry.
    public static func entry(_ value: UInt64) -> Cell { Cell(hexadecimal(value, digits: 16), .entry(value)) }
    /// Nothing; null in JSON.
    public static let none = Cell("", .null)
  }

  /// The columns, from the left.
  public var columns: [Column]
  /// The rows, each with as many cells as there are columns.
  public var rows: [[Cell]] = []
  /// What to say when there are no rows.
  public var empty: String

  /// - Parameter empty: what to say when there are no rows.
  public init(_ columns: [Column], empty: String) {
    self.columns = columns
    self.empty = empty
  }

  public var lines: [String] {
    guard !rows.isEmpty else { return [empty] }
    let titles = columns.map(\.title)
    let texts = (titles.allSatisfy(\.isEmpty) ? [] : [titles]) + rows.map { $0.map(\.text) }
    return TextTable.lines(texts, rightAligned: Set(columns.indices.filter { columns[$0].isRight }))
  }

  public var json: JSONValue {
    .array(
      rows.map { row in
        .object(zip(columns, row).map { JSONValue.Member($0.key, $1.json) })
      })
  }
}
