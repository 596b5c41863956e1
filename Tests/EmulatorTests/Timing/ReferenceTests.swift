import IA32
import TestSupport
import Testing

@testable import Emulator

/// The `full` level against `ReferenceModel`, which knows the rules and nothing of how they are made fast.
@Suite("Timing against a plain model")
struct ReferenceTests {
  @Test("programs that know their accesses", arguments: 0..<80 as Range<UInt64>)
  func programs(_ seed: UInt64) throws {
    let differences = try ReferenceProgram.differences(seed: seed)
    #expect(differences.isEmpty, "seed \(seed): \(differences.joined(separator: "\n"))")
  }

  @Test("streams of loads, stores and fetches", arguments: 0..<40 as Range<UInt64>)
  func streams(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bare = try BareMachine(.full)
    bare.mapIdentity(largeFrom: 2, to: 4)
    for page in 2048..<3072 as Range<UInt32> {
      var entry = UInt64(page) << 12 | 7 | UInt64(random.below(4)) << 5
      if random.oneIn(16) { entry |= 0x10 }
      bare.setPage(page, entry)
    }
    try bare.turnPagingOn()
    let machine = bare.machine
    var model = ReferenceModel(bare)
    let before = machine.counters
    // Some streams stay near, some roam.
    let reach: UInt32 = [16, 80, 400, 1024][Int(seed % 4)]
    for _ in 0..<20_000 {
      var linear = 8 << 20 + random.below(reach) << 12 + random.below(0x1000)
      if random.oneIn(5) { linear = 4 << 20 + random.below(4 << 20) }
      let place = LinearAddress(linear)
      switch random.below(16) {
      case 0...5:
        _ = try machine.load32(place)
        model.data(linear, bytes: 4, write: false)
      case 6, 7:
        _ = try machine.load8(place)
        model.data(linear, bytes: 1, write: false)
      case 8...11:
        try machine.store32(place, linear)
        model.data(linear, bytes: 4, write: true)
      case 12:
        try machine.store16(place, 1)
        model.data(linear, bytes: 2, write: true)
      case 13, 14:
        // Fetches from 4 KiB pages alone: the model has no large instruction TLB.
        let page = 8 << 8 + random.below(reach)
        _ = try machine.fetch(LinearAddress(page << 12))
        model.fetch(page)
        model.countLookup()
      default:
        if random.oneIn(10) {
          machine.invalidatePage(place)
          model.invalidate(linear)
        }
      }
    }
    let differences = model.differences(machine, since: before)
    #expect(differences.isEmpty, "seed \(seed): \(differences.joined(separator: "\n"))")
  }
}
