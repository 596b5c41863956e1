/// What a guest claims, line by line, and whether it is so.
struct Claims {
  let console: Console<Processor>
  private var failures: UInt32 = 0

  init(console: Console<Processor>) { self.console = console }

  /// Prints `claim` and whether it holds.
  mutating func check(_ claim: StaticString, _ holds: Bool) {
    console.text("  ").text(claim, width: 70)
    if holds {
      console.style(.good).text("[ ok ]").style(.plain).newline()
    } else {
      console.style(.bad).text("[FAIL]").style(.plain).newline()
      failures += 1
    }
  }

  /// Prints the last line, PASS or FAIL, and returns whether all claims held.
  func conclude() -> Bool {
    console.newline()
    if failures == 0 {
      console.style(.good).text("PASS").style(.plain).newline()
    } else {
      console.style(.bad).text("FAIL").style(.plain).text(": ").decimal(failures).line(" checks failed")
    }
    return failures == 0
  }
}
