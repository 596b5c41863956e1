import Reports
import Testing

@testable import Debugger

@Suite("Debugger expressions")
struct ExpressionTests {
  @Test(
    arguments: [
      ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("0x10", 16), ("10", 10), ("7 / 2", 3), ("1 << 4 + 1", 32),
      ("0xff & 0x0f | 0x30", 0x3f), ("~0 >> 60", 15), ("-1", UInt64.max), ("- -1", 1), ("2 - 3", UInt64.max),
      ("0xffffffffffffffff + 1", 0), ("1 << 64", 0), ("$cr3", 0x1000), ("cr3 + 8", 0x1008),
      ("$CR3", 0x1000), ("*0x40000000", 0), ("*0x1000", 0x2001), ("*(0x1000 + 8) & ~1", 0x3000),
      ("$pdpte1", 0x3001), ("$cycle * 0", 0), ("0x8000000000000000 * 2", 0), ("7 % 4", 3), ("6 ^ 3", 5),
      ("1 == 1", 1), ("1 != 1", 0), ("1 < 2", 1),
      ("2 <= 1", 0), ("-1 > 1", 1), ("2 >= 2", 1), ("!5", 0), ("!0", 1), ("1 && 0", 0), ("0 || 7", 1),
      ("1 + 1 == 2 && 3 > 2", 1), ("0 && *0x40002000", 0), ("1 || 1 / 0", 1), ("1 | 2 == 2", 1),
    ] as [(String, UInt64)])
  func values(_ text: String, _ value: UInt64) throws {
    #expect(try TestSession.tables().session.evaluate(text) == value)
  }

  @Test(arguments: [
    ("1 +", "expected a number, a register or a symbol, at the end of '1 +'"),
    ("1 + )", "expected a number, a register or a symbol instead of ')', at character 5 of '1 + )'"),
    ("(1", "expected ')', at the end of '(1'"),
    ("1 / 0", "division by 0, at character 5 of '1 / 0'"),
    ("foo", "no symbol or register 'foo', at character 1 of 'foo'"),
    ("$nothing + 1", "no symbol or register '$nothing', at character 1 of '$nothing + 1'"),
    (
      "00100014",
      "a number that begins with 0 is not clear: write 0x00100014 or leave the 0 out, at character 1 of '00100014'"
    ),
    ("c0de", "no symbol or register 'c0de', at character 1 of 'c0de'"),
    ("1f", "'1f' is not a decimal number: write 0x1f, at character 1 of '1f'"),
    ("0xg", "'0xg' is not a number of 64 bits, at character 1 of '0xg'"),
    (
      "0x10000000000000000",
      "'0x10000000000000000' is not a number of 64 bits, at character 1 of '0x10000000000000000'"
    ),
    ("1 2", "'1 2' is more than one expression"),
    ("3 @ 4", "'@' means nothing here, at character 3 of '3 @ 4'"),
    ("'abc", "the quoted name does not end, at character 1 of ''abc'"),
    ("*0x40002000", "40002000: not mapped: the PTE is not present, at character 1 of '*0x40002000'"),
    ("*0x123456789", "0x123456789 is not a 32-bit linear address, at character 1 of '*0x123456789'"),
    ("$va", "$va has no value yet: 'walk' and stops set it"),
  ])
  func mistakes(_ text: String, _ message: String) throws {
    let session = try TestSession.tables().session
    #expect(throws: ShellError(message)) { try session.evaluate(text) }
  }

  @Test func depthIsLimited() throws {
    let session = try TestSession.tables().session
    for text in [String(repeating: "(", count: 1000), String(repeating: "-", count: 1000) + "1"] {
      #expect(throws: ShellError.self) { try session.evaluate(text) }
    }
    let nested = String(repeating: "(", count: 60) + "1" + String(repeating: ")", count: 60)
    #expect(try session.evaluate(nested) == 1)
  }

  @Test func sessionVariablesFollowTheCommands() throws {
    let test = try TestSession.tables()
    test.say("walk 0x40001234")
    #expect(try test.session.evaluate("$va") == 0x4000_1234)
    #expect(try test.session.evaluate("$pa") == 0x4008)
    test.say("x/2xw 0x40000010")
    #expect(try test.session.evaluate("$_") == 0x4000_0010)
    #expect(try test.session.evaluate("$pa") == 0x5010)
    test.say("p 6 * 7")
    #expect(try test.session.evaluate("$_") == 42)
  }

  @Test(
    arguments: [
      (
        "generic specialization <Guest.Processor> of Guest.Kernel.unmap(Guest.Address, Guest.Address) -> ()",
        "Guest.Kernel.unmap"
      ),
      ("Guest.Kernel.(freeTables in _1396CB5E)(of: Guest.Process<A>) -> ()", "Guest.Kernel.freeTables"),
      ("static Guest.Layout.size : Swift.UInt32", "Guest.Layout.size"),
      ("Guest.(exceptionName in _CF6F)(Swift.UInt32) -> Swift.StaticString", "Guest.exceptionName"),
      ("one-time initialization token for table", nil),
    ] as [(String, String?)])
  func pathsOfSwiftNames(_ display: String, _ path: String?) {
    #expect(SymbolNames.path(of: display) == path)
  }

  @Test func symbolsOfAGuest() throws {
    let session = try TestSession.guest("missing-flush/missing-invlpg").session
    // An absolute symbol, a function, a variable.
    #expect(try session.evaluate("va") == 0x4000_0000)
    #expect(try session.evaluate("stale_use") > 0x10_0000)
    #expect(try session.evaluate("frames_old + 0x1000 - frames_old") == 0x1000)
    #expect(
      throws: ShellError(
        "no symbol or register 'stale_usd': did you mean 'stale_use'?, at character 1 of 'stale_usd'")
    ) {
      try session.evaluate("stale_usd")
    }
  }

  @Test func symbolsOfSwift() throws {
    let session = try TestSession.guest("minikernel").session
    let whole = try session.evaluate("Guest.Kernel.vmalloc")
    #expect(try session.evaluate("Kernel.vmalloc") == whole)
    #expect(try session.evaluate("PAGE_OFFSET") == 0xC000_0000)
  }
}
