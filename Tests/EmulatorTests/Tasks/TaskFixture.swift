import IA32
import TestSupport
import Testing

@testable import Emulator

/// A `ProgramMachine` in ring 0 with tasks to switch to.
final class TaskFixture {
  typealias P = ProgramMachine

  static let otherTSS: UInt32 = 0xa000
  static let other16TSS: UInt32 = 0xa200
  static let handlerTSS: UInt32 = 0xa400
  static let otherStack: UInt32 = 0xb000
  static let handlerStack: UInt32 = 0xc000
  static let localTable: UInt32 = 0xa800
  /// Where the other task begins, and the handler's task: two bytes that end the run.
  static let otherCode: UInt32 = 0x1_1000
  static let handlerCode: UInt32 = 0x1_2000

  static let other: UInt16 = 0x30
  static let other16: UInt16 = 0x38
  static let gate: UInt16 = 0x40
  static let handler: UInt16 = 0x48
  static let local: UInt16 = 0x50
  static let free: UInt16 = 0x58
  static let code16: UInt16 = 0x60

  let program: ProgramMachine
  var cpu: CPU { program.cpu }
  var state: CPUState { cpu.state.pointee }

  init() throws {
    program = try ProgramMachine()
    try program.enterProtectedMode()
    set(Self.other, DescriptorBytes.segment(base: Self.otherTSS, limit: 0x67, access: 0x89, flags: 0))
    set(Self.other16, DescriptorBytes.segment(base: Self.other16TSS, limit: 0x2b, access: 0x81, flags: 0))
    set(Self.gate, DescriptorBytes.gate(Self.other, 0, access: 0xe5))
    set(Self.handler, DescriptorBytes.segment(base: Self.handlerTSS, limit: 0x67, access: 0x89, flags: 0))
    set(Self.local, DescriptorBytes.segment(base: Self.localTable, limit: 0xff, access: 0x82, flags: 0))
    set(Self.code16, DescriptorBytes.segment(access: 0x9a, flags: 0))
    writeTSS(Self.otherTSS, eip: Self.otherCode, esp: Self.otherStack)
    writeTSS(Self.handlerTSS, eip: Self.handlerCode, esp: Self.handlerStack)
    for (slot, value) in [
      (0x0e, Self.otherCode & 0xffff), (0x10, 2), (0x12, 0x1111), (0x1a, 0xb000), (0x22, 0x10), (0x24, 8),
      (0x26, 0x10), (0x28, 0x10), (0x2a, 0),
    ] as [(UInt32, UInt32)] {
      program.poke(Self.other16TSS + slot, [UInt8(value & 0xff), UInt8(value >> 8 & 0xff)])
    }
    for code in [Self.otherCode, Self.handlerCode] { program.poke(code, [0xe6, 0xf4]) }
  }

  func set(_ selector: UInt16, _ value: UInt64) {
    if selector & 4 != 0 {
      program.poke64(Self.localTable + UInt32(selector & 0xfff8), value)
    } else {
      program.poke64(P.gdt + UInt32(selector & 0xfff8), value)
    }
  }

  func type(_ selector: UInt16) -> UInt8 { program.peek(P.gdt + UInt32(selector) + 5, 1)[0] & 0xf }

  /// A 32-bit TSS of ring 0 in flat segments; registers are 100h, 101h and so on.
  func writeTSS(_ tss: UInt32, eip: UInt32, esp: UInt32) {
    program.poke(tss, [UInt8](repeating: 0, count: 0x68))
    program.poke32(tss + 0x20, eip, 2)
    for number in 0..<8 as Range<UInt32> { program.poke32(tss + 0x28 + 4 * number, 0x100 + number) }
    program.poke32(tss + 0x38, esp)
    program.poke32(tss + 0x48, 0x10, 8, 0x10, 0x10, 0, 0)
    program.poke32(tss + 0x64, 0x68_0000)
  }

  /// Vectors whose handler is the handler's task.
  func handleByTask(_ vectors: [ExceptionVector]) {
    for vector in vectors {
      program.poke64(P.idt + 8 * UInt32(vector.rawValue), DescriptorBytes.gate(Self.handler, 0, access: 0x85))
    }
  }

  @discardableResult
  func run(_ source: String) throws -> StopReason {
    try program.load(source)
    return program.run(cycles: 2000)
  }
}
