import Emulator
import KernelAudit

@testable import MiniKernel

extension Kernel where HW == EmulatedHardware {
  /// Where the variables are that the auditor asks for, which in the guest the image's symbols say.
  private static let offsets: [KernelSymbol: UInt32] = [
    .swapperPageDirectory: KernelVariable.swapperPageDirectory, .kmapPageTable: KernelVariable.kmapPageTable,
    .fixmapPageTable: KernelVariable.fixmapPageTable,
    .swapperPointerTable: KernelVariable.swapperPointerTable,
    .memMap: KernelVariable.memMap, .maxFrame: KernelVariable.maxFrame,
    .maxLowFrame: KernelVariable.maxLowFrame, .highMemory: KernelVariable.highMemory,
    .vmlist: KernelVariable.vmlist, .vmallocStart: KernelVariable.vmallocStart,
    .currentProcess: KernelVariable.currentProcess, .processList: KernelVariable.processList,
    .pageTablePages: KernelVariable.pageTablePages, .tlbFlushPolicy: KernelVariable.tlbFlushPolicy,
    .memoryRangeCount: KernelVariable.memoryRangeCount,
    .reservedRangeCount: KernelVariable.reservedRangeCount, .lazyPages: KernelVariable.lazyPages,
    .areaSearch: KernelVariable.areaSearch, .areaRoot: KernelVariable.areaRoot,
    .updateDepth: KernelVariable.updateDepth, .zoneTable: KernelVariable.zoneTable,
    .kmallocCaches: KernelVariable.kmallocCaches, .kmapCounts: KernelVariable.kmapCounts,
    .memoryRanges: KernelVariable.memoryRanges, .reservedRanges: KernelVariable.reservedRanges,
  ]

  /// The auditor of this kernel's machine.
  var auditor: KernelAudit {
    get throws {
      let symbols = try KernelSymbols(file: "the host's kernel") { name in
        KernelSymbol(rawValue: name).flatMap { Self.offsets[$0] }.map { (address + $0).rawValue }
      }
      return KernelAudit(machine: hardware.machine, symbols: symbols)
    }
  }

  /// What the auditor finds wrong now, in words.
  func audit() throws -> [String] { try auditor.run().map(\.description) }
}
