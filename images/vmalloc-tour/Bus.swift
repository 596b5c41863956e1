/// Registers of the machine's demonstration device, by offset.
private enum Register {
  static let identification: UInt32 = 0x00
  static let scratch: UInt32 = 0x08
  static let counter: UInt32 = 0x0C
  static let interruptEnable: UInt32 = 0x18
  static let interruptStatus: UInt32 = 0x1C
  static let timer: UInt32 = 0x20
}

/// What `identification` reads: "PGWK".
private let demonstrationDevice: UInt32 = 0x4B57_4750

/// Interrupts seen, and where the device that sent them is mapped. Written by the handler.
nonisolated(unsafe) private var interrupts: UInt32 = 0
nonisolated(unsafe) private var interruptingDevice = KernelAddress.null

/// Counts, and takes the request back at the device.
private func deviceInterrupt() {
  Processor().store32(interruptingDevice + Register.interruptStatus, 1)
  interrupts += 1
}

extension Tour {
  /// Chapter 6: a device below 4 GiB and one above.
  mutating func bus() {
    console.heading("6. ioremap")
    let warnings = kernel.warnings
    console.text("  ")
    claims.check(
      "ordinary RAM is refused",
      (try? kernel.ioremap(32 << 12, pageSize)) == nil && kernel.warnings > warnings)
    claims.check(
      "ISA's range comes from the direct map", (try? kernel.ioremap(0xB8000, 4000))?.rawValue == 0xC00B_8000)
    drive("below 4 GiB", 0xFED1_0000, line: 10)
    drive("above 4 GiB", 0xF_0000_0000, line: 11)
  }

  private mutating func drive(_ place: StaticString, _ physical: UInt64, line: UInt32) {
    console.newline().text("  The device ").text(place).text(", at ").hexadecimal(physical, digits: 10).line(
      ":")
    guard let registers = try? kernel.ioremapNoCache(physical, pageSize) else {
      console.line("  cannot be mapped: RAM is there, or the processor has too few address lines.")
      return
    }
    defer { kernel.iounmap(registers) }
    if kernel.hardware.load32(registers + Register.identification) != demonstrationDevice {
      console.line("  is not in this machine.")
      return
    }
    console.newline()
    if let area = kernel.findVMArea(registers.pageStart) { kernel.printArea(area) }
    let flags = kernel.kernelTableEntry(registers).map { kernel.entry(at: $0).flags }
    claims.check("its page is marked uncached", flags?.contains(.cacheDisabled) == true)
    kernel.hardware.store32(registers + Register.scratch, 0x1234_5678)
    claims.check(
      "a register keeps what is written", kernel.hardware.load32(registers + Register.scratch) == 0x1234_5678)
    kernel.hardware.store32(registers + Register.counter, 7)
    let first = kernel.hardware.load32(registers + Register.counter)
    claims.check(
      "every read reaches the device", kernel.hardware.load32(registers + Register.counter) == first &+ 1)
    claims.check("its timer's interrupt is handled", awaitInterrupt(registers, line))
  }

  private func awaitInterrupt(_ registers: KernelAddress, _ line: UInt32) -> Bool {
    interrupts = 0
    interruptingDevice = registers
    requestInterrupt(kernel, line, deviceInterrupt)
    kernel.hardware.store32(registers + Register.interruptEnable, 1)
    kernel.hardware.store32(registers + Register.timer, 1000)
    kernel.hardware.waitForInterrupt()
    _ = kernel.hardware.saveAndDisableInterrupts()
    kernel.hardware.store32(registers + Register.interruptEnable, 0)
    freeInterrupt(kernel, line)
    return interrupts == 1
  }
}
