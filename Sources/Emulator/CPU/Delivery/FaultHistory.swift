import IA32

/// What of the way into a handler failed. SDM vol. 3A, 6.12.
public enum DeliveryStep: String, Hashable, Codable, Sendable {
  /// The entry of the vector table: it lies beyond the limit, can't be read, or is not a usable gate.
  case gate
  /// The handler's code segment, or its offset in there.
  case handler
  /// The stack of the handler's ring, as the TSS names it.
  case innerStack
  /// A slot of the frame that is pushed.
  case push
  /// The task that a task gate names: its TSS, or the segments that it loads.
  case task
}

/// The faults that followed one another without an instruction in between: what the post-mortem of a triple fault
/// shows.
///
/// A chain begins with a fault of an instruction, or of the delivery of an interrupt, and ends when a handler has
/// been entered or the processor has shut down. The next fault begins a new one.
public struct FaultHistory: Hashable, Codable, Sendable {
  /// One fault of a chain.
  public struct Entry: Hashable, Codable, Sendable {
    /// Which exception.
    public let vector: ExceptionVector
    /// The error code that was, or would have been, pushed; 0 for vectors without one.
    public let errorCode: UInt32
    /// CS and EIP of the instruction that the chain began with.
    public let cs: UInt16
    /// EIP of the instruction that raised it.
    public let eip: UInt32
    /// CR2 when the fault was raised, a page fault's own address included.
    public let cr2: UInt32
    /// The clock.
    public let cycle: UInt64
    /// The vector on whose way into its handler it was raised, and what of that way failed; nil for a fault of an
    /// instruction.
    public let delivery: Delivery?
    /// The TLB entry that a page fault came from; nil where a walk found it, and for other faults.
    public let refusal: TLBRefusal?
  }

  /// A way into a handler.
  public struct Delivery: Hashable, Codable, Sendable {
    /// The exception's or interrupt's number.
    public let vector: UInt8
    /// What the processor was doing in the delivery.
    public let step: DeliveryStep
  }

  /// A benign fault, a contributory one, a page fault, the fault that makes it a double fault, the double fault, and
  /// the one that ends it: no chain has more. SDM vol. 3A, table 6-5.
  private static let maxEntries = 6

  // Places and no array: a page fault costs no allocation.
  private var places: InlineArray<6, Entry?> = InlineArray(repeating: nil)
  private var count = 0
  /// The general registers when the chain began, by their numbers in instructions.
  public private(set) var registers = SIMD8<UInt32>()
  /// The newest fault's handler has been entered: the chain is complete.
  private var wasDelivered = false
  /// The chain ended in shutdown. SDM vol. 3A, 6.15, interrupt 8.
  public private(set) var endedInShutdown = false

  /// No fault yet.
  public init() {}

  /// The chain's faults in order. The fault that became a double fault comes before it.
  public var entries: [Entry] { (0..<count).compactMap { places[$0] } }

  private enum Part: String, CodingKey {
    case entries
    case registers
    case wasDelivered
    case endedInShutdown
  }

  /// The chain that `encode(to:)` wrote, as far as a chain goes.
  public init(from decoder: any Swift.Decoder) throws {
    let parts = try decoder.container(keyedBy: Part.self)
    for entry in try parts.decode([Entry].self, forKey: .entries).prefix(Self.maxEntries) {
      places[count] = entry
      count += 1
    }
    registers = try parts.decode(SIMD8<UInt32>.self, forKey: .registers)
    wasDelivered = try parts.decode(Bool.self, forKey: .wasDelivered)
    endedInShutdown = try parts.decode(Bool.self, forKey: .endedInShutdown)
  }

  /// Writes the chain's faults in order.
  public func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: Part.self)
    try parts.encode(entries, forKey: .entries)
    try parts.encode(registers, forKey: .registers)
    try parts.encode(wasDelivered, forKey: .wasDelivered)
    try parts.encode(endedInShutdown, forKey: .endedInShutdown)
  }

  /// Adds a fault: to the chain that is being delivered, or as the first of a new one.
  /// - Parameter registers: the general registers.
  mutating func record(_ entry: Entry, registers: @autoclosure () -> SIMD8<UInt32>) {
    if wasDelivered { self = FaultHistory() }
    if count == 0 { self.registers = registers() }
    // Never more, by the table; a wrong table must not trap.
    let place = min(count, Self.maxEntries - 1)
    places[place] = entry
    count = place + 1
  }

  /// A handler has been entered.
  mutating func markDelivered() { wasDelivered = true }

  mutating func markShutdown() { endedInShutdown = true }

  public static func == (a: FaultHistory, b: FaultHistory) -> Bool {
    a.entries == b.entries && a.registers == b.registers && a.wasDelivered == b.wasDelivered
      && a.endedInShutdown == b.endedInShutdown
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(entries)
    hasher.combine(registers)
    hasher.combine(wasDelivered)
    hasher.combine(endedInShutdown)
  }
}
