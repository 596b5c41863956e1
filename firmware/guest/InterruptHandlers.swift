/// Handlers of the sixteen interrupt lines. Written with interrupts off only, read in the trap.
nonisolated(unsafe) private var handlers = InlineArray<16, InterruptHandler?>(repeating: nil)

/// What a driver has called for its line, with interrupts off.
typealias InterruptHandler = @convention(c) () -> Void

/// Has `handler` called for interrupt line `line`, and opens the line (`request_irq`).
func requestInterrupt(_ kernel: Kernel<Processor>, _ line: UInt32, _ handler: @escaping InterruptHandler) {
  let enabled = kernel.hardware.saveAndDisableInterrupts()
  handlers[Int(line & 15)] = handler
  kernel.unmaskInterrupt(line & 15)
  kernel.hardware.restoreInterrupts(enabled)
}

/// Closes the line (`free_irq`).
func freeInterrupt(_ kernel: Kernel<Processor>, _ line: UInt32) {
  let enabled = kernel.hardware.saveAndDisableInterrupts()
  kernel.maskInterrupt(line & 15)
  handlers[Int(line & 15)] = nil
  kernel.hardware.restoreInterrupts(enabled)
}

func handleInterrupt(_ kernel: Kernel<Processor>, _ line: UInt32) {
  if kernel.isSpuriousInterrupt(line) { return }
  handlers[Int(line & 15)]?()
  kernel.endInterrupt(line)
}
