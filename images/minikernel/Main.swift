/// Called when console, memory and interrupt controllers work. The result is the exit status.
///
/// Words of the command line: `color`; `cycles` prints the cycle counter at the end, the one line that differs between
/// machines; `crash=panic` and `crash=fault` show how the kernel dies.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  if kernel.commandLineContains("crash=panic") { kernel.panic("asked for on the command line") }
  if kernel.commandLineContains("crash=fault") { crash(kernel) }
  var demonstration = Demonstration(kernel)
  let passed = demonstration.run()
  if kernel.commandLineContains("cycles") {
    kernel.console.text("cycles since reset: ")
      .hexadecimal(kernel.hardware.readCycleCounter(), digits: 16).newline()
  }
  return passed ? 0 : 1
}

/// Reads where nothing is mapped, without an entry in the exception table.
@inline(never)
private func crash(_ kernel: Kernel<Processor>) {
  kernel.hardware.store32(kernel.vmallocEnd, kernel.hardware.load32(kernel.highMemory))
}
