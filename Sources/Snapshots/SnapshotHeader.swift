import Emulator
import GuestImages
import HostFiles
import Traces

/// What a snapshot says of its machine: all that is needed to build it, and where it came from.
public struct SnapshotHeader: Hashable, Sendable {
  /// The version of the format that this program reads and writes.
  public static let version: UInt32 = 1

  /// A file of the host that the machine goes on needing, and a checksum of its bytes.
  public struct File: Hashable, Sendable {
    /// The path, as it was given.
    public var path: String
    /// Of its bytes.
    public var checksum: UInt64

    /// A file of the host.
    public init(path: String, checksum: UInt64) {
      self.path = path
      self.checksum = checksum
    }
  }

  /// The image that was booted: for names of addresses. What it loaded is in RAM.
  public var image: File
  /// What was decided about how the image is started.
  public var start = StartChoice()
  /// The guest's command line.
  public var commandLine = ""
  /// Bytes of RAM.
  public var memoryBytes: UInt64
  /// How closely time was modelled when the machine was switched on.
  public var timing: TimingLevel
  /// The machine's description in YAML.
  public var machine: String
  /// Whether a keyboard is plugged in.
  public var hasKeyboard = false
  /// When the real-time clock's time began; nil for the usual moment.
  public var epoch: Int64?
  /// The disk that the machine was started with; what the guest has written since is in the snapshot.
  public var disk: File?
  /// Where the machine stands.
  public var cycle: UInt64 = 0
  /// Instructions completed.
  public var instructions: UInt64 = 0

  /// A header whose other parts are empty.
  public init(image: File, memoryBytes: UInt64, timing: TimingLevel, machine: String) {
    self.image = image
    self.memoryBytes = memoryBytes
    self.timing = timing
    self.machine = machine
  }

  /// The machine's name, as its description has it; empty where it has none.
  public var machineName: String {
    let line = machine.split(separator: "\n").first { $0.hasPrefix("name: ") }
    return line.map { String($0.dropFirst(6).filter { $0 != "\"" }) } ?? ""
  }

  // MARK: As text

  /// The header as lines.
  public var lines: [String] {
    func text(_ file: File) -> String { "\(HeaderText.digits(file.checksum)) \(HeaderText.quote(file.path))" }
    var lines = [
      "cycle: \(cycle)", "instructions: \(instructions)", "image: \(text(image))",
      "command-line: \(HeaderText.quote(commandLine))",
    ]
    if let name = start.bootProtocol?.rawValue { lines.append("protocol: \(name)") }
    if let address = start.loadAddress { lines.append("load-address: \(String(address, radix: 16))") }
    lines += ["memory: \(memoryBytes)", "timing: \(timing.rawValue)"]
    if hasKeyboard { lines.append("keyboard: yes") }
    if let epoch { lines.append("clock-start: \(epoch)") }
    if let disk { lines.append("disk: \(text(disk))") }
    lines.append("machine:")
    return lines + machine.split(separator: "\n").map { "  \($0)" }
  }

  /// nil for lines that `lines` never gives.
  init?(lines: some Sequence<String>) {
    self.init(image: File(path: "", checksum: 0), memoryBytes: 0, timing: .full, machine: "")
    var isInMachine = false
    for line in lines {
      guard PrintableText.isPrintable(line) else { return nil }
      if isInMachine, line.hasPrefix("  ") {
        machine += line.dropFirst(2) + "\n"
        continue
      }
      isInMachine = line == "machine:"
      if isInMachine { continue }
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[1].hasPrefix(" "), read(String(parts[0]), String(parts[1].dropFirst()))
      else { return nil }
    }
    guard !image.path.isEmpty, memoryBytes > 0, !machine.isEmpty else { return nil }
  }

  private mutating func read(_ key: String, _ value: String) -> Bool {
    switch key {
    case "cycle": return set(\.cycle, UInt64(value))
    case "instructions": return set(\.instructions, UInt64(value))
    case "image": return set(\.image, Self.file(value))
    case "command-line": return set(\.commandLine, HeaderText.unquote(value).map { HostName.string($0) })
    case "protocol":
      guard let named = BootProtocol(rawValue: value) else { return false }
      start.bootProtocol = named
    case "load-address":
      guard let address = StartChoice.parseAddress(value) else { return false }
      start.loadAddress = address
    case "memory": return set(\.memoryBytes, UInt64(value))
    case "timing": return set(\.timing, TimingLevel(rawValue: value))
    case "keyboard": return set(\.hasKeyboard, value == "yes" ? true : nil)
    case "clock-start":
      guard let seconds = Int64(value) else { return false }
      epoch = seconds
    case "disk":
      guard let file = Self.file(value) else { return false }
      disk = file
    default: return false
    }
    return true
  }

  private mutating func set<T>(_ field: WritableKeyPath<SnapshotHeader, T>, _ value: T?) -> Bool {
    guard let value else { return false }
    self[keyPath: field] = value
    return true
  }

  private static func file(_ text: String) -> File? {
    guard text.utf8.count > 17, let checksum = UInt64(text.prefix(16), radix: 16),
      let path = HeaderText.unquote(String(text.dropFirst(17)))
    else { return nil }
    return File(path: HostName.string(path), checksum: checksum)
  }
}
