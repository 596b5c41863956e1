import Emulator
import IA32

extension AuditRun {
  private typealias Layout = KernelLayout.Process

  /// The processes' tables, and which of them runs.
  func checkProcesses() {
    let current = variable(.currentProcess)
    var running: UInt32? = current == 0 ? referenceCR3 : nil
    var seen: Set<UInt32> = []
    var next = variable(.processList)
    while next != 0 {
      guard next % 4 == 0, isDirectlyMapped(next), seen.insert(next).inserted else {
        report(.runningTable, "process_list leads to \(hex(next)), where no further process can be")
        break
      }
      let pid = field(next, Layout.pid) ?? 0
      let table = field(next, Layout.pointerTable) ?? 0
      if table % 32 == 0 && isDirectlyMapped(table) {
        if next == current { running = table - KernelLayout.pageOffset }
        checkProcess(next, pid, cr3: table - KernelLayout.pageOffset)
      } else {
        report(.tablePlace, "the pointer table of process \(pid) is at \(hex(table)), which CR3 cannot name")
      }
      next = field(next, Layout.next) ?? 0
    }
    guard let running else {
      report(.runningTable, "current_process is \(hex(current)), which is not in process_list")
      return
    }
    let registers = machine.registers
    expect(
      registers.cr3 & ~31 == running, .runningTable,
      "CR3 is \(hex(registers.cr3)), but the tables of the running process are at \(hex(running))")
    for slot in 0..<4 {
      let entry = memory.doubleword(UInt64(running) + UInt64(slot) * 8) ?? 0
      expect(
        registers.pdpte[slot] == entry, .runningTable,
        "PDPTE register \(slot) holds \(hex(registers.pdpte[slot])), but memory has \(hex(entry)): CR3 was not loaded again"
      )
    }
  }

  private func checkProcess(_ process: UInt32, _ pid: UInt32, cr3: UInt32) {
    for slot in 0..<UInt64(4) where (memory.doubleword(UInt64(cr3) + slot * 8) ?? 0) & 1 == 0 {
      report(.tablePlace, "process \(pid) has no page directory for gigabyte \(slot)")
    }
    if let kernelHalf = memory.doubleword(UInt64(cr3) + 24), kernelHalf & 1 != 0 {
      let directory = kernelHalf & 0x000F_FFFF_FFFF_F000
      addTable(directory, "the kernel's directory of process \(pid)")
      checkKernelHalf(directory, pid)
    }
    var pages: UInt32 = 0
    forEachMapping(
      in: 0..<UInt64(KernelLayout.pageOffset), cr3: cr3,
      onTable: { [self] table, linear, level in
        addTable(
          table, "the page \(level == .pde ? "directory" : "table") of process \(pid) for \(hex(linear))")
      }
    ) { mapping in
      pages += 1
      expect(
        mapping.translation.isUser, .userPages,
        "process \(pid) may not use its own page \(hex(mapping.linear))")
      owners[UInt32(truncatingIfNeeded: min(mapping.frame, 0xFFFF_FFFF)), default: []]
        .append("the page \(hex(mapping.linear)) of process \(pid)")
    }
    let counted = field(process, Layout.userPages) ?? 0
    expect(
      counted == pages, .userPages, "process \(pid) counts \(counted) pages of its own, and has \(pages)")
  }

  /// Each entry must be the reference table's; in the vmalloc range it may be missing, for a fault to bring it.
  private func checkKernelHalf(_ directory: UInt64, _ pid: UInt32) {
    let reference = UInt64(symbols[.swapperPageDirectory] - KernelLayout.pageOffset)
    // The processor sets A and D where it walks.
    let mask: UInt64 = ~0x60
    for index in 0..<UInt64(512) {
      let linear = KernelLayout.pageOffset + UInt32(index) << 21
      let copy = memory.doubleword(directory + index * 8) ?? 0
      let master = memory.doubleword(reference + index * 8) ?? 0
      let mayBeMissing = linear >= vmallocStart && linear < KernelLayout.vmallocEnd
      if copy & 1 == 0 && (mayBeMissing || master & 1 == 0) { continue }
      expect(
        copy & mask == master & mask, .kernelHalf,
        "process \(pid) has \(hex(copy)) as directory entry for \(hex(linear)), the reference table \(hex(master))"
      )
    }
  }
}
