import IA32
import TestSupport
import Testing

@testable import Emulator

/// A machine that is put into bytes and made of them again goes on as if nothing had been.
@Suite("Machines as bytes")
struct MachineArchiveTests {
  /// A machine that has not run, with the state and the RAM of another.
  static func copy(of machine: Machine, into fresh: Machine) throws -> Machine {
    for range in fresh.memory.layout.ramRanges {
      (fresh.memory.base + Int(range.lowerBound)).initializeMemory(
        as: UInt8.self, repeating: 0, count: Int(range.upperBound - range.lowerBound))
    }
    machine.memory.forEachNonzeroPage { frame, page in
      (fresh.memory.base + Int(frame << 12)).copyMemory(from: page.baseAddress!, byteCount: 4096)
    }
    try fresh.restore(archive: archive(of: machine))
    return fresh
  }

  /// The state here, or a few instructions later.
  static func archive(of machine: Machine) throws -> [UInt8] {
    for _ in 0..<100 {
      if let archive = try? machine.archive() { return archive }
      _ = machine.run(untilCycle: machine.cycle + 1)
    }
    return try machine.archive()
  }

  @Test("random programs go on alike", arguments: 0..<6 as Range<UInt64>, TimingLevel.allCases)
  func randomPrograms(_ seed: UInt64, _ timing: TimingLevel) throws {
    var random = SeededGenerator(seed: seed)
    let plain = try RandomSystemProgram.machine(seed: seed, timing).machine
    for _ in 0..<4 {
      let reason = plain.run(untilCycle: plain.cycle + UInt64(random.below(20_000)))
      guard reason == .cycleLimit else { break }
      let copy = try Self.copy(of: plain, into: RandomSystemProgram.machine(seed: seed, timing).machine)
      let same = Outcome(of: copy, stop: .cycleLimit).differences(from: Outcome(of: plain, stop: .cycleLimit))
      #expect(same.isEmpty, "seed \(seed), \(timing), restored: \(same.joined(separator: "\n"))")
      #expect(copy.snapshot().clock == plain.snapshot().clock)
      // What a restored machine's next fetch asks the TLB again for is written otherwise; from then on nothing changes.
      let again = try Self.copy(of: copy, into: RandomSystemProgram.machine(seed: seed, timing).machine)
      #expect(try again.archive() == copy.archive(), "seed \(seed), \(timing): its bytes are the same")
      let end = plain.cycle + 10_000
      let stops = (copy.run(untilCycle: end), plain.run(untilCycle: end))
      let differences = Outcome(of: copy, stop: stops.0).differences(from: Outcome(of: plain, stop: stops.1))
      #expect(differences.isEmpty, "seed \(seed), \(timing): \(differences.joined(separator: "\n"))")
    }
  }

  @Test("guests end alike", arguments: TimedGuest.small, [TimingLevel.functional, .full])
  func guests(_ guest: TimedGuest, _ timing: TimingLevel) throws {
    let plain = try guest.machine(timing)
    _ = plain.run(untilCycle: 300_000)
    let copy = try Self.copy(of: plain, into: guest.machine(timing))
    _ = plain.takeSerialOutput()
    let (expected, found) = (TimedGuest.finish(plain), TimedGuest.finish(copy))
    let differences = found.differences(from: expected)
    #expect(differences.isEmpty, "\(guest), \(timing): \(differences.joined(separator: "\n"))")
  }

