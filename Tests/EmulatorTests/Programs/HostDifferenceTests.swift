import Foundation
import IA32
import TestSupport
import Testing

@testable import Emulator

/// Whether the long sweeps run too.
let runsSlowSweeps = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] == "1"

/// Random programs on the host's processor and on ours: registers, the flags that the manual defines, and memory.
@Suite(
  "Programs against the host's processor",
  .enabled(if: HostProcess.obstacle == nil, "\(HostProcess.obstacle ?? "")"))
struct HostDifferenceTests {
  static let seeds: Range<UInt64> = 0..<(runsSlowSweeps ? 200_000 : 5_000)

  @Test("Registers, flags and memory after each of thousands of programs")
  func programs() throws {
    let host = try HostProcess()
    let machines = try EmulatedProgram.Setup.allCases.map { try EmulatedProgram($0) }
    var random = SeededGenerator(seed: 0x7061_6765)
    for offset in stride(from: 0, to: HostProcess.dataBytes, by: 8) {
      host.shared.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
    }
    let before = UnsafeMutableRawPointer.allocate(byteCount: HostProcess.dataBytes, alignment: 16)
    defer { before.deallocate() }
    var compared = 0
    var mismatches: [String] = []
    for seed in Self.seeds where mismatches.count < 5 && host.isAlive {
      let program = RandomProgram(seed: seed, length: 60)
      before.copyMemory(from: host.shared, byteCount: HostProcess.dataBytes)
      if let difference = compare(program, host, machines) {
        mismatches.append(shortest(program, difference, before, host, machines))
      }
      compared += program.instructions
    }
    #expect(mismatches.isEmpty, "\(mismatches.joined(separator: "\n"))")
    #expect(host.isAlive)
    #expect(mismatches.count > 0 || compared >= 200_000, "only \(compared) instructions compared")
  }

  /// Runs `program` everywhere; what differs, in words.
  private func compare(
    _ program: RandomProgram, _ host: HostProcess, _ machines: [EmulatedProgram]
  ) -> String? {
    program.code.withUnsafeBytes {
      (host.shared + Int(HostProcess.codeAddress - HostProcess.base)).copyMemory(
        from: $0.baseAddress!, byteCount: $0.count)
    }
    for machine in machines { machine.copyMemory(from: host.shared) }
    guard let expected = host.execute(program.registers, extraSegment: program.extraSegment) else {
      return "the host's process died"
    }
    let defined = (EFLAGS.arithmetic.rawValue | EFLAGS.direction.rawValue) & ~program.undefined.rawValue
    for machine in machines {
      let (result, stop) = machine.execute(program.registers, extraSegment: program.extraSegment)
      let name = machine.setup.rawValue
      guard stop == .exit(UInt8(truncatingIfNeeded: result.general[0])) else {
        return "\(name): stopped with \(stop), EIP \(hexDigits(machine.machine.registers.eip)), "
          + "faults \(machine.machine.faultHistory.entries.map(\.vector))"
      }
      if result.general != expected.general {
        return "\(name): registers \(result.general.map { hexDigits($0) }), "
          + "host \(expected.general.map { hexDigits($0) })"
      }
      if (result.eflags ^ expected.eflags) & defined != 0 {
        return
          "\(name): flags \(hexDigits(result.eflags & defined)), host \(hexDigits(expected.eflags & defined))"
      }
      if let offset = machine.difference(from: host.shared) {
        return
          "\(name): memory at \(hexDigits(Int(HostProcess.base) + offset)) is \(hexDigits(machine.byte(offset))), "
          + "host \(hexDigits(host.shared.load(fromByteOffset: offset, as: UInt8.self)))"
      }
    }
    return nil
  }

  /// The shortest beginning of `program` that differs, and how.
  private func shortest(
    _ program: RandomProgram, _ difference: String, _ memory: UnsafeRawPointer, _ host: HostProcess,
    _ machines: [EmulatedProgram]
  ) -> String {
    for pieces in 1...program.boundaries.count where host.isAlive {
      let part = RandomProgram(seed: program.seed, length: 60, boundary: pieces)
      host.shared.copyMemory(from: memory, byteCount: HostProcess.dataBytes)
      if let found = compare(part, host, machines) {
        return "seed \(program.seed), piece \(pieces): \(found)\n\(part.lastPiece)"
      }
    }
    return "seed \(program.seed): \(difference)"
  }
}
