import Emulator
import IA32

extension MachineDescription {
  /// The whole description as YAML, which `init(yaml:file:)` reads back to an equal one.
  public var yaml: String {
    var lines = ["name: \(Self.quoted(name))", "frequency: \(Self.text(frequency: frequency))"]
    if let memoryBytes { lines.append("memory: \(Self.text(size: memoryBytes))") }
    lines.append("physical-address-bits: \(physicalAddressBits)")
    lines += [
      "cpuid:", "  brand: \(Self.quoted(identity.name))", "  family: \(identity.family)",
      "  model: \(identity.model)", "  stepping: \(identity.stepping)",
      "  no-execute: \(identity.hasNoExecute)",
    ]
    if !identity.extensions.isEmpty {
      let names = CPUFeatures.names.filter { identity.extensions.contains($0.feature) }.map(\.name)
      lines.append("  features: \(names.joined(separator: " "))")
    }
    let cache = tlb.directoryCache ?? TLBGeometry.Array(entries: 0, ways: 1)
    lines += [
      "tlb:", "  instruction-4k: \(Self.text(tlb.instruction4K))",
      "  instruction-large: \(Self.text(tlb.instructionLarge))", "  data-4k: \(Self.text(tlb.data4K))",
      "  data-large: \(Self.text(tlb.dataLarge))",
      "  pde-cache: {entries: \(cache.entries), ways: \(cache.ways)}",
    ]
    lines += [
      "caches:", "  perfect: \(caches.isPerfect)", "  l1-instruction: \(Self.text(caches.instruction))",
      "  l1-data: \(Self.text(caches.data))", "  l2: \(Self.text(caches.l2))",
    ]
    lines.append("latencies:")
    lines += LatencyKey.all.map { "  \($0.name): \(latencies[keyPath: $0.field])" }
    lines += [
      "branches:", "  prediction: \(branches.rawValue)", "  taken: \(latencies.takenBranch)",
      "  mispredicted: \(latencies.mispredict)",
    ]
    // What every machine had before there was a choice is not said: traces keep descriptions, and theirs stay the same text.
    if serial != .exact { lines.append("serial: \(serial.rawValue)") }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func text(_ array: TLBGeometry.Array) -> String {
    "{entries: \(array.entries), ways: \(array.ways), \(text(array.policy))}"
  }

  private static func text(_ cache: CacheGeometry) -> String {
    let line = CacheGeometry.lineBytes
    return
      "{size: \(text(size: UInt64(cache.bytes))), ways: \(cache.ways), line: \(line), \(text(cache.policy))}"
  }

  private static func text(_ policy: ReplacementPolicy) -> String {
    switch policy {
    case .lru: "policy: lru"
    case .treePLRU: "policy: tree-plru"
    case .random(let seed): "policy: random, seed: \(seed)"
    }
  }

  /// In the largest unit that divides it.
  private static func text(size: UInt64) -> String {
    for (shift, unit) in [(UInt64(30), "G"), (20, "M"), (10, "K")] where size % (1 << shift) == 0 {
      return "\(size >> shift)\(unit)"
    }
    return "\(size)"
  }

  private static func text(frequency: UInt64) -> String {
    frequency % 1_000_000 == 0 ? "\(frequency / 1_000_000) MHz" : "\(frequency) Hz"
  }

  /// Between double quotes, so that no name is taken for something else.
  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
