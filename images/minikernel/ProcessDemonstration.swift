import GuestHardware

extension Demonstration {
  /// A process that was made before the area: the kernel, running on the process's tables, gets at the area by
  /// `vmalloc_fault`, and ring 3 does not get at it at all.
  mutating func useFromProcess(_ process: Process<Processor>, _ area: VMArea<Processor>) {
    guard let page = kernel.mapUserPage(process, userProgram, writable: false) else {
      check("a page for the program", false)
      return
    }
    kernel.switchTo(process)
    console.text("  Process ").decimal(process.pid).text(" runs: CR3 = ")
      .hexadecimal(kernel.hardware.readCR3(), digits: 8).line(". Its tables are older than the area.")
    // Kernel pages are global: what the TLB knows of the area outlives the load of CR3, and would hide the fault.
    kernel.flushTLBOne(area.start)
    let faults = kernel[word: KernelVariable.vmallocFaults]
    let word = kernel.hardware.load32(area.start)
    check(
      "the first read faults, and vmalloc_fault copies one entry",
      kernel[word: KernelVariable.vmallocFaults] == faults &+ 1)
    kernel.switchTo(nil)
    check("what it read is what the reference table's owner sees", kernel.hardware.load32(area.start) == word)
    kernel.switchTo(process)
    check("ring 3: a program returns 42 by INT 80h", run(.returnNumber, 42, in: page) == 42)
    check(
      "ring 3: a program that reads the area is stopped by a page fault",
      run(.readWord, area.start.rawValue, in: page) == userResult(14, 5))
    kernel.switchTo(nil)
  }

  /// What a program of ring 3 does before INT 80h: the first byte of its MOV to EAX.
  private enum Instruction: UInt8 {
    /// MOV EAX, imm32
    case returnNumber = 0xB8
    /// MOV EAX, [moffs32]
    case readWord = 0xA1
  }

  /// Where programs lie, in the process's own part.
  private var userProgram: KernelAddress { KernelAddress(0x0804_8000) }

  /// Writes a program of two instructions into the page and runs it.
  private func run(_ instruction: Instruction, _ operand: UInt32, in page: Page<Processor>) -> UInt32 {
    let code = kernel.kmapAtomic(page, .user0)
    kernel.hardware.store8(code, instruction.rawValue)
    for index in 0..<UInt32(4) {
      kernel.hardware.store8(code + 1 + index, UInt8(truncatingIfNeeded: operand >> (8 &* index)))
    }
    kernel.hardware.store8(code + 5, 0xCD)
    kernel.hardware.store8(code + 6, 0x80)
    if kernel.isHighMemory(page) { kernel.kunmapAtomic(.user0) }
    return guest_enter_user(userProgram.rawValue, (userProgram + pageSize).rawValue)
  }
}
