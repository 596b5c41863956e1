import Emulator

/// Arrays and caches of a description: their keys, and which of them can't be built.
extension MachineDescription {
  private static let largestArray = 1 << 16
  private static let largestCache: UInt64 = 64 << 20

  mutating func readTLB(_ part: YAMLMapping) throws(MachineDescriptionError) {
    tlb.instruction4K = try Self.array("instruction-4k", of: part, else: tlb.instruction4K)
    tlb.instructionLarge = try Self.array("instruction-large", of: part, else: tlb.instructionLarge)
    tlb.data4K = try Self.array("data-4k", of: part, else: tlb.data4K)
    tlb.dataLarge = try Self.array("data-large", of: part, else: tlb.dataLarge)
    guard let cache = try part.mapping("pde-cache", keys: ["entries", "ways"]) else { return }
    if try cache.integer("entries", in: 0...Self.largestArray) == 0 {
      tlb.directoryCache = nil
    } else {
      tlb.directoryCache = try Self.shape(cache, else: tlb.directoryCache ?? .init(entries: 0, ways: 1))
    }
  }

  private static func array(
    _ key: String, of part: YAMLMapping, else old: TLBGeometry.Array
  ) throws(MachineDescriptionError) -> TLBGeometry.Array {
    guard let array = try part.mapping(key, keys: ["entries", "ways", "policy", "seed"]) else { return old }
    var geometry = try shape(array, else: old)
    geometry.policy = try policy(array, ways: geometry.ways, else: old.policy)
    return geometry
  }

  /// Entries and ways that make a power of two of sets.
  private static func shape(
    _ array: YAMLMapping, else old: TLBGeometry.Array
  ) throws(MachineDescriptionError) -> TLBGeometry.Array {
    var geometry = old
    geometry.entries = try array.integer("entries", in: 1...largestArray) ?? old.entries
    guard geometry.entries > 0 else {
      throw array.failure(
        "entries", .impossible, "is missing", expected: "a whole number from 1 to \(largestArray)")
    }
    geometry.ways = try ways(array, of: geometry.entries) ?? old.ways
    guard geometry.entries % geometry.ways == 0 else {
      throw array.failure(
        "ways", .impossible, "is \(geometry.ways), which does not divide the \(geometry.entries) entries",
        expected: "a divisor of the entries")
    }
    let sets = geometry.entries / geometry.ways
    guard sets.nonzeroBitCount == 1 else {
      throw array.failure(
        "entries", .impossible, "makes \(sets) sets of \(geometry.ways)", expected: "a power of two of sets")
    }
    return geometry
  }

  /// A number, or `full` for as many as there are places.
  private static func ways(_ mapping: YAMLMapping, of places: Int) throws(MachineDescriptionError) -> Int? {
    let expected = "a whole number from 1 to \(places), or full"
    guard let text = try mapping.text("ways", expected: expected) else { return nil }
    if text == "full" { return places }
    guard YAMLMapping.isNumber(text) else {
      throw mapping.failure(
        "ways", .wrongType, "'\(YAMLMapping.printable(text))' is not a whole number", expected: expected)
    }
    guard let ways = Int(text), (1...places).contains(ways) else {
      throw mapping.failure(
        "ways", .outOfRange, "cannot be '\(YAMLMapping.printable(text))'", expected: expected)
    }
    return ways
  }

  private static func policy(
    _ mapping: YAMLMapping, ways: Int, else old: ReplacementPolicy
  ) throws(MachineDescriptionError) -> ReplacementPolicy {
    let seed = try mapping.integer("seed", in: 0...UInt64.max)
    let chosen = try mapping.choice(
      "policy",
      [("lru", .lru), ("tree-plru", .treePLRU), ("random", ReplacementPolicy.random(seed: seed ?? 0))])
    var policy = chosen ?? old
    if case .random(let inherited) = policy {
      policy = .random(seed: seed ?? inherited)
    } else if seed != nil {
      throw mapping.failure("seed", .impossible, "has no use", expected: "a seed with the policy random only")
    }
    if policy == .treePLRU, ways.nonzeroBitCount != 1 || ways > ReplacementPolicy.maxTreeWays {
      throw mapping.failure(
        "policy", .impossible, "cannot be tree-plru with \(ways) ways",
        expected: "a power of two of ways up to \(ReplacementPolicy.maxTreeWays), or another policy")
    }
    return policy
  }

  // MARK: Caches

  mutating func readCaches(_ part: YAMLMapping) throws(MachineDescriptionError) {
    caches.isPerfect = try part.flag("perfect") ?? caches.isPerfect
    caches.instruction = try Self.cache("l1-instruction", of: part, else: caches.instruction, isLevel1: true)
    caches.data = try Self.cache("l1-data", of: part, else: caches.data, isLevel1: true)
    caches.l2 = try Self.cache("l2", of: part, else: caches.l2, isLevel1: false)
  }

  private static func cache(
    _ key: String, of part: YAMLMapping, else old: CacheGeometry, isLevel1: Bool
  ) throws(MachineDescriptionError) -> CacheGeometry {
    guard let cache = try part.mapping(key, keys: ["size", "ways", "line", "policy", "seed"]) else {
      return old
    }
    let lineBytes = CacheGeometry.lineBytes
    if let line = try cache.integer("line", in: 1...4096), line != lineBytes {
      throw cache.failure("line", .impossible, "is \(line)", expected: "\(lineBytes), the line of every P6")
    }
    let size = try cache.quantity(
      "size", units: [("", 1), ("K", 1 << 10), ("M", 1 << 20)], in: UInt64(lineBytes)...largestCache,
      expected:
        "a number of bytes, or one and K or M, from \(lineBytes) to \(largestCache >> 20)M, such as 16K")
    let bytes = size.map { Int($0) } ?? old.bytes
    guard bytes % lineBytes == 0 else {
      throw cache.failure(
        "size", .impossible, "is not a multiple of the line", expected: "a multiple of \(lineBytes)")
    }
    let ways = try ways(cache, of: bytes / lineBytes) ?? old.ways
    guard bytes % (ways * lineBytes) == 0, (bytes / (ways * lineBytes)).nonzeroBitCount == 1 else {
      throw cache.failure(
        "ways", .impossible,
        "is \(ways), which does not make \(bytes / lineBytes) lines a power of two of sets",
        expected: "lines / ways to be a power of two")
    }
    guard !isLevel1 || bytes / ways <= 4096 else {
      throw cache.failure(
        "ways", .impossible, "makes a way of \(bytes / ways) bytes, larger than a page",
        expected: "at least \(bytes / 4096) ways, so that linear and physical addresses choose the same set")
    }
    return CacheGeometry(bytes: bytes, ways: ways, policy: try policy(cache, ways: ways, else: old.policy))
  }
}
