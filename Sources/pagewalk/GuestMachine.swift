import Emulator
import GuestImages
import IA32
import MachineDescriptions

/// The machine with an image in it, as the run loop and the reports see it.
final class GuestMachine: RunnableMachine {
  private let machine: Machine
  private let image: GuestImage
  private let debugOutput: DebugOutput

  /// - Throws: `MemoryError` or `BusError` if there can be no such machine.
  init(_ preparation: RunPreparation, description: MachineDescription = .p6, timing: TimingLevel) throws {
    let debugOutput = DebugOutput()
    machine = try Machine(
      description.configuration(
        memoryBytes: preparation.memory.bytes, rom: BootROM.image(handover: preparation.plan.handover),
        timing: timing)
    ) { debugOutput.send($0) }
    self.debugOutput = debugOutput
    image = preparation.image
    try preparation.plan.load(into: machine.memory)
    machine.onMissingOperation = { name in
      StandardError.write("pagewalk: the guest met \(name), which this processor has not: #UD\n")
    }
  }

  // MARK: Running

  var cycle: UInt64 { machine.cycle }

  /// The line paces what it is given, and a slice leaves it time for more than this.
  var consoleRoom: Int { 64 }

  func receive(_ bytes: [UInt8]) { machine.receive(bytes) }

  func takeConsoleOutput(draining: Bool) -> [UInt8] {
    debugOutput.flush()
    return machine.takeSerialOutput(draining: draining)
  }

  func run(untilCycle cycle: UInt64) -> MachineStop {
    switch machine.run(untilCycle: cycle) {
    case .exit(let value): .exited(value)
    case .tripleFault: .tripleFault(postMortem)
    case .halted: .halted
    case .waiting: .waitingForInput
    case .reset: .reset
    case .cycleLimit, .interrupted: .reachedCycle
    }
  }

  // MARK: Looking

  var position: GuestPosition {
    let registers = machine.registers
    let linear = registers[SegmentRegister.cs].base &+ registers.eip
    return GuestPosition(eip: registers.eip, symbol: symbol(at: linear, registers), cycle: machine.cycle)
  }

  /// Such as "kernel_main+0x14". Before paging is on, code runs at its physical addresses.
  private func symbol(at linear: UInt32, _ registers: RegisterFile) -> String? {
    guard let elf = image.elf else { return nil }
    let isPaged = CR0(rawValue: registers.cr0).contains(.paging)
    let found =
      isPaged
      ? elf.symbols.symbol(at: linear) ?? elf.symbol(atPhysical: linear)
      : elf.symbol(atPhysical: linear) ?? elf.symbols.symbol(at: linear)
    return found.map { $0.symbol.displayName + ($0.offset == 0 ? "" : "+0x" + String($0.offset, radix: 16)) }
  }

  private var postMortem: PostMortem {
    let registers = machine.registers
    let entries = machine.faultHistory.entries
    let faults = entries.map { entry in
      PostMortem.Fault(
        vector: entry.vector, errorCode: entry.vector.pushesErrorCode ? entry.errorCode : nil,
        linear: entry.vector == .pageFault ? entry.cr2 : nil)
    }
    let walk = entries.last { $0.vector == .pageFault }.map { entry in
      let code = PageFaultErrorCode(rawValue: entry.errorCode)
      let kind: PageAccess.Kind =
        code.contains(.instructionFetch) ? .fetch : code.contains(.write) ? .write : .read
      return machine.walk(LinearAddress(entry.cr2), PageAccess(kind, user: code.contains(.user)))
    }
    return PostMortem(
      position: position, faults: faults, cr0: registers.cr0, cr2: registers.cr2, cr3: registers.cr3,
      cr4: registers.cr4, failedWalk: walk.map { $0.steps.map(\.line) } ?? [])
  }

  var statistics: RunStatistics {
    let counters = machine.counters
    let paging = counters.paging
    let faults = counters.faults.enumerated().filter { $0.element > 0 }.map { vector, count in
      RunStatistics.Fault(
        vector: UInt8(truncatingIfNeeded: vector),
        name: ExceptionVector(rawValue: UInt8(truncatingIfNeeded: vector))?.mnemonic ?? "vector \(vector)",
        count: count)
    }
    return RunStatistics(
      instructions: counters.instructions, cycles: counters.cycles, idleCycles: counters.idleCycles,
      tlb: [
        .init(
          name: TLBArrayName.instruction4K.rawValue, hits: paging.instruction4KHits,
          misses: paging.instruction4KFills),
        .init(
          name: TLBArrayName.instructionLarge.rawValue, hits: paging.instructionLargeHits,
          misses: paging.instructionLargeFills),
        .init(name: TLBArrayName.data4K.rawValue, hits: paging.data4KHits, misses: paging.data4KFills),
        .init(
          name: TLBArrayName.dataLarge.rawValue, hits: paging.dataLargeHits, misses: paging.dataLargeFills),
      ],
      walks: .init(count: paging.walks, references: paging.walkReferences), faults: faults,
      interrupts: counters.interrupts,
      mmio: .init(reads: counters.bus.mmioReads, writes: counters.bus.mmioWrites),
      ports: .init(reads: counters.bus.portReads, writes: counters.bus.portWrites))
  }
}

extension PageWalk.Step {
  /// One line for people: which entry, where it was read, its bits, and what it meant.
  fileprivate var line: String {
    let name =
      switch level {
      case .pdpte: "PDPTE"
      case .pde: "PDE  "
      case .pte: "PTE  "
      }
    let source = address.map { "memory \(PhysicalAddress($0))" } ?? "register        "
    let meaning =
      switch verdict {
      case .references: "points to the next level"
      case .maps: "maps the page"
      case .notPresent: "not present"
      case .reservedBits(let bits): "reserved bits set: \(hexadecimal(bits, digits: 16))"
      case .forbidden(.user): "supervisor only"
      case .forbidden(.userWrite): "read-only"
      case .forbidden(.supervisorWrite): "read-only, and CR0.WP is set"
      case .forbidden(.execute): "no execution (NX)"
      case .updated: "A or D set"
      }
    return "\(name)  \(source)  \(hexadecimal(value, digits: 16))  \(meaning)"
  }
}

/// Port E9h on standard error, in whole lines where possible.
private final class DebugOutput {
  private var buffer: [UInt8] = []

  func send(_ byte: UInt8) {
    buffer.append(byte)
    if byte == UInt8(ascii: "\n") || buffer.count >= 4096 { flush() }
  }

  func flush() {
    guard !buffer.isEmpty else { return }
    FileOutput.write(buffer[...], to: StandardError.descriptor)
    buffer.removeAll(keepingCapacity: true)
  }
}
