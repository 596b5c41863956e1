import Emulator
import GuestImages
import HostFiles

/// Everything that decides what a run does and what was kept of it: enough to do it again.
public struct TraceHeader: Hashable, Sendable {
  /// The version of the format that this program reads and writes.
  public static let version = 2

  /// A file handed to the guest: `FILE[:STRING]` as on the command line, and the file's SHA-256.
  public struct Module: Hashable, Sendable {
    /// As on the command line.
    public var argument: String
    /// 64 hexadecimal digits.
    public var digest: String

    /// A module of a guest.
    public init(argument: String, digest: String) {
      self.argument = argument
      self.digest = digest
    }
  }

  /// The disk's file, as it was given, and a checksum of its contents.
  public struct Disk: Hashable, Sendable {
    /// The path.
    public var file: String
    /// Of its bytes.
    public var checksum: UInt64

    /// A guest's disk.
    public init(file: String, checksum: UInt64) {
      self.file = file
      self.checksum = checksum
    }
  }

  /// What was typed at the guest's serial port from a cycle on.
  public struct TimedInput: Hashable, Sendable {
    /// The first instruction boundary at or after it.
    public var cycle: UInt64
    /// What was typed.
    public var bytes: [UInt8]

    /// Input from a cycle on.
    public init(cycle: UInt64, bytes: [UInt8]) {
      self.cycle = cycle
      self.bytes = bytes
    }
  }

  /// The image's path, as it was given.
  public var image: String
  /// What of it is loaded, as `ImageDigest` counts it.
  public var imageDigest: String
  /// What was decided about how the image is started.
  public var start = StartChoice()
  /// The guest's command line.
  public var commandLine = ""
  /// The files handed to the guest, in their order.
  public var modules: [Module] = []
  /// Bytes of RAM.
  public var memoryBytes: UInt64
  /// How much of the time is modelled.
  public var timing: TimingLevel
  /// The machine's description in YAML.
  public var machine: String
  /// Whether a keyboard is plugged in: what is typed comes by it then.
  public var hasKeyboard = false
  /// When the real-time clock's time begins, in seconds since 1970; nil for the usual moment.
  public var epoch: Int64?
  /// The disk of the primary IDE channel; nil where there is none.
  public var disk: Disk?
  /// The run ends at this cycle; nil where the guest ends it.
  public var maxCycles: UInt64?
  /// What was typed at the guest's serial port, from the first moment on.
  public var input: [UInt8] = []
  /// What was typed from given cycles on, in the order given.
  public var timedInput: [TimedInput] = []
  /// The kinds recorded.
  public var kinds: EventKinds
  /// Which events of these kinds are kept.
  public var filter = TraceFilter()
  /// Whether events carry the instruction's number and the cycle. Text leaves them out where it is to be read by `git diff`:
  /// one more instruction would change every line.
  public var isExact = true

  /// A header whose other parts are empty.
  public init(
    image: String, imageDigest: String, memoryBytes: UInt64, timing: TimingLevel, machine: String,
    kinds: EventKinds
  ) {
    self.image = image
    self.imageDigest = imageDigest
    self.memoryBytes = memoryBytes
    self.timing = timing
    self.machine = machine
    self.kinds = kinds
  }

  /// The header as lines, the version not among them.
  public var lines: [String] {
    var lines = [
      "image: \(HeaderText.quote(image))", "image-sha256: \(imageDigest)",
      "command-line: \(HeaderText.quote(commandLine))",
    ]
    if let name = start.bootProtocol?.rawValue { lines.append("protocol: \(name)") }
    if let address = start.loadAddress { lines.append("load-address: \(String(address, radix: 16))") }
    lines += modules.map { "module: \($0.digest) \(HeaderText.quote($0.argument))" }
    lines += ["memory: \(memoryBytes)", "timing: \(timing.rawValue)"]
    if hasKeyboard { lines.append("keyboard: yes") }
    if let epoch { lines.append("clock-start: \(epoch)") }
    if let disk { lines.append("disk: \(HeaderText.digits(disk.checksum)) \(HeaderText.quote(disk.file))") }
    if let maxCycles { lines.append("max-cycles: \(maxCycles)") }
    if !input.isEmpty { lines.append("input: \(HeaderText.quote(input))") }
    lines += timedInput.map { "input-at: \($0.cycle) \(HeaderText.quote($0.bytes))" }
    lines += ["events: \(kinds.list)", "exact: \(isExact ? "yes" : "no")"]
    lines += filter.lines
    lines.append("machine:")
    lines += machine.split(separator: "\n").map { "  \($0)" }
    return lines
  }

