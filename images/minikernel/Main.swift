/// Called when console, memory and interrupt controllers work. The result is the exit status.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  var demonstration = Demonstration(kernel)
  return demonstration.run() ? 0 : 1
}
