import IA32
import Testing

@testable import Emulator

@Suite("PagingModel")
struct PagingModelTests {
  static let seeds: [UInt64] = PagingSweep.isSlowRun ? Array(1...200) : Array(1...6)
  static let operationsOfEachSeed = 100_000

  @Test(
    "PAE: random streams leave the arrays, the counters and memory as the plain model does", arguments: seeds)
  func pae(seed: UInt64) throws { try run(.pae, seed: seed) }

  @Test("32-bit paging: the same", arguments: seeds)
  func bits32(seed: UInt64) throws { try run(.bits32, seed: seed) }

  private func run(_ mode: PagingOracle.Mode, seed: UInt64) throws {
    var stream = PagingStream(mode, seed: seed)
    let race = try PagingRace(&stream)
    for batch in 0..<(Self.operationsOfEachSeed / PagingRace.batch) {
      if let difference = race.runBatch(&stream) {
        Issue.record("\(mode), seed \(seed), batch \(batch): \(difference)")
        return
      }
    }
    #expect(race.machineMemory() == race.reference.memory, "\(mode), seed \(seed): memory differs at the end")
    let counters = race.reference.counters
    // The stream must have gone everywhere.
    for count in [
      counters.data4KHits, counters.dataLargeHits, counters.dataMisses, counters.instructionMisses,
      counters.instructionLargeFills, counters.dataLargeFills, counters.accessedDirtyUpdates,
      UInt64(race.faults),
    ] {
      #expect(count > 500, "\(mode), seed \(seed): \(counters)")
    }
  }
}

/// The machine and the reference on the same stream.
final class PagingRace {
  static let batch = 250

  let fixture: PagingFixture
  let reference: ReferenceMMU
  private(set) var faults = 0
  private var isUser = false
  private var cr4: CR4
  private let isPAE: Bool

  init(_ stream: inout PagingStream, timing: TimingLevel = .functional) throws {
    fixture = try PagingFixture(memoryBytes: 16 << 20, timing: timing)
    let registers = stream.registers
    isPAE = registers.mode == .pae
    cr4 = [.pageSizeExtensions, .globalPages(isPAE: isPAE)]
    reference = ReferenceMMU(registers, cr3: stream.firstCR3)
    for address in stride(
      from: ReferenceMMU.memoryRange.lowerBound, to: ReferenceMMU.memoryRange.upperBound, by: 4096)
    {
      // Each frame begins with its number, so that aliases are told apart.
      fixture.poke8(address, UInt8(truncatingIfNeeded: address >> 12))
      reference.setByte(address, UInt8(truncatingIfNeeded: address >> 12))
    }
    for write in stream.setUp() { _ = apply(write) }
    try fixture.startPaging(registers, cr3: stream.firstCR3)
    reference.moveToCR3(stream.firstCR3)
  }

  func machineMemory() -> [UInt8] {
    let range = ReferenceMMU.memoryRange
    return fixture.machine.memory.read(
      PhysicalAddress(range.lowerBound), count: Int(range.upperBound - range.lowerBound)) ?? []
  }

  /// Runs a batch and compares; what differs, with the steps that led there, or nil.
  func runBatch(_ stream: inout PagingStream) -> String? {
    var log: [PagingOperation] = []
    for _ in 0..<Self.batch {
      let operation = stream.next()
      log.append(operation)
      if let difference = apply(operation) { return difference + trail(log) }
    }
    return (contentsDiffer() ?? countersDiffer()).map { $0 + trail(log) }
  }

  private func trail(_ log: [PagingOperation]) -> String {
    "\nsteps of the batch:\n" + log.map { "  \($0)" }.joined(separator: "\n")
  }

  // MARK: Steps

  private func apply(_ operation: PagingOperation) -> String? {
    let found = perform(operation)
    let expected = model(operation)
    if case .fault = found { faults += 1 }
    return found == expected ? nil : "the machine gave \(found), the model \(expected)"
  }

