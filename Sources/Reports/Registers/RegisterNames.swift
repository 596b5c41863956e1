/// The registers' names as expressions and reports write them.
public enum RegisterNames {
  /// The general registers in the order of their numbers in instructions.
  public static let general = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"]
  /// The segment registers in the order of their numbers in instructions.
  public static let segments = ["es", "cs", "ss", "ds", "fs", "gs"]
  /// All names, without `$`.
  public static let all =
    general + ["eip", "eflags", "cpl"] + segments + ["cr0", "cr2", "cr3", "cr4", "efer"]
    + (0..<4).map { "pdpte\($0)" }
}
