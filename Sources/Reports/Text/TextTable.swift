/// Columns of plain text.
public enum TextTable {
  /// One line a row: columns two spaces apart, nothing behind the last cell.
  ///
  /// - Parameter rightAligned: the columns that are aligned at their right, counted from 0.
  public static func lines(_ rows: [[String]], rightAligned: Set<Int>) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        rightAligned.contains(column) ? cell.padded(left: widths[column]) : cell.padded(to: widths[column])
      }
      return cells.joined(separator: "  ").trimmedRight
    }
  }

  /// The same as one text.
  public static func aligned(_ rows: [[String]], rightAligned: Set<Int>) -> String {
    lines(rows, rightAligned: rightAligned).map { $0 + "\n" }.joined()
  }
}

extension String {
  /// Without spaces at the end.
  public var trimmedRight: String {
    var rest = self[...]
    while rest.last == " " { rest.removeLast() }
    return String(rest)
  }

  /// With spaces behind it, up to `width` characters.
  public func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  /// With spaces before it, up to `width` characters.
  public func padded(left width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
