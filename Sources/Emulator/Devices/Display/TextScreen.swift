/// What a text screen shows at a moment, as a value.
public struct TextScreen: Hashable, Sendable {
  /// No VGA text mode has more rows than this.
  static let maxRows = 100

  /// A character and how it is shown.
  public struct Cell: Hashable, Sendable {
    /// The character's code in code page 437.
    public var character: UInt8
    /// Bits 0 to 3 the foreground's colour, 4 to 6 the background's, 7 blinking or a bright background.
    public var attribute: UInt8

    /// A character (code page 437) and its colours.
    public init(character: UInt8, attribute: UInt8) {
      self.character = character
      self.attribute = attribute
    }
  }

  /// A place on the screen, from 0.
  public struct Position: Hashable, Sendable {
    /// The row, counted from 0.
    public var row: Int
    /// The column, counted from 0.
    public var column: Int

    /// A place on the screen.
    public init(row: Int, column: Int) {
      self.row = row
      self.column = column
    }
  }

  /// Characters in a row.
  public let columns: Int
  /// Rows on the screen.
  public let rows: Int
  /// Row by row.
  public let cells: [Cell]
  /// nil while the cursor is off or off the screen.
  public let cursor: Position?
  /// Bit 7 of an attribute makes the cell blink; otherwise its background is bright.
  public let blinks: Bool

  /// - Parameter cells: `rows` times `columns` of them.
  public init(columns: Int, rows: Int, cells: [Cell], cursor: Position?, blinks: Bool = true) {
    precondition(cells.count == rows * columns, "a screen has a cell for each place")
    self.columns = columns
    self.rows = rows
    self.cells = cells
    self.cursor = cursor
    self.blinks = blinks
  }

  /// One row's cells.
  public func row(_ index: Int) -> ArraySlice<Cell> { cells[(index * columns)..<((index + 1) * columns)] }

  // MARK: Plain text

  /// The rows as text without trailing blanks.
  public var lines: [String] {
    (0..<rows).map { row in
      var text = self.row(row).map { CodePage437.character($0.character) }
      while text.last == " " { text.removeLast() }
      return String(text)
    }
  }

  /// The rows as text without trailing blanks, from the first to the last that has any.
  public var text: [String] {
    let all = lines
    guard let first = all.firstIndex(where: { !$0.isEmpty }), let last = all.lastIndex(where: { !$0.isEmpty })
    else { return [] }
    return Array(all[first...last])
  }

  /// Whether there is nothing to be seen but blanks.
  public var isBlank: Bool { cells.allSatisfy { CodePage437.character($0.character) == " " } }
}
