import Foundation
import Testing

/// The guests that put the vmalloc subsystem under load, run as people run them.
@Suite("vmalloc guests")
struct VmallocRunTests {
  /// One way to run `vmalloc-stress`.
  struct Setup: CustomTestStringConvertible, Sendable {
    var memory: String
    var words: String
    var interval = 300_000
    var testDescription: String { "\(memory), \(words)" }
  }

  @Test(
    "random calls inside the guest do what its model says, and the auditor outside is content",
    arguments: [
      Setup(memory: "64M", words: "seed=1"), Setup(memory: "24M", words: "seed=2 tree"),
      Setup(memory: "64M", words: "seed=3 lazy"),
      Setup(memory: "6G", words: "seed=4 operations=2000 lazy tree huge", interval: 3_000_000),
    ])
  func stress(_ setup: Setup) throws {
    let ended = try AuditRunTests().run(
      "vmalloc-stress.elf", "--append", setup.words, "--audit", "every=\(setup.interval)",
      memory: setup.memory)
    #expect(ended.status == 0, "\(ended.output)")
    #expect(ended.output.split(separator: "\r\n").last == "PASS")
    let total = try #require(ended.error.last)
    #expect(total.hasSuffix(" audits, 0 violations"))
    #expect(try #require(Int(total.dropFirst("pagewalk: ".count).prefix { $0.isNumber })) > 10)
  }

  @Test("a guest that forgets to flush finds out, and names seed and operation")
  func stressFindsAMissingFlush() throws {
    let ended = try AuditRunTests().run(
      "vmalloc-stress.elf", "--append", "seed=3 operations=1000 break-flush")
    #expect(ended.status == 1)
    #expect(ended.output.contains("FAIL: seed 3, operation 5"), "soon after the 500th: \(ended.output)")
    #expect(ended.output.contains("can be read after it was given back"))
  }

  @Test("the benchmark shows what each extra saves: cycles, page walks and flushes")
  func benchmark() throws {
    let ended = try AuditRunTests().run("vmalloc-bench.elf", memory: "1G")
    #expect(ended.status == 0)
    let lines = ended.output.split(separator: "\r\n")
    #expect(lines.last == "PASS")
    #expect(lines.allSatisfy { $0.count <= 80 })
    let saved = lines.filter { $0.hasPrefix("  saved") }.map { line in
      line.split(separator: " ").dropFirst().map { Int($0.dropLast()) ?? .min }
    }
    try #require(saved.count == 3 && saved.allSatisfy { $0.count == 3 })
    #expect(saved[0][0] > 0, "the tree saves cycles")
    #expect(saved[1][1] > 0 && saved[1][2] > 90, "laziness saves walks and nearly all flushes")
    #expect(saved[2][0] > 0 && saved[2][1] > 90, "large pages save cycles and nearly all walks")
  }
}
