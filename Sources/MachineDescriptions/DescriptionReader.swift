import Emulator
import IA32
import Yams

extension MachineDescription {
  /// The largest text that is read; a description of everything takes 3 KiB.
  public static let maxSize = 1 << 16

  /// Reads a description in the format of docs/machines/example.yaml. What it leaves out is as in the preset that its key
  /// `base` names, or else as in `p6`.
  ///
  /// - Parameter file: the name that faults give.
  public init(yaml bytes: [UInt8], file: String) throws(MachineDescriptionError) {
    let root = try Self.parse(bytes, file: file)
    let mapping = try YAMLMapping(
      root, file: file, path: "",
      keys: [
        "name", "base", "frequency", "memory", "physical-address-bits", "cpuid", "tlb", "caches", "latencies",
        "branches", "serial",
      ])
    let presets = Self.presets.map { (name: $0.description.name, value: $0.description) }
    self = try mapping.choice("base", presets) ?? .p6
    try readMachine(mapping)
    if let part = try mapping.mapping(
      "cpuid", keys: ["brand", "family", "model", "stepping", "no-execute", "features"])
    {
      try readIdentity(part)
    }
    if let part = try mapping.mapping(
      "tlb", keys: ["instruction-4k", "instruction-large", "data-4k", "data-large", "pde-cache"])
    {
      try readTLB(part)
    }
    if let part = try mapping.mapping("caches", keys: ["perfect", "l1-instruction", "l1-data", "l2"]) {
      try readCaches(part)
    }
    if let part = try mapping.mapping("latencies", keys: LatencyKey.all.map(\.name)) {
      try readLatencies(part)
    }
    serial = try mapping.choice("serial", SerialTransmission.allCases.map { ($0.rawValue, $0) }) ?? serial
    if let part = try mapping.mapping("branches", keys: ["prediction", "taken", "mispredicted"]) {
      try readBranches(part)
    }
  }

