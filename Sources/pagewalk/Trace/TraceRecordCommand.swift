import ArgumentParser
import Emulator
import GuestImages
import MachineDescriptions
import Reports
import Runs
import Traces

/// `pagewalk trace record`.
struct TraceRecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Run an image and write down what it does.",
    discussion: """
      The status is 0 when the trace is complete, however the guest ends: that is a part of the trace. \
      The guest's console is printed as by 'run'; it gets no input but --input. A file that ends in .trace is text, any other \
      binary. The image's path is kept as it is given: relative to the project's folder, it is found on other machines too.

      The kinds of events: \(EventKinds.names.joined(separator: ", ")).

      Examples:
        pagewalk trace record -e walk,pte-store,flush,fault .build/images/minikernel.elf -o kernel.pwt
        pagewalk trace record -e flush,fault,mode kernel.elf -o Tests/Golden/kernel.trace
        pagewalk trace record -e all --cycles 1000000-1100000 kernel.elf -o window.pwt
        pagewalk trace record -e access --address c8000000-c8000fff --symbol vmalloc kernel.elf -o area.pwt
      """)

  @Argument(help: "The file to boot.", completion: .file())
  var image: String

  @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  @OptionGroup var selection: TraceSelection
  @OptionGroup var guest: TraceGuestOptions

  @Flag(help: "Write text, one event a line, whatever the file's name.")
  var text = false

  @Flag(help: "In text, also write each event's instruction number and cycle.")
  var exact = false

  @Flag(help: "Don't print the guest's console.")
  var quiet = false

  func run() throws {
    let isText = text || output.hasSuffix(".trace")
    var header = try guest.header(image: image)
    header.kinds = selection.kinds
    header.filter = try selection.filter()
    header.isExact = exact || !isText
    let setup = try TraceSetup(header, imagePath: image, description: guest.description())
    Interruption.install()
    let recording = try TraceRecording(
      setup, path: output, form: isText ? .text : .binary,
      output: TerminalConsole(.output, isQuiet: quiet), isInterrupted: { Interruption.isRequested })
    try recording.recordAndReport(to: output)
  }
}

extension TraceRecording {
  /// Records, and says what came of it on standard error.
  func recordAndReport(to path: String) throws {
    let result = try record()
    StandardError.report(["\(result.path): \(result.events) events, \(result.ending.reason.title)"])
    if result.path != path { StandardError.report(["\(path): left as it was"]) }
    if result.ending.reason == .interrupted { throw ExitCode(ExitStatus.interrupted) }
  }
}

/// Which events.
struct TraceSelection: ParsableArguments {
  @Option(
    name: [.customShort("e"), .customLong("events")],
    help: ArgumentHelp(
      "The kinds of events, or all. (default: \(TraceSelection.defaultKinds.list))", valueName: "kind,..."),
    transform: { try EventKinds(list: $0) })
  var kinds = TraceSelection.defaultKinds

  static let defaultKinds = EventKinds([.walk, .flush, .pteStore, .fault])

  @Option(
    help: ArgumentHelp(
      "Only events that concern these addresses, linear or physical, in hexadecimal. May be repeated.",
      valueName: "low-high"))
  var address: [String] = []

  @Option(help: ArgumentHelp("Only what happens in this function. May be repeated.", valueName: "name"))
  var symbol: [String] = []

  @Option(help: ArgumentHelp("Only what happens at this CPL. May be repeated.", valueName: "0-3"))
  var ring: [UInt8] = []

  @Option(help: ArgumentHelp("Only these cycles. The run ends behind them.", valueName: "first-last"))
  var cycles: String?

  func filter() throws -> TraceFilter {
    var filter = TraceFilter()
    for text in address {
      guard let range = TraceFilter.parseAddresses(text) else {
        throw ValidationError("'\(text)' is not a range of addresses; expected such as c8000000-c8000fff")
      }
      filter.addresses.append(range)
    }
    filter.symbols = symbol
    guard ring.allSatisfy({ $0 < 4 }) else { throw ValidationError("a ring is a number from 0 to 3") }
    filter.rings = ring
    if let cycles {
      guard let range = TraceFilter.parseCycles(cycles) else {
        throw ValidationError("'\(cycles)' is not a window of cycles; expected such as 1000000-2000000")
      }
      filter.cycles = range
    }
    return filter
  }
}

/// What runs.
struct TraceGuestOptions: ParsableArguments {
  @OptionGroup var options: MachineOptions

  @OptionGroup var peripherals: PeripheralOptions

  @Option(help: ArgumentHelp("Stop after this many clock cycles.", valueName: "n"))
  var maxCycles: UInt64?

  @Option(
    help: ArgumentHelp(
      """
      A file with what is typed at the guest's serial port, from this cycle on (by default as soon as the firmware is \
      through). The trace keeps it. May be repeated.
      """, valueName: "file[@cycle]"),
    completion: .file())
  var input: [String] = []

  /// How many bytes may be typed: they are kept in the trace.
  static let maxInput = 1 << 16

  func description() throws -> MachineDescription { try options.description() }

  /// A header without events and digests.
  func header(image: String) throws -> TraceHeader {
    let description = try description()
    var header = TraceHeader(
      image: image, imageDigest: "", memoryBytes: options.memorySize(description).bytes,
      timing: options.timing, machine: description.yaml, kinds: [])
    header.commandLine = options.append
    header.start = options.start
    header.modules = options.module.map { TraceHeader.Module(argument: $0, digest: "") }
    header.hasKeyboard = peripherals.keyboard
    header.epoch = peripherals.rtc?.epoch
    if let disk = peripherals.disk {
      guard !disk.hasSuffix(":rw") else {
        throw ValidationError(
          "a disk with :rw does not go with a trace: the next run would find another disk")
      }
      header.disk = TraceHeader.Disk(file: disk, checksum: 0)
    }
    header.maxCycles = maxCycles
    for text in input {
      let (file, cycle) = InputOption.split(text)
      let bytes = try HostFile.read(file)
      if let cycle {
        header.timedInput.append(TraceHeader.TimedInput(cycle: cycle, bytes: bytes))
      } else {
        header.input += bytes
      }
    }
    let count = header.timedInput.reduce(header.input.count) { $0 + $1.bytes.count }
    guard count <= Self.maxInput else {
      throw ValidationError("the input is \(count) bytes long; a trace keeps up to \(Self.maxInput)")
    }
    return header
  }
}
