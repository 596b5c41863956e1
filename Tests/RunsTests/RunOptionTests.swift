import Runs
import Testing

@Suite("Options of a run")
struct RunOptionTests {
  @Test(arguments: ["", "100", "every=", "every=0", "every=-1", "every=99999999999999999999", "often=3"])
  func badIntervalsAreRefused(text: String) {
    #expect(throws: RunOptionError.self) { try AuditInterval(parsing: text) }
  }

  @Test func anIntervalIsANumberOfCycles() throws {
    #expect(try AuditInterval(parsing: "every=100000").cycles == 100_000)
  }
}