  private static func parse(_ bytes: [UInt8], file: String) throws(MachineDescriptionError) -> Node {
    func failure(_ reason: MachineDescriptionError.Reason, _ problem: String, line: Int? = nil)
      -> MachineDescriptionError
    {
      MachineDescriptionError(
        file: file, line: line, key: "", reason: reason, problem: problem,
        expected: "YAML such as docs/machines/example.yaml")
    }
    guard bytes.count <= maxSize else { throw failure(.notText, "is longer than \(maxSize) bytes") }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure(.notText, "is not UTF-8 text")
    }
    do {
      guard let root = try compose(yaml: text) else { throw failure(.notYAML, "is empty") }
      return root
    } catch let error as MachineDescriptionError {
      throw error
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw failure(.notYAML, "is not YAML (\(problem))", line: mark.line)
      case .duplicatedKeysInMapping(let keys, let context):
        let name = YAMLMapping.printable(keys.sorted().first ?? "")
        throw failure(.notYAML, "has the key '\(name)' twice", line: context.mark.line)
      default: throw failure(.notYAML, "is not YAML")
      }
    } catch {
      throw failure(.notYAML, "is not YAML")
    }
  }

  // MARK: Parts

  private mutating func readMachine(_ mapping: YAMLMapping) throws(MachineDescriptionError) {
    if let text = try mapping.text("name", expected: "a word") { name = YAMLMapping.printable(text) }
    frequency =
      try mapping.quantity(
        "frequency", units: [("", 1), ("Hz", 1), ("kHz", 1000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)],
        in: 1_000_000...10_000_000_000,
        expected: "a number and Hz, MHz or GHz from 1 MHz to 10 GHz, such as 167 MHz")
      ?? frequency
    let memory = try mapping.quantity(
      "memory", units: [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)], in: 1 << 20...64 << 30,
      expected: "a number and K, M or G from 1M to 64G, such as 512M")
    if let memory {
      guard memory % 4096 == 0 else {
        throw mapping.failure(
          "memory", .impossible, "is not a multiple of the page size", expected: "a multiple of 4K")
      }
      memoryBytes = memory
    }
    physicalAddressBits = try mapping.integer("physical-address-bits", in: 36...52) ?? physicalAddressBits
  }

  private mutating func readIdentity(_ part: YAMLMapping) throws(MachineDescriptionError) {
    if let brand = try part.text("brand", expected: "up to 47 ASCII characters") {
      guard brand.utf8.count <= 47, brand.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
        throw part.failure(
          "brand", .outOfRange, "cannot be '\(YAMLMapping.printable(brand))'",
          expected: "up to 47 ASCII characters")
      }
      identity.name = brand
    }
    identity.family = try part.integer("family", in: 0...15) ?? identity.family
    identity.model = try part.integer("model", in: 0...15) ?? identity.model
    identity.stepping = try part.integer("stepping", in: 0...15) ?? identity.stepping
    identity.hasNoExecute = try part.flag("no-execute") ?? identity.hasNoExecute
    identity.extensions = try features(part) ?? identity.extensions
  }

  /// Names with blanks between them, or "none".
  private func features(_ part: YAMLMapping) throws(MachineDescriptionError) -> CPUFeatures? {
    let expected = "none, or names among \(YAMLMapping.list(CPUFeatures.names.map(\.name)))"
    guard let text = try part.text("features", expected: expected) else { return nil }
    if text == "none" { return [] }
    var features: CPUFeatures = []
    for word in text.split(separator: " ") {
      guard let known = CPUFeatures.names.first(where: { $0.name == word }) else {
        throw part.failure(
          "features", .outOfRange, "cannot be '\(YAMLMapping.printable(String(word)))'", expected: expected)
      }
      features.insert(known.feature)
    }
    // What came later builds on what came before: registers, control bits, the instructions that save them.
    for (one, other, names) in [
      (CPUFeatures.sse, CPUFeatures([.mmx, .fxsave]), "mmx and fxsr"), (.sse2, .sse, "sse"),
    ] where features.contains(one) && !features.isSuperset(of: other) {
      throw part.failure(
        "features", .impossible, "has \(one == .sse ? "sse" : "sse2") without \(names)",
        expected: "\(names) too")
    }
    return features
  }

  private mutating func readLatencies(_ part: YAMLMapping) throws(MachineDescriptionError) {
    for key in LatencyKey.all {
      if let value = try part.integer(key.name, in: key.range) { latencies[keyPath: key.field] = value }
    }
    guard latencies.l1 <= latencies.l2, latencies.l2 <= latencies.dram else {
      let wrong = latencies.l1 > latencies.l2 ? "l2" : "dram"
      throw part.failure(
        wrong, .impossible,
        "makes a level faster than the one above (\(latencies.l1), \(latencies.l2), \(latencies.dram))",
        expected: "l1 <= l2 <= dram")
    }
  }

  private mutating func readBranches(_ part: YAMLMapping) throws(MachineDescriptionError) {
    branches = try part.choice("prediction", BranchPrediction.allCases.map { ($0.rawValue, $0) }) ?? branches
    latencies.takenBranch = try part.integer("taken", in: LatencyKey.anyLength) ?? latencies.takenBranch
    latencies.mispredict = try part.integer("mispredicted", in: LatencyKey.anyLength) ?? latencies.mispredict
  }
}

/// A field of `Latencies` under the name that the format gives it.
struct LatencyKey {
  let name: String
  let field: WritableKeyPath<Latencies, UInt64> & Sendable
  let range: ClosedRange<UInt64>

  static let anyLength: ClosedRange<UInt64> = 0...1_000_000
  /// What an instruction costs by itself is summed over a block of 32 in 16 bits.
  private static let partOfInstruction: ClosedRange<UInt64> = 0...1900

  static let all = [
    LatencyKey(name: "l1", field: \.l1, range: 1...100),
    LatencyKey(name: "l2", field: \.l2, range: 1...1_000_000),
    LatencyKey(name: "dram", field: \.dram, range: 1...1_000_000),
    LatencyKey(name: "uncached", field: \.uncached, range: anyLength),
    LatencyKey(name: "walk-overhead", field: \.walkOverhead, range: anyLength),
    LatencyKey(name: "walk-reference", field: \.walkReference, range: anyLength),
    LatencyKey(name: "flat-walk-reference", field: \.flatWalkReference, range: anyLength),
    LatencyKey(name: "lock", field: \.lock, range: partOfInstruction),
    LatencyKey(name: "port", field: \.port, range: 1...1900),
    // A fault that costs nothing would stop time in a loop of faults.
    LatencyKey(name: "interrupt", field: \.interrupt, range: 1...1_000_000),
  ]
}
