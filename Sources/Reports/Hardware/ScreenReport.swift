import Emulator

/// What a text screen shows, for people who look at it later.
public struct ScreenReport: Report {
  private let screen: TextScreen

  /// A report on what a screen shows.
  public init(_ screen: TextScreen) { self.screen = screen }

  /// The rows from the first to the last that has something on it, without trailing blanks.
  public var lines: [String] { screen.isBlank ? ["the screen is blank"] : screen.text }

  /// An object: columns, rows, the cursor's place and all rows as text.
  public var json: JSONValue {
    .object([
      .init("columns", .number(UInt64(screen.columns))), .init("rows", .number(UInt64(screen.rows))),
      .init(
        "cursor",
        screen.cursor.map {
          .object([.init("row", .number(UInt64($0.row))), .init("column", .number(UInt64($0.column)))])
        } ?? .null),
      .init("lines", .array(screen.lines.map { .string($0) })),
    ])
  }
}
