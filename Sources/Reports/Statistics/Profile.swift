import Emulator
import GuestImages
import IA32

/// Where a run's cycles and walk cycles went, by symbol, by source line and by stack, from samples.
public struct Profile {
  /// What a place used up.
  public struct Share: Hashable, Sendable {
    /// Cycles, page walks included.
    public var cycles: UInt64 = 0
    /// Of them, those of page walks.
    public var walkCycles: UInt64 = 0

    /// Adds what another sample used up.
    public static func += (a: inout Share, b: Share) {
      a.cycles &+= b.cycles
      a.walkCycles &+= b.walkCycles
    }
  }

  /// A symbol or line, and the mode in which it ran.
  public struct Place: Hashable, Sendable {
    /// Such as "kernel_main" or "main.c:12".
    public var name: String
    /// Whether at CPL 3.
    public var isUser: Bool
  }

  /// Names code for people; nil where nothing is known. Gets a linear address, and whether paging is on.
  public typealias Naming = (_ linear: UInt32, _ isPaged: Bool) -> String?

  private let symbol: Naming
  private let line: Naming
  /// What has been looked up, by address; bit 32 is paging's.
  private var symbolNames: [UInt64: String?] = [:]
  private var lineNames: [UInt64: String?] = [:]

  /// Samples taken in.
  public private(set) var samples = 0
  /// What all of them used up.
  public private(set) var total = Share()
  /// By symbol.
  public private(set) var symbols: [Place: Share] = [:]
  /// By source line, where there is one.
  public private(set) var lines: [Place: Share] = [:]
  /// By the frames from the root on, the mode first.
  public private(set) var stacks: [[String]: Share] = [:]

  /// An empty profile.
  public init(symbol: @escaping Naming, line: @escaping Naming) {
    self.symbol = symbol
    self.line = line
  }

  /// Takes a sample in: its cycles go to where the guest stood, those of HLT to a place of their own there.
  public mutating func add(_ sample: ProfileSample) {
    samples += 1
    let leaf = name(sample.linear, sample.isPaged) ?? Self.place(sample.linear)
    var stack = [leaf]
    for caller in sample.callers {
      // A return address follows the call, which may be the last instruction of its function. Where no symbol is, the
      // chain has left the guest's code.
      guard let caller = name(caller &- 1, sample.isPaged) else { break }
      stack.append(caller)
    }
    stack.append(Self.mode(sample.isUser))
    stack.reverse()
    let busy = Share(cycles: sample.cycles, walkCycles: sample.walkCycles)
    if busy != Share() {
      add(busy, symbol: leaf, stack, sample)
      let key = Self.key(sample.linear, sample.isPaged)
      let line = lineNames[key] ?? line(sample.linear, sample.isPaged)
      lineNames[key] = line
      if let line { lines[Place(name: line, isUser: sample.isUser), default: Share()] += busy }
    }
    if sample.idleCycles > 0 {
      add(Share(cycles: sample.idleCycles), symbol: Self.idle, stack + [Self.idle], sample)
    }
  }

  private mutating func add(_ share: Share, symbol: String, _ stack: [String], _ sample: ProfileSample) {
    total += share
    symbols[Place(name: symbol, isUser: sample.isUser), default: Share()] += share
    stacks[stack, default: Share()] += share
  }

  // MARK: Names

  /// What HLT is called.
  public static let idle = "[idle]"

  /// "user" or "kernel".
  public static func mode(_ isUser: Bool) -> String { isUser ? "user" : "kernel" }

  private static func key(_ linear: UInt32, _ isPaged: Bool) -> UInt64 {
    UInt64(linear) | (isPaged ? 1 << 32 : 0)
  }

  private mutating func name(_ linear: UInt32, _ isPaged: Bool) -> String? {
    let key = Self.key(linear, isPaged)
    if let known = symbolNames[key] { return known }
    let name = symbol(linear, isPaged)
    symbolNames[key] = .some(name)
    return name
  }

  /// What to call code without a symbol.
  private static func place(_ linear: UInt32) -> String {
    let isROM = (0xf_0000..<0x10_0000).contains(linear) || linear >= 0xffff_0000
    return isROM ? "[boot ROM]" : "[\(hexadecimal(UInt64(linear), digits: 8))]"
  }
}
