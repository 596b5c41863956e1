import IA32
import Testing

@testable import Emulator

/// Each instruction's record against what a run of it is observed to do: loads and stores, exceptions, how its block goes on.
@Suite("Instructions' records against their runs")
struct RecordTests {
  private static let data: UInt32 = 0x5_0000
  private static let filling = EncodedInstruction.Filling(
    immediate: 5, far: (ProgramMachine.code0, ProgramMachine.code + 0x100), address: data)

  /// What one execution was seen to do.
  private struct Observed {
    var loads = 0
    var stores = 0
    var fault: ExceptionVector?
    var blockLength: UInt32?
    var changedMode = false
  }

  /// A machine set up once, and set back before each instruction.
  private final class Bench {
    let program: ProgramMachine
    let start: ProcessorSnapshot
    private var observed = Observed()
    private var observers: [ObserverID] = []

    init(_ setUp: (ProgramMachine) throws -> Void) throws {
      program = try ProgramMachine(identity: ProgramMachine.everything)
      try setUp(program)
      program.cpu.state.pointee.cr4.formUnion([.osSavesExtendedState, .osHandlesSIMDExceptions])
      start = program.cpu.snapshot()
      observers.append(
        program.machine.observe([.access, .fault]) { [unowned self] event, _ in
          switch event {
          case .access(let access):
            if access.access.kind == .write { observed.stores += 1 } else { observed.loads += 1 }
          case .fault(let fault):
            if observed.fault == nil { observed.fault = ExceptionVector(rawValue: fault.vector) }
          default: break
          }
        })
    }

    func execute(_ instruction: EncodedInstruction) -> Observed {
      let cpu = program.cpu
      cpu.restore(start)
      program.poke(RecordTests.data - 64, [UInt8](repeating: 0, count: 256))
      program.poke(ProgramMachine.outerStack - 64, [UInt8](repeating: 0, count: 256))
      program.poke(ProgramMachine.code, instruction.bytes + [UInt8](repeating: 0x90, count: 6))
      cpu[.esi] = RecordTests.data
      cpu[.edi] = RecordTests.data + 16
      cpu[.ebx] = RecordTests.data + 32
      cpu[.ebp] = ProgramMachine.outerStack
      cpu[.eax] = 0
      cpu[.ecx] = 0
      cpu[.edx] = 1
      cpu.modeChanged()
      observed = Observed()
      let mode = cpu.control.pointee.modeKey
      program.run(cycles: 1)
      observed.changedMode = cpu.control.pointee.modeKey != mode
      if let block = cpu.blocks.recentSlot(ProgramMachine.code).pointee,
        block.pointee.physical == UInt64(ProgramMachine.code)
      {
        observed.blockLength = block.pointee.count
      }
      return observed
    }
  }

  private static func all() -> [EncodedInstruction] {
    OpcodeTable.rows.indices.flatMap { EncodedInstruction.forms(of: $0, filling) }
  }

  /// Whether the emulated processor has it.
  private static func exists(_ instruction: EncodedInstruction) -> Bool {
    CPUModel(identity: ProgramMachine.everything).features.isSuperset(of: instruction.row.record.needs)
  }

