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
    /// The rows of the opcode table that agreed at least once.
    var rows: Set<UInt16> = []

    mutating func count(_ comparison: Comparison) {
      compared += 1
      if let instruction = comparison.instruction, comparison.agreesInSubstance {
        rows.insert(instruction.row)
      }
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
    // MFENCE, whose three bytes are all fixed, does not come by chance.
    let code = [0x0F, 0xAE, 0xF0] + random.bytes(count: 320_000)
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
    let missing = OpcodeTable.rows.indices.filter { !tally.rows.contains(UInt16($0)) }
    #expect(missing.map { OpcodeTable.rows[$0].operation } == [.flag(.salc)], "rows that never agreed")
    #expect(
      tally.unexplained.isEmpty,
      "seed \(seed): \(tally.unexplained.count) differences, such as\n\(tally.unexplained.prefix(40).joined(separator: "\n"))"
    )
  }

  /// Every function of our guest images: lengths and mnemonics.
  @Test(.enabled(if: !GuestImage.all.isEmpty, "no guest images are built"), arguments: GuestImage.all)
  func guestImage(_ image: GuestImage) throws {
    var compared = 0
    var known = 0
    var differences: [String] = []
    // Data among the code, which objdump doesn't disassemble, has no text or is ".byte".
    for line in try Objdump.lines(elf: image.file) where !line.text.isEmpty && !line.text.hasPrefix(".") {
      let comparison = Comparison(line: line, following: line.bytes, mode: .bits32)
      compared += 1
      if comparison.agreesInMnemonic || comparison.agreesExactly { continue }
      if KnownDifference.all.contains(where: { $0.applies(comparison) }) {
        known += 1
      } else {
        differences.append(comparison.description)
      }
    }
    print("objdump, \(image): \(compared) compared, \(known) known differences")
    #expect(compared > 0)
    #expect(differences.isEmpty, "\(differences.prefix(40).joined(separator: "\n"))")
  }
}

/// A built guest image.
struct GuestImage: CustomTestStringConvertible, CustomStringConvertible {
  let file: URL

  var description: String { file.lastPathComponent }
  var testDescription: String { description }

  /// What lies in the package's `.build/images`, by name.
  static let all: [GuestImage] = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let images = package.appendingPathComponent(".build/images")
    let files =
      (try? FileManager.default.contentsOfDirectory(at: images, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "elf" }.sorted { $0.path < $1.path }.map(GuestImage.init)
  }()
}