  /// - Throws: `TraceError` for a line that no recorder of this version writes.
  public init(lines: some Sequence<String>, file: String) throws(TraceError) {
    self.init(image: "", imageDigest: "", memoryBytes: 0, timing: .full, machine: "", kinds: [])
    var isInMachine = false
    for line in lines {
      guard PrintableText.isPrintable(line) else { throw Self.meaningless(line, file) }
      if isInMachine, line.hasPrefix("  ") {
        machine += line.dropFirst(2) + "\n"
        continue
      }
      isInMachine = line == "machine:"
      if isInMachine { continue }
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[1].hasPrefix(" "), read(String(parts[0]), String(parts[1].dropFirst()))
      else { throw Self.meaningless(line, file) }
    }
    guard !imageDigest.isEmpty, memoryBytes > 0, !machine.isEmpty, !kinds.isEmpty else {
      throw TraceError(
        file: file, .corrupt, "its header is not complete",
        expected: "image-sha256, memory, events and machine among its lines")
    }
  }

  private static func meaningless(_ line: String, _ file: String) -> TraceError {
    TraceError(
      file: file, .corrupt, "its header has the line '\(PrintableText.excerpt(line))', which means nothing",
      expected: "a header as docs/trace-format.md describes it")
  }

  private mutating func read(_ key: String, _ value: String) -> Bool {
    switch key {
    case "image": return set(\.image, HeaderText.unquote(value))
    case "image-sha256":
      guard value.utf8.count == 64, value.utf8.allSatisfy({ Self.isDigit($0) }) else { return false }
      imageDigest = value
    case "command-line": return set(\.commandLine, HeaderText.unquote(value))
    case "module":
      guard value.utf8.count > 65, let name = HeaderText.unquote(String(value.dropFirst(65))) else {
        return false
      }
      modules.append(
        Module(argument: HostName.string(name), digest: String(value.prefix(64))))
    case "protocol":
      guard let named = BootProtocol(rawValue: value) else { return false }
      start.bootProtocol = named
    case "load-address":
      guard let address = StartChoice.parseAddress(value) else { return false }
      start.loadAddress = address
    case "memory":
      guard let bytes = UInt64(value) else { return false }
      memoryBytes = bytes
    case "timing":
      guard let level = TimingLevel(rawValue: value) else { return false }
      timing = level
    case "keyboard":
      guard value == "yes" else { return false }
      hasKeyboard = true
    case "clock-start":
      guard let seconds = Int64(value) else { return false }
      epoch = seconds
    case "disk":
      guard value.utf8.count > 17, let checksum = UInt64(value.prefix(16), radix: 16),
        let name = HeaderText.unquote(String(value.dropFirst(17)))
      else { return false }
      disk = Disk(file: HostName.string(name), checksum: checksum)
    case "max-cycles":
      guard let cycles = UInt64(value) else { return false }
      maxCycles = cycles
    case "input":
      guard let bytes = HeaderText.unquote(value) else { return false }
      input = bytes
    case "input-at":
      let parts = value.split(separator: " ", maxSplits: 1).map(String.init)
      guard parts.count == 2, let cycle = UInt64(parts[0]), let bytes = HeaderText.unquote(parts[1]) else {
        return false
      }
      timedInput.append(TimedInput(cycle: cycle, bytes: bytes))
    case "events":
      guard let kinds = try? EventKinds(list: value) else { return false }
      self.kinds = kinds
    case "exact":
      guard value == "yes" || value == "no" else { return false }
      isExact = value == "yes"
    default: return filter.read(key, value)
    }
    return true
  }

  private mutating func set(_ field: WritableKeyPath<TraceHeader, String>, _ bytes: [UInt8]?) -> Bool {
    guard let bytes else { return false }
    self[keyPath: field] = HostName.string(bytes)
    return true
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }
}
