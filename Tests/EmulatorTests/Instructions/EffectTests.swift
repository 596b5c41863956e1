import IA32
import TestSupport
import Testing

@testable import Emulator

/// The flags that records declare, and the stores and transfers, against what differential runs show: on the emulated machine,
/// by the named handlers and by the general ones, and on the host's processor.
@Suite("Instructions' flags, stores and transfers")
struct EffectTests {
  @Test(
    "Emulated: registers, memory and flags depend on what records say",
    arguments: [EmulatedProgram.Setup.flat, .based])
  func emulated(_ setup: EmulatedProgram.Setup) throws {
    let runner = try EmulatedEffects(setup)
    let found = check(on: runner) { operation in
      switch operation {
      case .arithmetic, .decimal, .shift, .bit, .flag, .data, .stack: true
      case .string(let operation): operation != .ins && operation != .outs
      case .control(let operation): operation.record.sequence == .transfers
      case .segment, .port, .descriptor, .system, .x87, .simdMove, .packedInteger, .sse, .simdConversion,
        .simdControl:
        false
      }
    }
    #expect(found > 1000, "only \(found) instructions")
  }

  @Test(
    "The host's processor agrees",
    .enabled(if: HostProcess.obstacle == nil, "\(HostProcess.obstacle ?? "")"))
  func host() throws {
    let runner = HostEffects(try HostProcess())
    let found = check(on: runner) { operation in
      switch operation {
      case .arithmetic, .decimal, .shift, .bit, .flag, .data, .stack: true
      case .string(let operation): operation != .ins && operation != .outs
      case .segment, .control, .port, .descriptor, .system, .x87, .simdMove, .packedInteger, .sse,
        .simdConversion, .simdControl:
        false
      }
    }
    #expect(runner.host.isAlive)
    #expect(found > 1000, "only \(found) instructions")
  }

  /// Checks every row that `isRunnable` lets through; how many encodings that was.
  private func check(on runner: any EffectRunner, _ isRunnable: (Operation) -> Bool) -> Int {
    var count = 0
    var random = SeededGenerator(seed: 0x6566_6665)
    // Flags that are defined for some operands only (OF for shifts by one) change in some encoding.
    var changed: [Operation: EFLAGS] = [:]
    for number in OpcodeTable.rows.indices where isRunnable(OpcodeTable.rows[number].operation) {
      for immediate in [1, 5] as [UInt8] {
        for has66 in [false, true] {
          let filling = EncodedInstruction.Filling(
            immediate: immediate, relative: EffectProgram.exitJumpLength, address: EffectProgram.data,
            has66: has66)
          for instruction in EncodedInstruction.forms(of: number, filling) {
            if case .control = instruction.row.operation, has66 { continue }
            runner.install(EffectProgram.code(instruction))
            let seen = EffectProgram.observe(instruction, on: runner, &random)
            changed[instruction.row.operation, default: []].formUnion(seen.changed)
            for problem in seen.contradictions(of: instruction) { Issue.record("\(instruction): \(problem)") }
            count += 1
          }
        }
      }
    }
    for (operation, flags) in changed {
      let declared = operation.record.flags.writes.intersection(ObservedEffects.tracked)
      #expect(flags.isSuperset(of: declared), "\(operation) changed only flags \(hexDigits(flags.rawValue))")
    }
    return count
  }
}

/// What all trials of one instruction have shown together.
struct ObservedEffects {
  /// Flags that came out otherwise than they went in.
  var changed: EFLAGS = []
  /// Flags that something beside themselves depended on.
  var read: EFLAGS = []
  var stored = false
  var transferred = false
  var faults: ExceptionSet = []

  /// The flags that are looked at.
  static let tracked = EFLAGS.arithmetic.union(.direction)

  /// Where the record says something else, in words.
  func contradictions(of instruction: EncodedInstruction) -> [String] {
    let record = instruction.row.record
    var problems: [String] = []
    func names(_ flags: EFLAGS) -> String { hexDigits(flags.rawValue) }
    let undeclared = changed.subtracting(record.flags.writes.union(record.flags.undefined))
    if !undeclared.isEmpty { problems.append("changed flags \(names(undeclared))") }
    let always = record.flags.writes.subtracting(record.flags.undefined)
    let unchanged = always.intersection(Self.tracked).subtracting(changed)
    if !unchanged.isEmpty { problems.append("never changed flags \(names(unchanged))") }
    let needed = instruction.row.flagsRead.intersection(Self.tracked)
    if !read.subtracting(needed).isEmpty {
      problems.append("depends on flags \(names(read.subtracting(needed)))")
    }
    if !needed.subtracting(read).isEmpty {
      problems.append("does not depend on flags \(names(needed.subtracting(read)))")
    }
    if stored != (instruction.stores > 0) { problems.append(stored ? "stored" : "stored nothing") }
    if transferred != (record.sequence == .transfers) {
      problems.append(transferred ? "went elsewhere" : "always went on in line")
    }
    if !faults.subtracting(instruction.exceptions).isEmpty { problems.append("raised \(faults.rawValue)") }
    return problems
  }
}
