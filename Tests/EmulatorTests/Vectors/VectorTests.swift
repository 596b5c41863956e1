import Foundation
import IA32
import TestSupport
import Testing

@testable import Emulator

/// What a real processor made of each instruction, in a file, against what the emulator makes of it; and where the host runs
/// 32-bit programs, new programs beside it. docs/vectors.md describes both.
@Suite("Vectors from a real processor")
struct VectorTests {
  private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Vectors/ia32.vectors").standardizedFileURL
  private static let seed: UInt64 = 0x6961_3332
  /// Where to write vectors anew, if that is asked for.
  private static let capturePath = ProcessInfo.processInfo.environment["PAGEWALK_CAPTURE_VECTORS"]

  private static func words(_ code: [UInt8]) -> String { code.map { hexDigits($0) }.joined(separator: " ") }

  // MARK: The file

  @Test("A form for each row that programs can execute, of 500 cases at least") func coverage() throws {
    let file = try VectorFile([UInt8](Data(contentsOf: Self.path)))
    var covered = Set<UInt32>()
    for form in file.forms {
      #expect(form.cases >= 500, "\(form.name)")
      for encoding in form.encodings {
        let comparison = try #require(VectorComparison(encoding.bytes), "\(form.name)")
        covered.insert(comparison.number)
      }
    }
    for (number, row) in OpcodeTable.rows.enumerated() where VectorForms.leftOut(row) == nil {
      #expect(covered.contains(UInt32(number)), "\(row.mnemonic) \(hexDigits(row.opcode))")
    }
    #expect(!file.processor.isEmpty)
  }

  @Test("Bytes to a file and back") func roundTrip() throws {
    let pools = VectorForm.Pool.allCases.map { VectorPools.states($0, seed: 5) }
    var file = VectorFile(processor: "none", pools: pools)
    let forms = VectorForms.all(seed: 5)
    var random = SeededGenerator(seed: 6)
    for form in [forms[0], forms[forms.count / 2], forms[forms.count - 1]] {
      let after = file.before(form).map { state in
        var state = state
        for _ in 0..<4 { state.bytes[Int(random.below(UInt32(VectorState.size)))] = random.byte() }
        state.bytes[3] = 7
        state.bytes[5] = state.bytes[8]
        return state
      }
      file.add(form, after)
    }
    let again = try VectorFile(file.bytes)
    #expect(again.forms == file.forms && again.pools == file.pools && again.processor == "none")
    for (number, form) in file.forms.enumerated() {
      let before = file.before(form)
      #expect(again.after(number, before) == file.after(number, before))
    }
    #expect(throws: VectorFile.Damaged.self) { try VectorFile(Array(file.bytes.dropLast(9))) }
  }

  // MARK: Replay

  @Test("The emulator does what the processor did") func replay() throws {
    let file = try VectorFile([UInt8](Data(contentsOf: Self.path)))
    let machine = try VectorMachine()
    var tally = VectorTally()
    var random = SeededGenerator(seed: Self.seed)
    for (number, form) in file.forms.enumerated() {
      let before = file.before(form)
      let after = file.after(number, before)
      for (index, encoding) in form.encodings.enumerated() {
        guard let comparison = VectorComparison(encoding.bytes) else {
          Issue.record("\(form.name): \(Self.words(encoding.bytes)) is no instruction")
          continue
        }
        // Of a sample two encodings, with four states each.
        if !runsSlowSweeps && !random.oneIn(8) { continue }
        machine.install(encoding.bytes)
        for place in 0..<VectorForm.casesPerEncoding where runsSlowSweeps || random.oneIn(8) {
          let position = index * VectorForm.casesPerEncoding + place
          let ours = machine.run(encoding.bytes, before[position])
          tally.add(comparison, form.name, encoding.bytes, before[position], ours, after[position])
        }
      }
    }
    print("vectors of \(file.processor): \(file.forms.count) forms, \(tally.summary)")
    for failure in tally.failures.prefix(20) { Issue.record("\(failure)") }
    #expect(tally.differences == 0)
    if runsSlowSweeps { print(tally.details) }
  }

