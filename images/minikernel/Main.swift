/// Called when console, memory and interrupt controllers work. The result is the exit status.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  var demonstration = Demonstration(kernel)
  let passed = demonstration.run()
  if kernel.commandLineContains("cycles") {
    // Asked for only, because it is the one line that differs between machines.
    kernel.console.text("cycles since reset: ").hexadecimal(kernel.hardware.readCycleCounter(), digits: 16)
      .newline()
  }
  return passed ? 0 : 1
}
