import Foundation
import Testing

/// The guests that check themselves say the same on QEMU and Bochs, but for lines that are named here. Where an emulator says
/// otherwise, the manual's sentence decides; the guest's table of cases cites it.
@Suite("The tours on other emulators") struct PeerTests {
  struct Tour: CustomTestStringConvertible, Sendable {
    let image: String
    let peer: String
    var arguments: [String] = []
    /// Cases that the other emulator fails, by the beginnings of their lines.
    let differences: [String]
    var testDescription: String { "\(image) on \(peer)" }
  }

  static let tours = [
    // No limits and types of segments on accesses, no alignment checks, no T bit, no general detect, no INT1.
    Tour(
      image: "system-tour", peer: "qemu",
      differences: [
        "read through a null selector", "write to a read-only segment", "write to a code segment",
        "doubleword across a limit", "expand-down, at its limit", "misaligned read with AC", "T in the TSS",
        "GD", "INT1", "word across 64 KiB",
      ]),
    // RF is clear in the image that a general-detect fault pushes. SDM vol. 3B, 17.3.1.1: all faults but instruction breakpoints set it.
    Tour(image: "system-tour", peer: "bochs", differences: ["GD"]),
    // QEMU dies of an assertion of its own at IRQ 13.
    Tour(
      image: "fpu-tour", peer: "qemu", arguments: ["no-irq13"],
      differences: [
        "1 / 3, to nearest", "1 / 3, up", "a denormal of 32 bits, loaded", "a denormal times 1", "1 / 0",
        "the greatest number times itself", "the least normal number times 1/3", "ten loads",
        "an empty register", "the sine of 1", "the cosine of 1", "the tangent of 1",
        "the sine of 2^63: out of range", "10 modulo pi, by a rounded quotient",
        "an exception pending: #MF at the next FLD1", "#MF at FLDCW",
        "FNSTENV tells the operand's address and the opcode",
      ]),
    Tour(image: "fpu-tour", peer: "bochs", differences: []),
  ]

  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../Peers/run.sh").standardizedFileURL

  /// nil where the emulator is not installed.
  private func text(of tour: Tour) throws -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = Self.script
    process.arguments =
      [tour.peer, TraceRunner.images.appending(path: "\(tour.image).elf").path]
      + tour.arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 3 ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// The lines of cases by their names; what a failed case adds is left out.
  private static func cases(_ text: String) -> [String] {
    text.split(separator: "\n").map(String.init).filter {
      !$0.hasPrefix("    ") && !["PASS", "FAIL"].contains($0) && !$0.contains(" failures")
        && !$0.contains(" as the manual says: ")
    }
  }

  private static func name(of line: String, _ tour: Tour) -> String? {
    let line = line.drop { $0 == " " }
    return tour.differences.first { line.hasPrefix($0 + "  ") }
  }

  @Test("Every line is the same but those that are named", arguments: tours) func tour(_ tour: Tour) throws {
    guard let theirs = try text(of: tour) else { return }
    let image = TraceRunner.images.appending(path: "\(tour.image).elf").path
    let append = tour.arguments.isEmpty ? [] : ["--append", tour.arguments.joined(separator: " ")]
    let ours = try CommandLineTests().pagewalk(
      ["run", "--quiet", "--cpu", "pentium3", "--memory", "64M"] + append + [image])
    let (a, b) = (Self.cases(ours.output), Self.cases(theirs))
    #expect(a.count == b.count && a.count > 50)
    // Some names are those of two cases, one masked and one not.
    var seen = Set<String>()
    for (our, their) in zip(a, b) where our != their {
      guard let name = Self.name(of: our, tour) else {
        #expect(our == their)
        continue
      }
      seen.insert(name)
    }
    #expect(seen == Set(tour.differences), "\(tour.peer) does these as we do: they need no name")
  }
}
