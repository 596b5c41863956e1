import Foundation
import Testing

@testable import IA32

/// Lengths and text against GNU objdump.
@Suite(.enabled(if: Objdump.isInstalled, "objdump isn't installed"))
struct ObjdumpTests {
  /// How many instructions agreed, and how; the differences that no rule explains.
  struct Tally {
    var compared = 0
    var exact = 0
    var spelled = 0
    var known: [String: Int] = [:]
    var unexplained: [String] = []

    mutating func count(_ comparison: Comparison) {
      compared += 1
      if comparison.agreesExactly {
        exact += 1
      } else if comparison.agreesInSubstance {
        spelled += 1
      } else if let difference = KnownDifference.all.first(where: { $0.applies(comparison) }) {
        known[difference.name, default: 0] += 1
      } else {
        unexplained.append(comparison.description)
      }
    }

    var summary: String {
      let differences = known.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
        separator: ", ")
      return
        "\(compared) compared: \(exact) equal, \(spelled) equal but for spelling; known differences: \(differences)"
    }
  }

  /// objdump sweeps over the bytes; at every address where it sees an instruction so do we.
  @Test(arguments: [(DecodeMode.bits32, "i386"), (DecodeMode.bits16, "i8086")])
  func seededRandomBytes(mode: DecodeMode, machine: String) throws {
    let seed: UInt64 = 0x1A32_0001
    var random = RandomCode(seed: seed)
    let code = random.bytes(count: 320_000)
    var tally = Tally()
    for line in try Objdump.lines(code: code, machine: machine) {
      let start = Int(line.address)
      // Close to the end objdump sees less than the bytes that follow.
      guard start + 16 <= code.count else { break }
      tally.count(
        Comparison(line: line, following: Array(code[start..<start + Decoder.maximumLength]), mode: mode))
    }
    print("objdump, \(machine), seed \(seed): \(tally.summary)")
    #expect(tally.compared >= 100_000)
    #expect(
      tally.unexplained.isEmpty,
      "seed \(seed): \(tally.unexplained.count) differences, such as\n\(tally.unexplained.prefix(40).joined(separator: "\n"))"
    )
  }
}