  @Test("a string instruction that was left in the middle goes on")
  func strings() throws {
    func machine() throws -> Machine {
      let bare = try BareMachine(.functional)
      var code = CodeBuilder(at: BareMachine.code)
      code.emit(0xb9, word: 5000)  // mov ecx, 5000
      code.emit(0xbe, word: 0x20_0000)  // mov esi
      code.emit(0xbf, word: 0x30_0000)  // mov edi
      code.emit(0xf3, 0xa4)  // rep movsb
      code.emit(0xfa, 0xf4)  // cli; hlt
      try bare.poke(code.base, code.bytes)
      return bare.machine
    }
    let plain = try machine()
    for _ in 0..<5 {
      _ = plain.run(untilCycle: plain.cycle + 701)
      let copy = try Self.copy(of: plain, into: machine())
      let stops = (copy.run(), try machine())
      let reference = stops.1
      let stop = reference.run()
      let differences = Outcome(of: copy, stop: stops.0).differences(from: Outcome(of: reference, stop: stop))
      #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
  }

  @Test("the state of another machine is refused")
  func otherMachines() throws {
    let archive = try BareMachine(.full).machine.archive()
    var configuration = MachineConfiguration(memoryBytes: 16 << 20, rom: [], timing: .full)
    configuration.peripherals.hasKeyboard = true
    let withKeyboard = try Machine(configuration)
    #expect(throws: MachineArchiveError.self) { try withKeyboard.restore(archive: archive) }
    configuration = MachineConfiguration(memoryBytes: 16 << 20, rom: [], timing: .full)
    configuration.tlb.data4K.entries *= 2
    let withMoreEntries = try Machine(configuration)
    #expect(throws: MachineArchiveError.unusable("its processor is not this machine's")) {
      try withMoreEntries.restore(archive: archive)
    }
    for bytes in [[], [0], Array(archive.dropLast()), archive + [0]] as [[UInt8]] {
      let fresh = try BareMachine(.full).machine
      #expect(throws: MachineArchiveError.self) { try fresh.restore(archive: bytes) }
    }
  }

  /// Values of a state are changed at random: it is refused, or the machine runs with it, and nothing traps.
  @Test("no state crashes the host", arguments: 0..<12 as Range<UInt64>)
  func hostileStates(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let timing = TimingLevel.allCases[Int(seed % 3)]
    let plain = try RandomSystemProgram.machine(seed: seed, timing).machine
    _ = plain.run(untilCycle: 20_000)
    let state = try StateValue(decoding: Self.archive(of: plain))
    var accepted = 0
    for _ in 0..<30 {
      let fresh = try RandomSystemProgram.machine(seed: seed, timing).machine
      let changed = Self.mutated(state, &random, chance: [300, 3000, 10_000][Int(random.below(3))])
      guard (try? fresh.restore(archive: changed.encoded)) != nil else { continue }
      accepted += 1
      _ = fresh.run(untilCycle: fresh.cycle + 3000)
      _ = fresh.takeSerialOutput(draining: true)
    }
    #expect(accepted > 0, "some states were no worse than others")
  }

  private static func mutated(
    _ value: StateValue, _ random: inout SeededGenerator, chance: UInt64
  ) -> StateValue {
    func number() -> UInt64 {
      let bits = random.below(65)
      let wide = UInt64(random.below(.max)) << 32 | UInt64(random.below(.max))
      return bits == 0 ? 0 : wide >> UInt64(64 - bits)
    }
    switch value {
    case .flag(let flag): return random.oneIn(chance) ? .flag(!flag) : value
    case .natural: return random.oneIn(chance) ? .natural(number()) : value
    case .negative, .none, .text: return value
    case .bytes(var bytes):
      guard random.oneIn(chance / 8), !bytes.isEmpty else { return value }
      if random.oneIn(4) { return .bytes(Array(bytes.dropLast())) }
      bytes[Int(random.below(UInt32(bytes.count)))] = UInt8(truncatingIfNeeded: number())
      return .bytes(bytes)
    case .numbers(var numbers):
      guard random.oneIn(chance / 8), !numbers.isEmpty else { return value }
      if random.oneIn(4) { return .numbers(numbers + [0]) }
      numbers[Int(random.below(UInt32(numbers.count)))] = number()
      return .numbers(numbers)
    case .list(let values):
      let kept = random.oneIn(chance * 4) ? Array(values.dropLast()) : values
      return .list(kept.map { mutated($0, &random, chance: chance) })
    case .record(let fields):
      return .record(
        fields.map { .init(name: $0.name, value: mutated($0.value, &random, chance: chance)) })
    }
  }
}
