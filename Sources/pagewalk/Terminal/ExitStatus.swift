/// The exit statuses of `pagewalk run` that don't come from the guest. A guest that writes a value to its exit device
/// ends the run with that value instead; the line on standard error tells which it was.
enum ExitStatus {
  static let success: Int32 = 0
  /// A bad option, file or script.
  static let hostMistake: Int32 = 2
  static let tripleFault: Int32 = 3
  /// `--max-cycles` was reached.
  static let cycleLimit: Int32 = 4
  /// The guest halted and nothing can wake it.
  static let halted: Int32 = 5
  /// The guest reset the machine.
  static let reset: Int32 = 6
  /// `--audit` found an invariant of the guest's kernel broken.
  static let violated: Int32 = 7
  /// `--check stale` found a stale translation used.
  static let stale: Int32 = 8
  /// Ctrl-C, as shells number a death by SIGINT.
  static let interrupted: Int32 = 130
}