  @Test("Ring 0: loads, stores, exceptions, the block's end, changes of mode") func ring0() throws {
    let bench = try Bench { try $0.enterProtectedMode() }
    var completed = 0
    for instruction in Self.all() {
      let seen = bench.execute(instruction)
      let record = instruction.row.record
      checkFault(seen.fault, of: instruction)
      #expect(
        seen.blockLength.map { $0 == 1 } == record.endsBlock,
        "\(instruction): a block of \(seen.blockLength.map { "\($0)" } ?? "none")")
      #expect(!seen.changedMode || record.mayChangeMode, "\(instruction) changed the mode")
      guard seen.fault == nil, Self.exists(instruction) else { continue }
      completed += 1
      checkAccesses(seen, of: instruction)
    }
    #expect(completed > 350, "only \(completed) completed")
  }

  @Test("Ring 3, neither data nor stack mapped: #PF where memory is accessed, and nowhere else") func ring3()
    throws
  {
    let holes: Set<UInt32> = [
      Self.data, Self.data - 0x1000, ProgramMachine.outerStack, ProgramMachine.outerStack - 0x1000,
    ]
    let bench = try Bench {
      try $0.enterRing3()
      try $0.turnPagingOn(except: holes)
    }
    for instruction in Self.all() where Self.exists(instruction) {
      let seen = bench.execute(instruction)
      checkFault(seen.fault, of: instruction)
      let accesses = instruction.loads + instruction.stores > 0
      let isOther = seen.fault != nil && seen.fault != .pageFault
      if accesses && !isOther { #expect(seen.fault == .pageFault, "\(instruction) accessed nothing") }
      if !accesses && !instruction.row.record.memory.mayMakeMore {
        #expect(seen.fault != .pageFault, "\(instruction) accessed memory")
      }
    }
  }

  @Test("Every exception that a record names by itself is raised by a run") func namedExceptions() throws {
    // What needs operands of its own, by operation: EAX, EDX, flags, then memory at ESI.
    let bench = try Bench { try $0.enterProtectedMode() }
    let own: ExceptionSet = [.divideError, .breakpoint, .debug, .overflow, .boundRangeExceeded]
    for instruction in Self.all() {
      let named = instruction.row.record.raises.intersection(own)
      // The divisor, a divide's default here, is zero; AAM's base is not, OF is clear, and DR7.GD too.
      let expected: ExceptionVector? =
        switch instruction.row.operation {
        case .arithmetic(.div), .arithmetic(.idiv): .divideError
        case .control(.int3): .breakpoint
        case .control(.int1): .debug
        case .control(.bound): .boundRangeExceeded
        case .control(.into): .overflow
        case .decimal(.aam): .divideError
        case .system(.movToDR), .system(.movFromDR): .debug
        default: nil
        }
      #expect(named == expected.map { ExceptionSet($0) } ?? [], "\(instruction)")
      guard let expected else { continue }
      let cpu = bench.program.cpu
      let found = bench.execute(instruction)
      if found.fault == nil {
        // A second run, with what the default lacks.
        let changed = bench.program
        cpu.restore(bench.start)
        cpu.state.pointee.eflags |= EFLAGS.overflow.rawValue
        cpu.state.pointee.dr7 |= DebugRegisterBits.generalDetectEnable
        if instruction.row.operation == .decimal(.aam) { changed.poke(ProgramMachine.code + 1, [0]) }
        cpu[.esi] = Self.data
        cpu[.edx] = 0x7fff_ffff
        changed.run(cycles: 1)
      }
      #expect(bench.program.taken?.vector == UInt32(expected.rawValue), "\(instruction)")
    }
  }

  private func checkFault(_ fault: ExceptionVector?, of instruction: EncodedInstruction) {
    guard let fault else { return }
    if !Self.exists(instruction) && fault == .invalidOpcode { return }
    #expect(instruction.exceptions.contains(ExceptionSet(fault)), "\(instruction) raised \(fault.mnemonic)")
  }

  /// A read-modify-write is one access, a store, but for ARPL, which stores only what it has changed. A far pointer, a pair, a
  /// table's register, ten or 16 bytes and the floating-point unit's images take several for one operand.
  private func checkAccesses(_ seen: Observed, of instruction: EncodedInstruction) {
    let row = instruction.row
    let isAtOnce = row.operation != .descriptor(.arpl)
    let modifies =
      isAtOnce && (row.record.operands == .modify || row.record.operands == .exchange)
      ? row.memoryOperands(modRMIsMemory: instruction.inMemory).stores : 0
    let loads = instruction.loads - modifies
    let inPieces = !Set(row.operandCodes).isDisjoint(with: [.Ma, .Mp, .Ms, .Mt, .Menv, .Mstate, .Wx, .Mx])
    if row.record.memory.mayMakeMore || inPieces {
      #expect(seen.loads >= loads && seen.stores >= instruction.stores, "\(instruction): \(seen)")
      guard inPieces && !row.record.memory.mayMakeMore else { return }
      #expect((seen.loads > 0) == (loads > 0), "\(instruction): \(seen)")
      #expect((seen.stores > 0) == (instruction.stores > 0), "\(instruction): \(seen)")
    } else {
      #expect(seen.loads == loads && seen.stores == instruction.stores, "\(instruction): \(seen)")
    }
  }
}
