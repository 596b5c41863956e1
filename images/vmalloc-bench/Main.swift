/// Runs every load in every setup and prints what each extra saves. The result is the exit status.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  let before = kernel.freeCounts()
  let console = kernel.console
  var bench = Bench(kernel)
  console.newline().style(.heading).text("vmalloc: what the extras save. Loads of ").decimal(
    Bench.repetitions
  )
  .line(" operations.").style(.plain)
  bench.run()
  kernel.purgeLazyAreas()
  kernel.releaseEmptyTables()
  let passed = bench.passed && kernel.freeCounts() == before && kernel.warnings == 0
  console.newline().style(passed ? .good : .bad).text(passed ? "PASS" : "FAIL").style(.plain).newline()
  return passed ? 0 : 1
}
