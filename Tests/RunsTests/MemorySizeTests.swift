import Testing

import Runs

@Suite("Memory sizes")
struct MemorySizeTests {
  @Test(
    arguments: [
      ("1M", 1 << 20), ("16M", 16 << 20), ("6G", 6 << 30), ("1024K", 1 << 20), ("1028K", 1028 << 10),
      ("64G", 64 << 30), ("65536m", 64 << 30), ("6g", 6 << 30), ("007M", 7 << 20),
    ] as [(String, UInt64)])
  func areRead(_ text: String, _ bytes: UInt64) throws {
    let size = try MemorySize(parsing: text)
    #expect(size.bytes == bytes)
    #expect(try MemorySize(parsing: size.description) == size)
  }

  @Test(arguments: [
    ("", "no unit"), ("16", "no unit"), ("M", "not a whole number"), ("-1M", "not a whole number"),
    ("1.5G", "not a whole number"), ("+1G", "not a whole number"), (" 1G", "not a whole number"),
    ("1T", "out of range"), ("100T", "out of range"), ("6GB", "no unit"), ("0M", "out of range"),
    ("1023K", "out of range"),
    ("65G", "out of range"), ("67108865K", "out of range"), ("18446744073709551615G", "out of range"),
    ("99999999999999999999999999M", "out of range"), ("1025K", "page size"), ("١M", "not a whole number"),
  ])
  func areRefusedWithASentence(_ text: String, _ reason: String) {
    let error = #expect(throws: (any Error).self) { try MemorySize(parsing: text) }
    let sentence = error.map { String(describing: $0) } ?? ""
    #expect(sentence.contains(reason))
    #expect(sentence.contains("'\(text)'"))
    #expect(sentence.contains("expected a number and K, M or G from 1M to 64G"))
  }
}
