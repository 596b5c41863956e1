import IA32

/// The faults that followed one another without an instruction in between: what the post-mortem of a triple fault
/// shows.
///
/// A chain begins with a fault of an instruction, or of the delivery of an interrupt, and ends when a handler has
/// been entered or the processor has shut down. The next fault begins a new one.
public struct FaultHistory: Hashable, Sendable {
  /// One fault of a chain.
  public struct Entry: Hashable, Sendable {
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

    /// A fault as it is delivered.
    public init(vector: ExceptionVector, errorCode: UInt32, cs: UInt16, eip: UInt32, cr2: UInt32) {
      self.vector = vector
      self.errorCode = errorCode
      self.cs = cs
      self.eip = eip
      self.cr2 = cr2
    }
  }

  // Places and no array: a page fault costs no allocation.
  /// What the chain began with, where more than three followed.
  private var first: Entry?
  private var oldest: Entry?
  private var middle: Entry?
  private var newest: Entry?
  /// The newest fault's handler has been entered: the chain is complete.
  private var wasDelivered = false
  /// The chain ended in shutdown. SDM vol. 3A, 6.15, interrupt 8.
  public private(set) var endedInShutdown = false

  /// No fault yet.
  public init() {}

  /// The chain's first fault and its last three, in order: a benign fault whose delivery failed comes before the three
  /// that end in shutdown.
  public var entries: [Entry] { [first, oldest, middle, newest].compactMap { $0 } }

  /// Adds a fault: to the chain that is being delivered, or as the first of a new one.
  mutating func record(_ entry: Entry) {
    if wasDelivered { self = FaultHistory() }
    if first == nil { first = oldest }
    oldest = middle
    middle = newest
    newest = entry
  }

  /// A handler has been entered.
  mutating func markDelivered() { wasDelivered = true }

  mutating func markShutdown() { endedInShutdown = true }
}
