import Foundation
import IA32

@testable import Emulator

/// Something that executes the program at `HostProcess.codeAddress`.
protocol EffectRunner: AnyObject {
  func install(_ code: [UInt8])
  /// Data and stack as they will be found, and afterwards as they were left.
  func write(_ bytes: [UInt8], at address: UInt32)
  func read(_ address: UInt32, count: Int) -> [UInt8]
  /// The registers afterwards, or the exception that ended the program.
  func execute(_ registers: ProgramRegisters) -> Result<ProgramRegisters, GuestFault>
}

/// The emulated machine.
final class EmulatedEffects: EffectRunner {
  private let program: EmulatedProgram

  init(_ setup: EmulatedProgram.Setup) throws {
    program = try EmulatedProgram(setup)
    let empty = UnsafeMutableRawPointer.allocate(byteCount: HostProcess.size, alignment: 16)
    empty.initializeMemory(as: UInt8.self, repeating: 0, count: HostProcess.size)
    defer { empty.deallocate() }
    program.copyMemory(from: empty)
  }

  func install(_ code: [UInt8]) {
    program.write(code, at: HostProcess.codeAddress)
    program.machine.cpu.blocks.removeAll()
  }

  func write(_ bytes: [UInt8], at address: UInt32) { program.write(bytes, at: address) }
  func read(_ address: UInt32, count: Int) -> [UInt8] { program.read(address, count: count) }

  func execute(_ registers: ProgramRegisters) -> Result<ProgramRegisters, GuestFault> {
    let (result, stop) = program.execute(registers, extraSegment: false)
    if case .exit = stop { return .success(result) }
    let vector = program.machine.faultHistory.entries.first?.vector
    return .failure(GuestFault(vector ?? .doubleFault))
  }
}

/// The host's processor. A program that faults ends the process.
final class HostEffects: EffectRunner {
  let host: HostProcess

  init(_ host: HostProcess) { self.host = host }

  func install(_ code: [UInt8]) { write(code, at: HostProcess.codeAddress) }

  func write(_ bytes: [UInt8], at address: UInt32) {
    (host.shared + Int(address - HostProcess.base)).copyMemory(from: bytes, byteCount: bytes.count)
  }

  func read(_ address: UInt32, count: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: host.shared + Int(address - HostProcess.base), count: count))
  }

  func execute(_ registers: ProgramRegisters) -> Result<ProgramRegisters, GuestFault> {
    host.execute(registers, extraSegment: false).map { .success($0) } ?? .failure(GuestFault(.doubleFault))
  }
}

/// One instruction between chosen registers and memory, run again and again with one flag changed.
enum EffectProgram {
  static let data = HostProcess.base + 0x8000
  private static let dataWindow: (address: UInt32, count: Int) = (data - 0x100, 0x300)
  private static let stack = HostProcess.base + 0x1_8000
  private static let stackWindow: (address: UInt32, count: Int) = (stack - 0x100, 0x300)
  /// Becomes 1 where the instruction goes elsewhere.
  private static let marker = data + 0x180
  static let exitJumpLength: UInt8 = 5

  /// The instruction, a jump to the end, and what it may branch to: a store to the marker and the same jump.
  static func code(_ instruction: EncodedInstruction) -> [UInt8] {
    var code = instruction.bytes
    code += exitJump(from: code.count)
    code += [0xc6, 0x05] + little(marker) + [1]
    code += exitJump(from: code.count)
    return code
  }

  private static func exitJump(from offset: Int) -> [UInt8] {
    let next = HostProcess.codeAddress + UInt32(offset) + UInt32(exitJumpLength)
    return [0xe9] + little(HostProcess.exitAddress &- next)
  }

