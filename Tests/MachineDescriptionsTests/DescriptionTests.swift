import Emulator
import Foundation
import TestSupport
import Testing

@testable import MachineDescriptions

@Suite("Machine descriptions")
struct DescriptionTests {
  static func read(_ text: String) throws(MachineDescriptionError) -> MachineDescription {
    try MachineDescription(yaml: Array(text.utf8), file: "m.yaml")
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func theExampleIsTheDefault() throws {
    let bytes = [UInt8](try Data(contentsOf: Self.root.appending(path: "docs/machines/example.yaml")))
    #expect(try MachineDescription(yaml: bytes, file: "example.yaml") == .p6)
    // Every key that the format has is in it.
    let text = String(decoding: bytes, as: UTF8.self)
    for line in MachineDescription.p6.yaml.split(separator: "\n") {
      let key = line.prefix { $0 != ":" }
      #expect(text.contains("\n\(key):"), "\(key)")
    }
    for key in ["base:", "memory:", "seed:", "serial:"] { #expect(text.contains(key), "\(key)") }
  }

  @Test func theDefaultIsTheMachineWithoutDescription() {
    let described = MachineDescription.p6.configuration(memoryBytes: 1 << 20, rom: [], timing: .full)
    let plain = MachineConfiguration(memoryBytes: 1 << 20, rom: [])
    #expect(described.tlb == plain.tlb)
    #expect(described.caches == plain.caches)
    #expect(described.latencies == plain.latencies)
    #expect(described.branches == plain.branches)
    #expect(described.identity == plain.identity)
    #expect(described.frequency == plain.frequency)
    #expect(described.physicalAddressBits == plain.physicalAddressBits)
  }

  @Test(arguments: MachineDescription.presets.map(\.description))
  func presetsSurviveYAML(_ preset: MachineDescription) throws {
    #expect(try Self.read(preset.yaml) == preset)
    #expect(MachineDescription.preset(named: preset.name) == preset)
    #expect(throws: Never.self) {
      try Machine(preset.configuration(memoryBytes: 1 << 20, rom: [], timing: .full))
    }
  }

  @Test func everyFieldSurvivesYAML() throws {
    var machine = MachineDescription.pentiumPro
    machine.name = "a \"b\" \\ c: #1"
    machine.frequency = 123_456_789
    machine.memoryBytes = 48 << 20
    machine.physicalAddressBits = 40
    machine.identity = CPUIdentity(name: "true", family: 5, model: 15, stepping: 0)
    machine.tlb.instruction4K = .init(entries: 1, ways: 1, policy: .random(seed: .max))
    machine.tlb.data4K = .init(entries: 96, ways: 3)
    machine.tlb.dataLarge = .init(entries: 64, ways: 64, policy: .treePLRU)
    machine.tlb.directoryCache = .init(entries: 16, ways: 4)
    machine.caches.data = CacheGeometry(bytes: 96, ways: 3, policy: .random(seed: 9))
    machine.caches.l2 = CacheGeometry(bytes: 64 << 20, ways: 1, policy: .treePLRU)
    machine.caches.isPerfect = true
    machine.branches = .static
    machine.serial = .lossless
    for (index, key) in LatencyKey.all.enumerated() {
      machine.latencies[keyPath: key.field] = UInt64(10 + index)
    }
    machine.latencies.takenBranch = 7
    machine.latencies.mispredict = 8
    #expect(try Self.read(machine.yaml) == machine)
  }

  @Test func whatIsLeftOutIsTheBases() throws {
    var expected = MachineDescription.pentium3
    expected.tlb.data4K = .init(entries: 128, ways: 4)
    expected.latencies.dram = 80
    #expect(
      try Self.read("base: pentium3\ntlb: {data-4k: {entries: 128}}\nlatencies:\n  dram: 80\n") == expected)
    #expect(try Self.read("name: p6") == .p6)
    #expect(try Self.read("{}") == .p6)
    #expect(try Self.read("frequency: 1 GHz").frequency == 1_000_000_000)
    #expect(try Self.read("frequency: 100000000").frequency == 100_000_000)
    #expect(try Self.read("memory: 64M").memoryBytes == 64 << 20)
    #expect(try Self.read("tlb: {data-4k: {ways: full}}").tlb.data4K == .init(entries: 64, ways: 64))
    let random = try Self.read("tlb: {data-4k: {policy: random, seed: 5}}")
    #expect(random.tlb.data4K.policy == .random(seed: 5))
    #expect(try Self.read("tlb: {pde-cache: {entries: 8}}").tlb.directoryCache == .init(entries: 8, ways: 1))
  }

