import Foundation
import IA32
import TestSupport

@testable import Emulator

/// A guest that nobody would write: bytes to execute, where they are executed, and what stands around them. As text it
/// is a file of Tests/FailCases.
struct HostileGuest {
  /// How the processor is set up.
  enum Mode: String, CaseIterable {
    case real
    case protected
    /// Protected mode with segments that begin above 0 and end below 4 GiB.
    case segmented
    case ring3
    /// 32-bit paging, tables writable to the guest.
    case paging
    /// PAE with 2 MiB pages, of which some are not there.
    case pae
    /// V86 mode with IOPL 3 or 0, and with VME.
    case virtual8086
    /// Protected mode with task gates, TSSs of both kinds and a link back.
    case tasks
    /// Protected mode with 16-bit code and a 16-bit stack.
    case protected16
  }

  /// What exceptions lead to.
  enum Handlers: String, CaseIterable {
    /// The end of the run.
    case exit
    /// The next byte.
    case skip
    /// The guest's own bytes.
    case code
  }

  var mode: Mode
  var handlers: Handlers
  var registers: [UInt32]
  var code: [UInt8]
  /// The seed of what tables, flags and control registers are filled with; 0 for what the mode says alone.
  var noise: UInt64 = 0

  /// The guest of a seed.
  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ 0x686f_7374)
    func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
    mode = pick(Mode.allCases)
    handlers = pick(Handlers.allCases)
    registers = (0..<8).map { _ in pick(Self.values) &+ UInt32(random.next() % 64) &- 32 }
    if random.next() % 4 != 0 { registers[4] = 0x9000 }
    switch random.next() % 3 {
    case 0: code = (0..<400).map { _ in UInt8(random.next() & 0xff) }
    case 1:
      code = RandomProgram(seed: seed, length: 100).code
      for _ in 0..<code.count / 30 {
        code[Int(random.next() % UInt64(code.count))] = UInt8(random.next() & 0xff)
      }
    default:
      code = []
      while code.count < 400 {
        code += random.next() & 1 == 0 ? Self.constant(&random) : Self.system(&random)
      }
    }
  }

  /// Addresses and numbers at which things end.
  private static let values: [UInt32] = [
    0, 1, 0x7f, 0xff, 0x1000, 0x2000, 0x3000, 0x9000, 0xfff0, 0x1_0000, 0x1_0100, 0x9_f000, 0xa_0000,
    0xf_fff0, 0x10_0000,
    0x20_0000, 0x20_1000, 0x20_1040, 0x3f_f000, 0x40_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0011, 0xc000_0080,
    0xfed1_0000,
    0xfed1_0024, 0xffff_0000, 0xffff_fff0, 0xffff_ffff, 0x6000_0011, 0xe000_0011,
  ]

  /// mov register, something.
  private static func constant(_ random: inout SeededGenerator) -> [UInt8] {
    let value = values[Int(random.next() % UInt64(values.count))]
    return [0xb8 | UInt8(random.next() & 7)] + (0..<4).map { UInt8(value >> (8 * $0) & 0xff) }
  }

  /// An instruction that changes how the machine works, with random operands.
  private static func system(_ random: inout SeededGenerator) -> [UInt8] {
    let r = UInt8(random.next() & 0xff)
    let s = UInt8(random.next() & 0xff)
    let forms: [[UInt8]] = [
      [0x0f, 0x22, 0xc0 | r & 0x3f], [0x0f, 0x20, 0xc0 | r & 0x3f], [0x0f, 0x23, 0xc0 | r & 0x3f],
      [0x0f, 0x01, r & 0x3f], [0x0f, 0x00, r], [0x0f, 0x30], [0x0f, 0x32], [0x8e, r & 0xef],
      [0x8e, r | 0xc0],
      [0xcf], [0xcb], [0xc3], [0xcd, r], [0xfa], [0xfb], [0xf4], [0x9d], [0x68, r, s, 0, 0], [0xff, r],
      [0xc4, r & 0x3f],
      [0xc5, r & 0x3f], [0x0f, 0xb2, r & 0x3f], [0xf3, 0xa4 | r & 0x0f], [0xf3, 0x6c | r & 3], [0xe6, r],
      [0xe4, r],
      [0xee], [0xed], [0x66, 0xef], [0xea, r, s, 1, 0, 8, 0], [0x9a, r, s, 0, 0, 0x1b, 0],
      [0x0f, 0xc7, r & 0x3f],
      [0x60], [0x61], [0xc8, r, 0, s], [0x89, r & 0x3f], [0xfd], [0xfc], [0x0f, 0x06], [0x0f, 0x02, r],
      [0x63, r],
      [0xea, 0, 0, 0, 0, 0x30 | r & 0x18, 0], [0x9a, 0, 0, 0, 0, 0x30 | r & 0x18, 0],
      [0x68, r, 0x40 | s & 0x31, 2, 0, 0x9d], [0x0f, 0x23, 0xf8 | r & 7], [0x0f, 0x23, 0xc0 | r & 0x1f],
      [0x66, 0xcf], [0xf1], [0xcc], [0x67, 0xf3, 0xab], [0x6c], [0xe8, r, s, 0xff, 0xff], [0xeb, r],
    ]
    return forms[Int(random.next() % UInt64(forms.count))]
  }

  // MARK: Text

  var description: String {
    """
    mode \(mode.rawValue)
    handlers \(handlers.rawValue)
    registers \(registers.map { hexDigits($0) }.joined(separator: " "))
    code \(code.map { hexDigits($0) }.joined(separator: " "))
    noise \(hexDigits(noise))

    """
  }

  /// Reads what `description` writes; lines that begin with # say why the case is kept.
  init?(_ text: String) {
    var fields: [String: [Substring]] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ")
      if let name = words.first { fields[String(name)] = Array(words.dropFirst()) }
    }
    guard let mode = fields["mode"]?.first.flatMap({ Mode(rawValue: String($0)) }),
      let handlers = fields["handlers"]?.first.flatMap({ Handlers(rawValue: String($0)) }),
      let registers = fields["registers"]?.map({ UInt32($0, radix: 16) ?? 0 }), registers.count == 8,
      let code = fields["code"]?.map({ UInt8($0, radix: 16) ?? 0 })
    else { return nil }
    (self.mode, self.handlers, self.registers, self.code) = (mode, handlers, registers, code)
    noise = fields["noise"]?.first.flatMap { UInt64($0, radix: 16) } ?? 0
  }

  init(mode: Mode, handlers: Handlers = .exit, code: [UInt8]) {
    self.mode = mode
    self.handlers = handlers
    self.code = code
    registers = Array(repeating: 0, count: 8)
    registers[4] = 0x9000
  }

  // MARK: The machine

  func machine() throws -> ProgramMachine {
    let program = try ProgramMachine(
      memory: 4 << 20, frequency: 5 * 1_193_182,
      identity: noise == 0 ? .p6 : ProgramMachine.everything,
      extensions: mode == .virtual8086 ? .virtual8086Extensions : [])
    try prepare(program)
    return program
  }

  /// Sets a machine up that has just been reset, with memory of zeros.
  func prepare(_ program: ProgramMachine) throws {
    switch mode {
    case .real: program.enterRealMode()
    case .ring3: try program.enterRing3()
    default: try program.enterProtectedMode()
    }
    setHandlers(program)
    program.poke(ProgramMachine.code, code)
    for number in 0..<8 { program.cpu.registers[number] = registers[number] }
    switch mode {
    case .real, .protected: break
    case .virtual8086: try enterVirtual8086(program)
    case .tasks: prepareTasks(program)
    case .protected16:
      for selector in [0x38, 0x40] as [UInt16] {
        program.poke64(
          ProgramMachine.gdt + UInt32(selector),
          DescriptorBytes.segment(
            base: selector == 0x38 ? 0x1_0000 : 0, limit: 0xffff, access: selector == 0x38 ? 0x9b : 0x93,
            flags: 0))
      }
      for register in [SegmentRegister.ss, .ds] { try program.cpu.loadSegment(register, 0x40) }
      try program.cpu.jumpFar(selector: 0x38, offset: 0, operandSize: 2)
    case .segmented:
      let descriptor = DescriptorBytes.segment(base: 0x1234, limit: 0x5_0000, access: 0xf3, flags: 4)
      program.poke64(ProgramMachine.gdt + UInt32(ProgramMachine.scratch), descriptor)
      for register in [SegmentRegister.ds, .es, .ss] {
        program.cpu.state.pointee[register] = SegmentCache(ProgramMachine.scratch, Descriptor(descriptor))
      }
      program.cpu.state.pointee.cs.limit = 0x5_0000
    case .ring3, .paging:
      try program.turnPagingOn(except: [0x8_0000, 0x1_2000])
    case .pae:
      program.poke64(0x30_0000, 0x30_1001)
      for page in 0..<8 as Range<UInt32> {
        program.poke64(0x30_1000 + 8 * page, page == 1 ? 0 : UInt64(page & 1) << 21 | 0x87)
      }
      try program.cpu.mmu.loadCR3(0x30_0000)
      try program.cpu.mmu.setControlRegisters(
        cr0: [.protectionEnable, .paging], cr4: .physicalAddressExtension)
    }
    if noise != 0 {
      var noise = GuestNoise(seed: noise)
      noise.fill(program, mode)
    }
  }

  private func enterVirtual8086(_ program: ProgramMachine) throws {
    let flags = EFLAGS.virtual8086.rawValue | 2 | (registers[0] & 1) * 0x3000 | (registers[1] & 1) << 19
    program.cpu.state.pointee.cr4 = registers[2] & 1 == 0 ? [] : .virtual8086Extensions
    program.cpu.state.pointee.tr.limit = 0x2ff
    program.poke32(ProgramMachine.tss + 0x64, 0x88_0000)
    program.poke32(
      0x8000, 0, 0x1000, flags, registers[4] & 0xffff, 0, 0, 0, registers[5] & 0xffff, registers[6] & 0xffff)
    program.cpu[.esp] = 0x8000
    try program.cpu.interruptReturn(operandSize: 4)
  }

  /// Three tasks that begin in the guest's bytes; a third of all vectors have task gates.
  private func prepareTasks(_ program: ProgramMachine) {
    for task in 0..<3 as Range<UInt32> {
      let tss = 0xa000 + 0x200 * task
      let is16Bit = task == 2
      program.poke(tss, [UInt8](repeating: 0, count: 0x68))
      if is16Bit {
        program.poke32(tss + 0x0c, (ProgramMachine.code & 0xffff) << 16, 2)
        program.poke32(tss + 0x20, 0x10 << 16, 0x10_0008, 0x10)
      } else {
        program.poke32(tss, 0x28 + 8 * task)
        program.poke32(tss + 0x20, ProgramMachine.code + 7 * task, task << 8 | 2)
        program.poke32(tss + 0x38, 0xb000 + 0x800 * task)
        program.poke32(tss + 0x48, 0x10, 8, 0x10, 0x10, 0, 0, task == 1 ? registers[3] & 0x7c : 0)
        program.poke32(tss + 0x64, task)
      }
      program.poke64(
        ProgramMachine.gdt + 0x30 + 8 * task,
        DescriptorBytes.segment(base: tss, limit: 0x67, access: is16Bit ? 0x81 : 0x89, flags: 0))
    }
    program.poke64(ProgramMachine.gdt + 0x48, DescriptorBytes.gate(0x30, 0, access: 0xe5))
    for vector in stride(from: registers[0] & 1, to: 32, by: 3) {
      program.poke64(
        ProgramMachine.idt + 8 * vector,
        DescriptorBytes.gate(UInt16(0x30 + 8 * (vector % 3)), 0, access: 0xe5))
    }
    program.poke32(ProgramMachine.tss, 0x30)
    if registers[1] & 1 != 0 { program.cpu.state.pointee.systemFlags |= EFLAGS.nestedTask.rawValue }
  }

  private func setHandlers(_ program: ProgramMachine) {
    for vector in 0..<32 as Range<UInt32> {
      let place = ProgramMachine.handlers + 16 * vector
      switch handlers {
      case .exit: return
      case .code:
        let target = mode == .real ? 0x1000_0000 | vector : ProgramMachine.code + vector
        if mode == .real {
          program.poke32(vector * 4, target)
        } else {
          program.poke64(ProgramMachine.idt + 8 * vector, DescriptorBytes.gate(ProgramMachine.code0, target))
        }
      case .skip where mode == .real:
        // push bp; mov bp, sp; inc word [bp + 2]; pop bp; iret
        program.poke(place, [0x55, 0x89, 0xe5, 0xff, 0x46, 0x02, 0x5d, 0xcf])
      case .skip:
        let pushesCode = ExceptionVector(rawValue: UInt8(vector))?.pushesErrorCode ?? false
        // add esp, 4; inc dword [esp]; iret
        program.poke(place, (pushesCode ? [0x83, 0xc4, 0x04] : []) + [0xff, 0x04, 0x24, 0xcf])
      }
    }
  }

  /// Runs the guest in one piece and in several; what differs, or what went wrong. nil when all is well.
  func trial(cycles: UInt64, pacings: [Pacing]) throws -> String? {
    var expected: RunResult?
    for pacing in [.whole] + pacings {
      let program = try machine()
      let end = program.machine.cycle + cycles
      let stop = pacing.run(program.machine, until: end)
      if stop == .cycleLimit && program.machine.cycle < end { return "\(pacing): stopped before the limit" }
      let result = RunResult(program.machine, stop, bytes: 4 << 20)
      if let expected, result != expected { return "\(pacing): \(result.differences(from: expected))" }
      expected = result
    }
    return nil
  }
}
