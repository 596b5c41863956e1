import Emulator
import Foundation
import GuestImages
import MachineDescriptions
import Runs
import Snapshots
import TestSupport
import Testing

/// Whatever is done to a snapshot's file, reading it ends with a machine or one sentence.
@Suite("Damaged snapshots")
struct SnapshotFileTests {
  private static let path = FileManager.default.temporaryDirectory
    .appending(path: "pagewalk-snapshot-\(UUID().uuidString)").path

  /// A machine of 1 MiB that counts in a register for ever.
  private func saved() throws -> [UInt8] {
    let image = Self.path + ".bin"
    try Data([0x40, 0xEB, 0xFD]).write(to: URL(filePath: image))  // inc eax; jmp to it
    defer { try? FileManager.default.removeItem(atPath: image) }
    let preparation = try RunPreparation(
      image: image, memory: MemorySize(bytes: 1 << 20), commandLine: "", modules: [],
      start: StartChoice(loadAddress: 0x1_0000))
    let guest = try GuestMachine(preparation, timing: .functional, console: KeepingConsole())
    _ = guest.advance(untilCycle: 10_000)
    let file = Self.path + ".snap"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let length = try guest.save(
      SnapshotSetup(description: .p6, start: StartChoice(loadAddress: 0x1_0000)),
      archive: guest.machine.archive(), to: file)
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
    #expect(UInt64(bytes.count) == length)
    return bytes
  }

  private func load(_ bytes: [UInt8], _ path: String) throws -> GuestMachine {
    try Data(bytes).write(to: URL(filePath: path))
    return try GuestMachine.restored(from: SnapshotFile(path), console: KeepingConsole()).guest
  }

  @Test func damageIsFound() throws {
    let bytes = try saved()
    let path = Self.path + "-damaged.snap"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try load(bytes, path)
    #expect(whole.cycle == 10_000)
    _ = whole.advance(untilCycle: 20_000)
    var random = SeededGenerator(seed: 14)
    #if DEBUG
      let count = 500
    #else
      let count = 10_000
    #endif
    for _ in 0..<count {
      var changed = bytes
      switch random.below(4) {
      case 0: changed = Array(bytes[..<Int(random.below(UInt32(bytes.count)))])
      case 1:
        // A piece comes twice.
        let start = Int(random.below(UInt32(bytes.count)))
        changed.insert(contentsOf: bytes[start..<min(bytes.count, start + 40)], at: start)
      default:
        for _ in 0...random.below(3) {
          changed[Int(random.below(UInt32(bytes.count)))] ^= UInt8(1 << random.below(8))
        }
      }
      guard changed != bytes else { continue }
      try Data(changed).write(to: URL(filePath: path))
      do {
        _ = try SnapshotFile(path).read { (_, _) throws(SnapshotError) in }
        Issue.record("damage was not noticed")
      } catch {
        #expect(!error.description.contains("\n"))
      }
    }
  }
}