  /// Takes the step on the machine.
  func perform(_ operation: PagingOperation) -> PagingOutcome {
    switch operation {
    case .load(let linear, let bytes, let user): return fixture.load(linear, bytes: bytes, user: user)
    case .store(let linear, let bytes, let value, let user):
      return fixture.store(linear, bytes: bytes, value, user: user)
    case .fetch(let linear): return fixture.fetch(linear, user: isUser)
    case .setEntry(let address, let value):
      if isPAE {
        fixture.poke64(address, value)
      } else {
        fixture.poke32(address, UInt32(truncatingIfNeeded: value))
      }
    case .invalidatePage(let linear): fixture.machine.invalidatePage(LinearAddress(linear))
    case .setUserMode(let user):
      isUser = user
      fixture.machine.cpu.setPrivilegeLevel(user ? 3 : 0)
    default:
      // Moves to system registers are ring 0's.
      fixture.machine.cpu.setPrivilegeLevel(0)
      defer { fixture.machine.cpu.setPrivilegeLevel(isUser ? 3 : 0) }
      return moveToRegister(operation)
    }
    return .done
  }

  private func moveToRegister(_ operation: PagingOperation) -> PagingOutcome {
    switch operation {
    case .moveToCR3(let value): return fixture.moveToCR3(value)
    case .setWriteProtect(let on):
      return fixture.moveToCR0(
        on ? [.protectionEnable, .paging, .writeProtect] : [.protectionEnable, .paging])
    case .setGlobalPages(let on):
      cr4 = on ? cr4.union(.pageGlobalEnable) : cr4.subtracting(.pageGlobalEnable)
      return fixture.moveToCR4(cr4)
    case .setPageSizeExtensions(let on):
      cr4 = on ? cr4.union(.pageSizeExtensions) : cr4.subtracting(.pageSizeExtensions)
      return fixture.moveToCR4(cr4)
    case .setNoExecuteEnable(let on):
      return PagingOutcome { () throws(GuestFault) in
        try fixture.machine.writeEFER(on ? EFER.noExecuteEnable : 0)
        return 0
      }
    default: preconditionFailure("\(operation) moves to no register")
    }
  }

  /// Takes the step on the reference, after the machine has.
  private func model(_ operation: PagingOperation) -> PagingOutcome {
    switch operation {
    case .load(let linear, let bytes, let user): return reference.load(linear, bytes: bytes, user: user)
    case .store(let linear, let bytes, let value, let user):
      return reference.store(linear, bytes: bytes, value, user: user)
    case .fetch(let linear): return reference.fetch(linear, user: isUser)
    case .setEntry(let address, let value): reference.setEntry(address, value)
    case .invalidatePage(let linear): reference.invalidatePage(linear)
    case .moveToCR3(let value): reference.moveToCR3(value)
    case .setWriteProtect(let on): reference.setWriteProtect(on)
    case .setGlobalPages(let on): reference.setGlobalPages(on)
    case .setPageSizeExtensions(let on): reference.setPageSizeExtensions(on)
    case .setNoExecuteEnable(let on): reference.setNoExecuteEnable(on)
    case .setUserMode: break
    }
    return .done
  }

  // MARK: Comparisons

  /// Set by set and in the order of use.
  private func contentsDiffer() -> String? {
    for (index, name) in TLBArrayName.allCases.enumerated() {
      let expected = reference.arrays[index].sets
      var found = expected.map { _ in [ReferenceArray.Entry]() }
      let lines = fixture.machine.tlb(name).sorted { ($0.set, $0.rank) < ($1.set, $1.rank) }
      for line in lines {
        let translation = line.entry.translation
        if line.rank != found[line.set].count { return "\(name), set \(line.set): two entries of one rank" }
        if translation.isLarge != (index % 2 == 1) { return "\(name) holds a page of the wrong size" }
        found[line.set].append(
          ReferenceArray.Entry(
            page: line.entry.page, frame: translation.frame, isWritable: translation.isWritable,
            isUser: translation.isUser, isNoExecute: translation.isNoExecute, isGlobal: translation.isGlobal,
            isDirty: translation.isDirty))
      }
      for set in expected.indices where expected[set] != found[set] {
        return "\(name), set \(set): the machine holds \(found[set]), the model \(expected[set])"
      }
    }
    return nil
  }

  private func countersDiffer() -> String? {
    var found = fixture.machine.counters.paging
    found.instruction4KHits = 0
    found.instructionLargeHits = 0
    // Starting up loaded CR3 in both once.
    return found == reference.counters
      ? nil : "the machine counted \(found), the model \(reference.counters)"
  }
}

extension CR4 {
  /// PGE, and PAE where the mode wants it.
  fileprivate static func globalPages(isPAE: Bool) -> CR4 {
    isPAE ? [.pageGlobalEnable, .physicalAddressExtension] : .pageGlobalEnable
  }
}
