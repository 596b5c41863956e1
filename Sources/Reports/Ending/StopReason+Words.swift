import Emulator

/// The words, the exit status and the JSON of each reason: this is the only place that has them.
extension StopReason {
  /// The exit status of `pagewalk run`: the guest's own value, or one of `ExitStatus`.
  public var exitStatus: Int32 {
    switch self {
    case .exit(let value): Int32(value)
    case .tripleFault: ExitStatus.tripleFault
    case .halted, .waiting: ExitStatus.halted
    case .reset: ExitStatus.reset
    case .cycleLimit: ExitStatus.cycleLimit
    case .interrupted: ExitStatus.interrupted
    case .staleTranslation: ExitStatus.stale
    case .brokenInvariant: ExitStatus.violated
    case .breakpoint, .observed, .stepped: ExitStatus.success
    }
  }

  /// The beginning of a sentence that ends with a place.
  public var sentence: String {
    switch self {
    case .exit(let value): "the guest exited with \(value) at"
    case .tripleFault: "triple fault at"
    case .halted: "halted for good at"
    case .waiting: "the guest waits for input at"
    case .reset: "reset by the guest at"
    case .breakpoint: "stopped at"
    case .cycleLimit: "cycle limit reached at"
    case .interrupted: "interrupted at"
    case .staleTranslation: "stopped at the stale translation,"
    case .brokenInvariant: "audit failed at"
    case .observed: "stopped at"
    case .stepped: "at"
    }
  }

  /// As a trace's footer has it, in words: "exit 3", "triple fault", "cycle limit".
  public var title: String {
    switch self {
    case .exit(let value): "exit \(value)"
    case .tripleFault: "triple fault"
    case .halted: "halted"
    case .waiting: "waiting"
    case .reset: "reset"
    case .breakpoint: "breakpoint"
    case .cycleLimit: "cycle limit"
    case .interrupted: "interrupted"
    case .staleTranslation: "stale translation"
    case .brokenInvariant: "broken invariant"
    case .observed: "stopped"
    case .stepped: "step"
    }
  }

  /// The word for programs: "exit", "triple-fault", "cycle-limit".
  public var name: String {
    if case .exit = self { return "exit" }
    return title.replacing(" ", with: "-")
  }

  /// The value that the guest wrote to its exit device; nil for another reason.
  public var exitValue: UInt8? { if case .exit(let value) = self { value } else { nil } }

  /// An object with the word under "reason" and, for a guest that exited, its value under "value".
  public var json: JSONValue {
    .object(
      [.init("reason", .string(name))] + (exitValue.map { [.init("value", .number(UInt64($0)))] } ?? []))
  }
}

/// Exit statuses that don't come from the guest. A guest that writes a value to its exit device ends the run with that
/// value instead; the line on standard error and `--stats-file` tell which it was.
public enum ExitStatus {
  /// All went well.
  public static let success: Int32 = 0
  /// A comparison found a difference.
  public static let different: Int32 = 1
  /// A bad option, file or script, or output that could not be written.
  public static let hostMistake: Int32 = 2
  /// The guest's third fault in a row.
  public static let tripleFault: Int32 = 3
  /// `--max-cycles` was reached.
  public static let cycleLimit: Int32 = 4
  /// The guest halted and nothing can wake it.
  public static let halted: Int32 = 5
  /// The guest reset the machine.
  public static let reset: Int32 = 6
  /// `--audit` found an invariant of the guest's kernel broken.
  public static let violated: Int32 = 7
  /// `--check stale` found a stale translation used.
  public static let stale: Int32 = 8
  /// Ctrl-C, as shells number a death by SIGINT.
  public static let interrupted: Int32 = 130
}
