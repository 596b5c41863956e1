import ArgumentParser

/// `pagewalk-bench`: runs the benchmark guest and prints how fast each of its workloads went.
@main
struct PagewalkBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pagewalk-bench",
    abstract: "Measures instructions a second on the benchmark guest.",
    discussion: """
      The guest says when a workload begins and ends; what passes in between on the host's clock is its time. \
      Instruction counts are the guest's own, from the time-stamp counter of the functional level, where one \
      cycle is one instruction (one element of a repeated string instruction counts as one too).
      """)

  @Option(help: "The emulator to measure.")
  var pagewalk = ".build/release/pagewalk"

  @Option(help: "The benchmark guest's ELF image.")
  var image = ".build/images/bench.elf"

  @Option(help: "Timing levels to measure, separated by commas; functional is always among them.")
  var timing = "functional"

  @Option(help: "Percent of the full work: 10 takes about a tenth of the time.")
  var scale = 100

  @Option(help: "Only this workload.")
  var only: String?

  @Option(help: "Runs of each emulator; the fastest time of each workload counts.")
  var runs = 1

  @Option(help: "Seconds after which a run is given up.")
  var timeout = 600

  @Flag(help: "Run the same image on qemu-system-i386 and bochs, where they are installed.")
  var peers = false

  @Flag(help: "Print the peak resident memory of our process.")
  var maxRss = false

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard (1...10_000).contains(scale) else {
      throw ValidationError("--scale is a percentage from 1 to 10000")
    }
    guard (1...100).contains(runs) else { throw ValidationError("--runs is a number from 1 to 100") }
    guard timeout > 0 else { throw ValidationError("--timeout is a number of seconds above 0") }
    if let only, only.isEmpty || !only.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) {
      throw ValidationError("--only takes one workload's name, such as crc32")
    }
  }

  func run() throws {
    do {
      try measure()
    } catch let error as BenchError {
      report("pagewalk-bench: \(error)")
      throw ExitCode(2)
    }
  }

  /// The timing levels to run, functional first: it is what counts instructions.
  private var levels: [String] {
    let asked = timing.split(separator: ",").map(String.init)
    return ["functional"] + asked.filter { $0 != "functional" }
  }

  private func measure() throws {
    guard isReadable(image) else { throw BenchError.missingFile(image, remedy: "make images") }
    guard isExecutable(pagewalk) else { throw BenchError.missingFile(pagewalk, remedy: "make build") }

    var emulators: [any Emulator] = levels.map { Pagewalk(path: pagewalk, timing: $0) }
    if peers { emulators += [QEMU(), Bochs()] as [any Emulator] }

    let guest = Guest(image: image, arguments: "scale=\(scale)" + (only.map { " only=\($0)" } ?? ""))
    var outcomes: [Outcome] = []
    for emulator in emulators {
      if let packages = emulator.missingPackages {
        outcomes.append(Outcome(emulator: emulator.name, note: "not installed: apt-get install \(packages)"))
        continue
      }
      do {
        outcomes.append(try best(of: emulator, guest))
      } catch let error as BenchError where outcomes.count >= levels.count {
        // A peer in trouble costs its own column, not the whole run.
        outcomes.append(Outcome(emulator: emulator.name, note: "not measured: \(error)"))
      }
    }

    let summary = try Summary(outcomes: outcomes, ours: levels.count)
    print(json ? try summary.json() : summary.table(showingPeakMemory: maxRss))
    guard summary.disagreements.isEmpty else { throw ExitCode(1) }
  }

  /// Runs `guest` as often as asked for and takes each workload's fastest time.
  private func best(of emulator: any Emulator, _ guest: Guest) throws -> Outcome {
    var best: Outcome?
    for run in 1...runs {
      report("running \(emulator.name)\(runs > 1 ? " (\(run) of \(runs))" : "") ...")
      let outcome = try emulator.run(guest, timeout: .seconds(timeout))
      best = try best?.faster(of: outcome) ?? outcome
    }
    guard let best else { throw BenchError.nothingMeasured(emulator.name) }
    return best
  }
}
