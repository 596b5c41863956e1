import Emulator
import GuestImages
import IA32

/// The emulator's machine with a guest in it, as the run loop sees it.
final class EmulatedMachine: RunnableMachine {
  let machine: Machine
  private let image: GuestImage

  /// Builds the machine and puts the guest into its memory.
  /// - Throws: `MemoryError`, `BusError`.
  init(_ preparation: RunPreparation, memory: MemorySize, timing: TimingLevel) throws {
    image = preparation.image
    machine = try Machine(
      MachineConfiguration(
        memoryBytes: memory.bytes, rom: BootROM.image(handover: preparation.plan.handover), timing: timing)
    ) { byte in
      FileOutput.write([byte], to: 2)
    }
    machine.onMissingOperation = { name in
      StandardError.write("pagewalk: the guest used \(name), which this processor does not have: #UD\n")
    }
    // RAM starts out zero, so the plan's zero fills are there already.
    for write in preparation.plan.writes { try machine.memory.write(write.bytes, at: write.address) }
  }

  var cycle: UInt64 { machine.cycle }

  var position: GuestPosition {
    let eip = machine.registers.eip
    return GuestPosition(eip: eip, symbol: symbol(at: eip), cycle: machine.cycle)
  }

  var consoleRoom: Int { machine.serial.room }

  func receive(_ bytes: [UInt8]) { machine.receive(bytes) }

  func takeConsoleOutput() -> [UInt8] { machine.takeSerialOutput() }

  func run(untilCycle cycle: UInt64) -> MachineStop {
    switch machine.run(untilCycle: cycle) {
    case .cycleLimit, .interrupted: return .reachedCycle
    case .exit(let value): return finished(.exited(value))
    case .tripleFault: return finished(.tripleFault(postMortem))
    case .halted: return finished(.halted)
    case .reset: return finished(.reset)
    case .waiting: return .waitingForInput
    }
  }

  /// What the guest sent last is on its way through the transmitter; no more time will pass for it.
  private func finished(_ stop: MachineStop) -> MachineStop {
    machine.serial.drain()
    return stop
  }

  // MARK: After the end

  /// "name+offset" for a linear address, or for a physical one while paging is off.
  private func symbol(at address: UInt32) -> String? {
    guard let found = image.symbols.symbol(at: address) ?? image.elf?.symbol(atPhysical: address) else { return nil }
    let name = demangle(found.symbol.name) ?? found.symbol.name
    return found.offset == 0 ? name : "\(name)+0x\(String(found.offset, radix: 16))"
  }

  private var postMortem: PostMortem {
    let registers = machine.registers
    let entries = machine.faultHistory.entries
    var position = self.position
    if let first = entries.first {
      position.eip = first.eip
      position.symbol = symbol(at: first.eip)
    }
    let faults = entries.map { entry in
      PostMortem.Fault(
        vector: entry.vector, errorCode: entry.vector.pushesErrorCode ? entry.errorCode : nil,
        linear: entry.vector == .pageFault ? entry.cr2 : nil)
    }
    var walk: [String] = []
    if let fault = entries.last(where: { $0.vector == .pageFault }) {
      walk = WalkText.lines(of: machine, fault)
    }
    return PostMortem(
      position: position, faults: faults, cr0: registers.cr0, cr2: registers.cr2, cr3: registers.cr3,
      cr4: registers.cr4, failedWalk: walk)
  }

  var statistics: RunStatistics {
    let counts = machine.counters
    let paging = counts.paging
    return RunStatistics(
      instructions: counts.instructions, cycles: counts.cycles,
      tlb: [
        .init(
          name: TLBArrayName.instruction4K.rawValue, hits: paging.instruction4KHits, misses: paging.instruction4KFills),
        .init(
          name: TLBArrayName.instructionLarge.rawValue, hits: paging.instructionLargeHits,
          misses: paging.instructionLargeFills),
        .init(name: TLBArrayName.data4K.rawValue, hits: paging.data4KHits, misses: paging.data4KFills),
        .init(name: TLBArrayName.dataLarge.rawValue, hits: paging.dataLargeHits, misses: paging.dataLargeFills),
      ],
      walks: .init(count: paging.walks, references: paging.walkReferences),
      faults: counts.faults.enumerated().filter { $0.element > 0 }.map { vector, count in
        .init(
          vector: UInt8(vector), name: ExceptionVector(rawValue: UInt8(vector))?.mnemonic ?? "vector \(vector)",
          count: count)
      },
      mmio: .init(reads: counts.bus.mmioReads, writes: counts.bus.mmioWrites),
      ports: .init(reads: counts.bus.portReads, writes: counts.bus.portWrites))
  }
}