  // MARK: Refusals

  static let refusals: [(String, MachineDescriptionError.Reason, String)] = [
    ("bogus: 1", .unknownKey, "m.yaml:1: bogus is an unknown key; expected name, base, frequency"),
    ("tlb:\n  dta-4k: {}", .unknownKey, "m.yaml:2: tlb.dta-4k is an unknown key; expected instruction-4k,"),
    ("latencies: {l3: 1}", .unknownKey, "latencies.l3 is an unknown key"),
    ("tlb: {data-4k: {line: 32}}", .unknownKey, "tlb.data-4k.line is an unknown key"),
    ("? [a, b]\n: 1", .unknownKey, "(a list) is an unknown key"),
    ("<<: {frequency: 1 GHz}", .unknownKey, "<< is an unknown key"),
    (
      "base: pentium5", .outOfRange,
      "base cannot be 'pentium5'; expected p6, pentium-pro, pentium2, pentium3, pentium4 or ideal"
    ),
    ("frequency: fast", .wrongType, "frequency 'fast' is not a number with a unit; expected a number and Hz"),
    ("frequency: 1 kHz", .outOfRange, "frequency cannot be '1 kHz'"),
    ("frequency: 99999999999999999999999 GHz", .outOfRange, "frequency cannot be"),
    ("memory: 65G", .outOfRange, "memory cannot be '65G'"),
    ("memory: 1025K", .impossible, "memory is not a multiple of the page size; expected a multiple of 4K"),
    ("physical-address-bits: 32", .outOfRange, "a whole number from 36 to 52"),
    ("physical-address-bits: 3e1", .wrongType, "'3e1' is not a whole number"),
    ("physical-address-bits: -36", .wrongType, "'-36' is not a whole number"),
    ("physical-address-bits: [36]", .wrongType, "physical-address-bits is a list"),
    ("physical-address-bits:", .wrongType, "physical-address-bits is empty"),
    ("cpuid: {family: 16}", .outOfRange, "cpuid.family cannot be '16'; expected a whole number from 0 to 15"),
    ("cpuid: {no-execute: yes}", .wrongType, "cpuid.no-execute 'yes' is neither true nor false"),
    (
      "cpuid: {brand: \(String(repeating: "x", count: 48))}", .outOfRange,
      "expected up to 47 ASCII characters"
    ),
    ("tlb: 5", .wrongType, "tlb is a single value and no mapping; expected keys among instruction-4k"),
    ("tlb: {data-4k: {entries: 0}}", .outOfRange, "tlb.data-4k.entries cannot be '0'"),
    ("tlb: {data-4k: {ways: 3}}", .impossible, "tlb.data-4k.ways is 3, which does not divide the 64 entries"),
    (
      "tlb: {data-4k: {entries: 96}}", .impossible,
      "tlb.data-4k.entries makes 24 sets of 4; expected a power of two"
    ),
    (
      "tlb: {data-4k: {ways: 65}}", .outOfRange,
      "tlb.data-4k.ways cannot be '65'; expected a whole number from 1 to 64"
    ),
    ("tlb: {data-4k: {ways: some}}", .wrongType, "tlb.data-4k.ways 'some' is not a whole number"),
    (
      "tlb: {data-4k: {entries: 48, ways: 48, policy: tree-plru}}", .impossible,
      "cannot be tree-plru with 48 ways"
    ),
    (
      "tlb: {data-4k: {policy: fifo}}", .outOfRange,
      "policy cannot be 'fifo'; expected lru, tree-plru or random"
    ),
    ("tlb: {data-4k: {seed: 1}}", .impossible, "tlb.data-4k.seed has no use"),
    ("tlb: {data-4k: {policy: random, seed: x}}", .wrongType, "tlb.data-4k.seed 'x' is not a whole number"),
    ("tlb: {pde-cache: {ways: 2}}", .impossible, "tlb.pde-cache.entries is missing"),
    (
      "tlb: {pde-cache: {entries: 6, ways: 4}}", .impossible, "tlb.pde-cache.ways is 4, which does not divide"
    ),
    ("caches: {l1-data: {line: 64}}", .impossible, "caches.l1-data.line is 64; expected 32"),
    ("caches: {l1-data: {size: 16G}}", .wrongType, "caches.l1-data.size '16G' is not a number with a unit"),
    ("caches: {l1-data: {size: 100}}", .impossible, "caches.l1-data.size is not a multiple of the line"),
    (
      "caches: {l1-data: {size: 32K}}", .impossible,
      "makes a way of 8192 bytes, larger than a page; expected at least 8 ways"
    ),
    ("caches: {l2: {ways: 3}}", .impossible, "caches.l2.ways is 3, which does not make 16384 lines"),
    ("caches: {l2: {size: 128M}}", .outOfRange, "caches.l2.size cannot be '128M'"),
    ("latencies: {l1: 0}", .outOfRange, "latencies.l1 cannot be '0'"),
    (
      "latencies: {port: 2000}", .outOfRange,
      "latencies.port cannot be '2000'; expected a whole number from 1 to 1900"
    ),
    ("latencies: {l2: 2}", .impossible, "latencies.l2 makes a level faster than the one above (3, 2, 33)"),
    ("latencies: {dram: 5}", .impossible, "latencies.dram makes a level faster"),
    (
      "branches: {prediction: oracle}", .outOfRange,
      "branches.prediction cannot be 'oracle'; expected dynamic or static"
    ),
    ("", .notYAML, "m.yaml: is empty; expected YAML such as docs/machines/example.yaml"),
    ("tlb: {", .notYAML, "is not YAML"),
    ("name: a\nname: b", .notYAML, "has the key 'name' twice"),
    ("name: a\n---\nname: b", .notYAML, "is not YAML"),
    ("just words", .wrongType, "is a single value and no mapping"),
    ("\u{0}\u{1}", .notYAML, "is not YAML"),
    (String(repeating: "[", count: 60_000), .notYAML, "is not YAML"),
    (String(repeating: "- ", count: 30_000), .notYAML, "is not YAML"),
    (String(repeating: "#", count: 70_000), .notText, "is longer than 65536 bytes"),
    ("a\u{1b}[2J\nb: \(String(repeating: "y", count: 500)): 1", .notYAML, "is not YAML"),
  ]