  // MARK: The host

  @Test(
    "New programs of 2 to 20 instructions do here what they do on the host's processor",
    .enabled(if: VectorHost.obstacle == nil, "\(VectorHost.obstacle ?? "")"))
  func sequences() throws {
    let host = try VectorHost()
    let machine = try VectorMachine()
    let slow = try VectorMachine(usesFastPaths: false)
    let pools = VectorForm.Pool.allCases.map { VectorPools.states($0, seed: 77) }
    // A new beginning each time in the long run; the seed belongs to a failure's text.
    let first: UInt64 = runsSlowSweeps ? UInt64(Date().timeIntervalSince1970) << 20 : 0
    let end = Date().addingTimeInterval(runsSlowSweeps ? 180 : 600)
    var seed = first
    var (instructions, ended, failures) = (0, 0, 0)
    while failures < 5 && (runsSlowSweeps ? Date() < end : seed < 600) {
      let sequence = VectorSequence(seed: seed, pools: pools)
      seed += 1
      guard let theirs = host.run(sequence.code, [sequence.before])?.first else {
        Issue.record("seed \(sequence.seed): the host's process died")
        break
      }
      instructions += sequence.boundaries.count - 1
      if theirs.vector == VectorState.noException { ended += 1 }
      for (name, machine) in [("", machine), ("without fast paths: ", slow)] {
        machine.install(sequence.code)
        let ours = machine.run(sequence.code, sequence.before)
        if VectorComparison.differences(ours, theirs).isEmpty { continue }
        failures += 1
        Issue.record("seed \(sequence.seed): \(name)\(shortest(sequence, host, machine))")
      }
    }
    print(
      "programs beside the host: \(seed - first) of \(instructions) instructions, \(ended) without an exception"
    )
  }

  /// The shortest beginning of a program that differs, and how.
  private func shortest(_ sequence: VectorSequence, _ host: VectorHost, _ machine: VectorMachine) -> String {
    var last = 0
    for end in sequence.boundaries.dropFirst() {
      let code = Array(sequence.code[..<end])
      defer { last = end }
      guard let theirs = host.run(code, [sequence.before])?.first else { return "the host's process died" }
      machine.install(code)
      let ours = machine.run(code, sequence.before)
      let places = VectorComparison.differences(ours, theirs)
      if places.isEmpty { continue }
      return
        "\(VectorSequence.text(Array(code[last...]))): \(VectorComparison.text(places, sequence.before, ours, theirs))"
    }
    return "no beginning of it differs"
  }

  @Test("Ask the host's processor anew", .enabled(if: capturePath != nil)) func capture() throws {
    let host = try VectorHost()
    let pools = VectorForm.Pool.allCases.map { VectorPools.states($0, seed: Self.seed) }
    var file = VectorFile(processor: VectorHost.processorName, pools: pools)
    for form in VectorForms.all(seed: Self.seed) {
      let before = file.before(form)
      var after: [VectorState] = []
      for (index, encoding) in form.encodings.enumerated() {
        let first = index * VectorForm.casesPerEncoding
        let states = Array(before[first..<first + VectorForm.casesPerEncoding])
        guard let outcomes = host.run(encoding.bytes, states) else {
          Issue.record("\(form.name): the host's process died of \(Self.words(encoding.bytes))")
          return
        }
        after += outcomes
      }
      file.add(form, after)
    }
    let bytes = file.bytes
    try Data(bytes).write(to: URL(fileURLWithPath: Self.capturePath ?? Self.path.path))
    print(
      "\(file.forms.count) forms, \(file.forms.reduce(0) { $0 + $1.cases }) cases, \(bytes.count) bytes: \(file.processor)"
    )
    #expect(bytes.count < 8 << 20)
  }
}
