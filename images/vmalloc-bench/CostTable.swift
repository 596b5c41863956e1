/// Costs of two setups side by side: cycles of one operation, walks and flushes of all.
struct CostTable {
  let console: Console<Processor>
  /// Whether this machine counts page walks.
  let hasWalks: Bool

  private var nameWidth: UInt32 { 17 }
  private var column: UInt32 { 10 }

  func heading(_ title: StaticString, _ unit: StaticString, _ first: StaticString, _ second: StaticString) {
    console.newline().text("  ").line(title)
    console.text("  ").text("", width: nameWidth)
    text("cycles each", 2 * column)
    text("page walks", 2 * column)
    text("flushes", 2 * column)
    console.newline().text("  ").text(unit, width: nameWidth)
    for _ in 0..<3 {
      text(first, column)
      text(second, column)
    }
    console.newline()
  }

  func row(_ name: StaticString, _ a: PagingCost, _ b: PagingCost, cyclesPer operations: UInt32) {
    console.text("  ").text(name, width: nameWidth)
    number(a.cycles / UInt64(operations))
    number(b.cycles / UInt64(operations))
    if hasWalks {
      number(a.walks)
      number(b.walks)
    } else {
      text("-", column)
      text("-", column)
    }
    number(UInt64(a.flushes))
    number(UInt64(b.flushes))
    console.newline()
  }

  /// What the second setup saves of the first's costs; a minus sign when it costs more.
  func saving(_ a: PagingCost, _ b: PagingCost) {
    console.text("  ").text("saved", width: nameWidth)
    saving(a.cycles, b.cycles)
    if hasWalks { saving(a.walks, b.walks) } else { text("-", 2 * column) }
    saving(UInt64(a.flushes), UInt64(b.flushes))
    console.newline()
  }

  private func text(_ text: StaticString, _ width: UInt32) {
    console.spaces(width &- min(width, UInt32(truncatingIfNeeded: text.utf8CodeUnitCount))).text(text)
  }

  private func number(_ value: UInt64) {
    console.decimal(UInt32(truncatingIfNeeded: min(value, UInt64(UInt32.max))), width: column)
  }

  private func saving(_ a: UInt64, _ b: UInt64) {
    if a == 0 { return text("-", 2 * column) }
    let percent = UInt32(truncatingIfNeeded: min((a > b ? a &- b : b &- a) * 100 / a, 999_999))
    // The sign stands right before the digits.
    var digits: UInt32 = 1
    var rest = percent
    while rest > 9 {
      rest /= 10
      digits += 1
    }
    console.spaces(2 * column &- digits &- 2).text(a >= b ? " " : "-").decimal(percent).text("%")
  }
}