  private static func little(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  /// The state before a trial.
  private struct Trial {
    var registers = ProgramRegisters()
    var data: [UInt8]
    var stack: [UInt8]
  }

  /// The state after it; nil for registers after a fault.
  private struct Outcome {
    var registers: ProgramRegisters?
    var data: [UInt8]
    var stack: [UInt8]
  }

  static func observe(
    _ instruction: EncodedInstruction, on runner: any EffectRunner, _ random: inout ArithmeticRandom
  ) -> ObservedEffects {
    var seen = ObservedEffects()
    let undefined = instruction.row.record.flags.undefined
    for number in 0..<16 {
      let trial = trial(number, instruction, &random)
      let plain = run(trial, on: runner, &seen)
      for flag in flags {
        var changed = trial
        changed.registers.eflags ^= flag.rawValue
        let other = run(changed, on: runner, &seen)
        let ignored = flag.union(undefined)
        if differs(plain, other, ignoring: ignored)
          || turns(flag, trial, plain, other) && !undefined.contains(flag)
        {
          seen.read.insert(flag)
        }
      }
    }
    return seen
  }

  private static let flags: [EFLAGS] = [.carry, .parity, .adjust, .zero, .sign, .overflow, .direction]

  private static func differs(_ a: Outcome, _ b: Outcome, ignoring ignored: EFLAGS) -> Bool {
    let looked = ObservedEffects.tracked.subtracting(ignored).rawValue
    guard let ours = a.registers, let theirs = b.registers else {
      return (a.registers == nil) != (b.registers == nil)
    }
    return ours.general != theirs.general || (ours.eflags ^ theirs.eflags) & looked != 0 || a.data != b.data
      || a.stack != b.stack
  }

  /// Whether the flag comes out depending on itself, and not as it went in.
  private static func turns(_ flag: EFLAGS, _ trial: Trial, _ a: Outcome, _ b: Outcome) -> Bool {
    guard let ours = a.registers?.eflags, let theirs = b.registers?.eflags else { return false }
    return (ours ^ theirs) & flag.rawValue != 0 && (ours ^ trial.registers.eflags) & flag.rawValue != 0
  }

  private static func run(
    _ trial: Trial, on runner: any EffectRunner, _ seen: inout ObservedEffects
  ) -> Outcome {
    runner.write(trial.data, at: dataWindow.address)
    runner.write(trial.stack, at: stackWindow.address)
    let result = runner.execute(trial.registers)
    var data = runner.read(dataWindow.address, count: dataWindow.count)
    let stack = runner.read(stackWindow.address, count: stackWindow.count)
    let mark = Int(marker - dataWindow.address)
    if data[mark] == 1 { seen.transferred = true }
    switch result {
    case .success(let registers):
      seen.changed.formUnion(
        EFLAGS(rawValue: registers.eflags ^ trial.registers.eflags).intersection(ObservedEffects.tracked))
      let isMarked = data[mark] == 1
      data[mark] = trial.data[mark]
      if data != trial.data || stack != trial.stack { seen.stored = true }
      if isMarked { data[mark] = 1 }
      return Outcome(registers: registers, data: data, stack: stack)
    case .failure(let fault):
      seen.faults.insert(ExceptionSet(fault.vector))
      return Outcome(registers: nil, data: data, stack: stack)
    }
  }

  private static let edges: [UInt32] = [0, 1, 9, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, .max]

  private static func trial(
    _ number: Int, _ instruction: EncodedInstruction, _ random: inout ArithmeticRandom
  ) -> Trial {
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    func word() -> UInt32 {
      random.next() & 3 == 0
        ? edges[Int(random.next() % UInt64(edges.count))] : UInt32(truncatingIfNeeded: random.next())
    }
    var trial = Trial(data: bytes(dataWindow.count), stack: bytes(stackWindow.count))
    trial.registers.general = [word(), word(), word(), word(), stack, stack + 0x80, data, data + 0x40]
    trial.registers.eflags =
      UInt32(truncatingIfNeeded: random.next()) & ObservedEffects.tracked.rawValue | 0x202
    let operand = Int(data - dataWindow.address)
    let top = Int(stack - stackWindow.address)
    trial.data[Int(marker - dataWindow.address)] = 0
    func put(_ value: UInt32, at place: Int, in bytes: inout [UInt8]) {
      bytes.replaceSubrange(place..<place + 4, with: little(value))
    }
    let landing = HostProcess.codeAddress + UInt32(instruction.bytes.count) + UInt32(exitJumpLength)
    switch instruction.row.operation {
    case .arithmetic(.div), .arithmetic(.idiv):
      // The quotient fits, whatever the width.
      trial.registers.general[0] &= 0x3f
      trial.registers.general[2] = 0
      trial.registers.general[1] = 0x0303_0303
      put(0x0303_0303, at: operand, in: &trial.data)
    case .arithmetic(.cmpxchg), .arithmetic(.cmpxchg8b):
      // Equal every other time.
      if number & 1 == 0 {
        put(trial.registers.general[0], at: operand, in: &trial.data)
        put(trial.registers.general[2], at: operand + 4, in: &trial.data)
        trial.registers.general[1] = trial.registers.general[0]
      }
    case .bit:
      // The index in EDX stays in the window; the source is zero every fourth time.
      trial.registers.general[2] &= 0x1ff
      if number & 3 == 0 {
        put(0, at: operand, in: &trial.data)
        trial.registers.general[1] = 0
      }
    case .data(.xlat): trial.registers.general[3] = data - 0x40
    case .stack(.popf): put(trial.registers.eflags ^ word() & 0xcd5, at: top, in: &trial.stack)
    case .control(.jmp), .control(.call):
      trial.registers.general[1] = landing
      put(landing, at: operand, in: &trial.data)
    case .control(.ret): put(landing, at: top, in: &trial.stack)
    case .control(.jcxz), .control(.loop), .control(.loope), .control(.loopne):
      trial.registers.general[1] = UInt32(number % 3)
    case .control(.bound):
      break
    default: break
    }
    return trial
  }
}
