/// Runs the tour. The result is the exit status.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  var tour = Tour(kernel)
  return tour.run() ? 0 : 1
}
