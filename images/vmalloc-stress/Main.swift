/// Makes random calls and says whether the kernel did what the model says. The result is the exit status.
///
/// Words of the command line: `seed=N` and `operations=N`; `lazy`, `tree` and `huge` for the extras; `break-flush` makes the
/// kernel forget the TLB half-way.
func imageMain(_ kernel: Kernel<Processor>) -> UInt8 {
  let seed = kernel.commandLineNumber("seed") ?? 1
  let operations = kernel.commandLineNumber("operations") ?? 5000
  if kernel.commandLineContains("lazy") { kernel.tlbFlushPolicy = .lazy }
  if kernel.commandLineContains("tree") { kernel.areaSearch = .tree }
  kernel.allowsHugePages = kernel.commandLineContains("huge")
  let console = kernel.console
  console.newline().style(.heading).text("vmalloc under stress: seed ").decimal(seed).text(", ").decimal(
    operations
  )
  .line(" operations").style(.plain)

  var stress = Stress(kernel, seed: seed)
  let breakAt = kernel.commandLineContains("break-flush") ? operations / 2 : UInt32.max
  for number in 0..<operations {
    if number == breakAt { kernel.tlbFlushPolicy = .never }
    stress.step()
    // The list against the model takes time in proportion to the areas: now and then.
    if stress.problem == nil, number & 127 == 127 { stress.compareList() }
    if let problem = stress.problem {
      return fail(console, problem, seed: seed, operation: number, stress)
    }
  }
  stress.giveEverythingBack()
  if let problem = stress.problem { return fail(console, problem, seed: seed, operation: operations, stress) }
  stress.printSummary()
  console.newline().style(.good).text("PASS").style(.plain).newline()
  return 0
}

/// Operations are counted from 0; the one after the last is the giving back.
private func fail(
  _ console: Console<Processor>, _ problem: Problem, seed: UInt32, operation: UInt32,
  _ stress: borrowing Stress
) -> UInt8 {
  console.newline().style(.bad).text("FAIL").style(.plain).text(": seed ").decimal(seed).text(", operation ")
    .decimal(operation).text(" (").text(stress.operation).text("): ").text(problem.sentence).text(" (")
    .hexadecimal(problem.address.rawValue, digits: 8).line(")")
  return 1
}
