/// A text screen for a terminal: ECMA-48's control sequences, with the 16 colours that terminals have taken over from the PC.
extension TextScreen {
  /// The whole screen as lines with colours, each ending with all attributes off.
  public var ansiLines: [String] {
    (0..<rows).map(ansiLine)
  }

  /// What brings a terminal that shows `old` to this screen: only rows that differ are written. The screen's corner is the
  /// terminal's.
  /// - Parameter old: what the terminal shows; nil for anything.
  public func ansiUpdate(from old: TextScreen?) -> String {
    guard self != old else { return "" }
    var output = ""
    let known = old.flatMap { $0.columns == columns && $0.rows == rows && $0.blinks == blinks ? $0 : nil }
    if known == nil { output += "\u{1B}[0m\u{1B}[2J" }
    for row in 0..<rows where known.map({ $0.row(row) != self.row(row) }) ?? true {
      output += "\u{1B}[\(row + 1);1H" + ansiLine(row)
    }
    // A cursor that is off waits below the screen: hidden, it would stay hidden if the process were killed.
    let place = cursor ?? Position(row: rows, column: 0)
    return output + "\u{1B}[\(place.row + 1);\(place.column + 1)H"
  }

  private func ansiLine(_ row: Int) -> String {
    var writer = ANSIWriter(blinks: blinks)
    for cell in self.row(row) { writer.write(cell) }
    writer.end()
    return writer.output
  }
}

/// Writes cells, with a control sequence where the attribute changes.
private struct ANSIWriter {
  let blinks: Bool
  private(set) var output = ""
  private var attribute: UInt8?

  init(blinks: Bool) { self.blinks = blinks }

  /// The PC's colours count blue as 1 and red as 4, ECMA-48's red as 1 and blue as 4.
  private static let colours: [Int] = [0, 4, 2, 6, 1, 5, 3, 7]

  mutating func write(_ cell: TextScreen.Cell) {
    if cell.attribute != attribute {
      attribute = cell.attribute
      let foreground = Self.colours[Int(cell.attribute & 7)] + (cell.attribute & 8 == 0 ? 30 : 90)
      let isHigh = cell.attribute & 0x80 != 0
      let background = Self.colours[Int(cell.attribute >> 4 & 7)] + (isHigh && !blinks ? 100 : 40)
      output += "\u{1B}[0;\(isHigh && blinks ? "5;" : "")\(foreground);\(background)m"
    }
    output.append(CodePage437.character(cell.character))
  }

  mutating func end() { output += "\u{1B}[0m" }
}
