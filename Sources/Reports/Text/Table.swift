import Emulator
import IA32

/// Rows of cells under titles: aligned text for people, an array of objects for programs.
public struct Table: Report, Sendable {
  public struct Column: Sendable {
    /// The member's name in JSON.
    public var key: String
    /// What stands above it; titles are left out when all are empty.
    public var title: String
    public var isRight = false

    public init(_ key: String, _ title: String? = nil, right: Bool = false) {
      self.key = key
      self.title = title ?? key
      isRight = right
    }
  }

  public struct Cell: Sendable {
    public var text: String
    public var json: JSONValue

    public init(_ text: String, _ json: JSONValue) {
      self.text = text
      self.json = json
    }

    public static func text(_ text: String) -> Cell { Cell(text, .string(text)) }
    public static func number(_ value: UInt64) -> Cell { Cell(String(value), .number(value)) }
    public static func number(_ value: Int) -> Cell { number(UInt64(max(0, value))) }
    public static func linear(_ address: UInt32) -> Cell {
      Cell(hexadecimal(UInt64(address), digits: 8), .linear(address))
    }
    public static func physical(_ address: UInt64) -> Cell {
      Cell(hexadecimal(address, digits: 9), .physical(address))
    }
    public static func entry(_ value: UInt64) -> Cell { Cell(hexadecimal(value, digits: 16), .entry(value)) }
    public static let none = Cell("", .null)
  }

  public var columns: [Column]
  public var rows: [[Cell]] = []
  /// What to say when there are no rows.
  public var empty: String

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
