/// How closely time is modelled. All levels share one clock, and the TLB's state is exact in each.
public enum TimingLevel: String, CaseIterable, Codable, Sendable {
  /// One cycle an instruction (an iteration of a repeated string instruction counts as one), one an exception, and
  /// device time.
  case functional
  /// As `functional`, and each reference of a page walk costs a fixed number of cycles.
  case tlb
  /// Latencies of instructions, instruction fetch, both L1 caches, L2 and DRAM, walks through the caches, branch
  /// prediction, and the wait states of ports and devices.
  case full
}

/// What the interpreter's loop is specialised for: one copy of it without a cache model, one with.
protocol TimingModel {
  static var modelsCaches: Bool { get }
}

/// The other thing that the loop is specialised for: a copy of it that reports each instruction, and one that doesn't.
protocol InstructionFollowing {
  static var isOn: Bool { get }
}

enum Unfollowed: InstructionFollowing {
  static var isOn: Bool { false }
}

enum Followed: InstructionFollowing {
  static var isOn: Bool { true }
}

/// `functional` and `tlb`: nothing is looked up on a TLB hit.
enum FlatTiming: TimingModel {
  static var modelsCaches: Bool { false }
}

/// `full`.
enum FullTiming: TimingModel {
  static var modelsCaches: Bool { true }
}