  @Test(arguments: refusals)
  func areByNameAndOnOneLine(_ text: String, _ reason: MachineDescriptionError.Reason, _ message: String) {
    do throws(MachineDescriptionError) {
      let machine = try Self.read(text)
      Issue.record("read as \(machine.yaml)")
    } catch {
      #expect(error.reason == reason, "\(error)")
      #expect("\(error)".contains(message), "\(error)")
      #expect(!"\(error)".contains { $0.isNewline })
      #expect("\(error)".count < 300)
    }
  }

  @Test func bytesThatAreNoText() {
    do throws(MachineDescriptionError) {
      _ = try MachineDescription(yaml: [0xff, 0xfe, 0x80], file: "m.yaml")
      Issue.record("read")
    } catch {
      #expect(error.reason == .notText)
    }
  }

  /// A file is what somebody typed: anything may be in it, and reading it ends in a description or in a fault.
  @Test func damagedDescriptionsNeverTrap() throws {
    let original = Array(MachineDescription.pentium2.yaml.utf8)
    var random = SeededGenerator(seed: 0x5eed)
    func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    let words = [
      "0", "-1", "99999999999999999999", "{", "}", ":", "full", "tree-plru", "random", "\n", "[", "*a", "&a ",
    ]
    var (read, refused) = (0, 0)
    for _ in 0..<3000 {
      var text = original
      for _ in 0...below(3) {
        let place = below(text.count)
        text.replaceSubrange(
          place..<min(text.count, place + below(4)), with: Array(words[below(words.count)].utf8))
      }
      do throws(MachineDescriptionError) {
        let machine = try MachineDescription(yaml: text, file: "damaged")
        #expect(throws: Never.self, "\(machine.yaml)") {
          try Machine(machine.configuration(memoryBytes: 1 << 20, rom: [], timing: .full))
        }
        read += 1
      } catch {
        refused += 1
      }
    }
    #expect(read > 0 && refused > 0)
  }
}
