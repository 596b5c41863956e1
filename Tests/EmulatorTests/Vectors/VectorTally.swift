import IA32
import TestSupport

/// What replaying has found.
struct VectorTally {
  private(set) var cases = 0
  private(set) var differences = 0
  private(set) var failures: [String] = []
  /// Differences by form.
  private(set) var counts: [String: Int] = [:]
  private var exceptions: [UInt8: Int] = [:]
  /// Cases in which a flag that the manual leaves undefined came out otherwise, and all, by mnemonic and flag.
  private var undefined: [String: (other: Int, all: Int)] = [:]
  /// The greatest distance of a value in units of its last place, by mnemonic.
  private var distances: [String: UInt64] = [:]

  mutating func add(
    _ comparison: VectorComparison, _ name: String, _ code: [UInt8], _ before: VectorState,
    _ ours: VectorState, _ host: VectorState
  ) {
    cases += 1
    exceptions[host.vector, default: 0] += 1
    let places = comparison.differences(ours, host, before)
    if !places.isEmpty {
      differences += 1
      counts[name, default: 0] += 1
      if counts[name] == 1 {
        failures.append(
          "\(name): \(code.map { hexDigits($0) }.joined(separator: " ")): "
            + VectorComparison.text(places, before, ours, host))
      }
    }
    if host.vector == VectorState.noException {
      let mnemonic = String(describing: comparison.row.mnemonic)
      let open = comparison.undefinedFlags(before)
      for (bit, flag) in [(0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (11, "OF")]
        as [(UInt32, String)]
      where open >> bit & 1 != 0 {
        var count = undefined["\(mnemonic) \(flag)"] ?? (0, 0)
        count.all += 1
        if (ours.eflags ^ host.eflags) >> bit & 1 != 0 { count.other += 1 }
        undefined["\(mnemonic) \(flag)"] = count
      }
      if let distance = comparison.distance(ours, host) {
        distances[mnemonic] = max(distances[mnemonic] ?? 0, distance)
      }
    }
  }

  var summary: String { "\(cases) cases, \(differences) differences" }

  var details: String {
    let exceptions = exceptions.sorted { $0.key < $1.key }.map {
      "\($0.key == 0xff ? "none" : "\($0.key)") \($0.value)"
    }
    let flags = undefined.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.other)/\($0.value.all)" }
    let values = distances.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return "exceptions: \(exceptions.joined(separator: ", "))\nundefined flags that came out otherwise: "
      + flags.joined(separator: ", ") + "\ndistances: " + values.joined(separator: ", ")
  }
}
