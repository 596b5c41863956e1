import Emulator

/// One kind of event. The raw value is the number of its bit in `EventKinds`, and its number in a binary trace.
///
/// A new kind goes to the end, with a case here, its fields in EventFields.swift, and its conversion in EventConversion.swift.
public enum EventKind: UInt8, CaseIterable, Hashable, Sendable {
  case instruction
  case access
  case walk
  case tlbFill
  case tlbEvict
  case flush
  case pteStore
  case fault
  case interrupt
  case mmio
  case port
  case task
  case mode
  case console

  /// How many kinds the trace format has room for.
  static let maxCount = 64

  /// As command lines and traces spell it.
  public var name: String {
    switch self {
    case .instruction: "instruction"
    case .access: "access"
    case .walk: "walk"
    case .tlbFill: "tlb-fill"
    case .tlbEvict: "tlb-evict"
    case .flush: "flush"
    case .pteStore: "pte-store"
    case .fault: "fault"
    case .interrupt: "interrupt"
    case .mmio: "mmio"
    case .port: "port"
    case .task: "task"
    case .mode: "mode"
    case .console: "console"
    }
  }

  /// The kind with that name; nil if there is none.
  public init?(name: some StringProtocol) {
    guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }

  /// The set that holds this kind alone.
  public var kinds: EventKinds { EventKinds(rawValue: 1 << UInt64(rawValue)) }

  /// Whether events of this kind come by the million: one for each instruction, or each of its accesses.
  public var isNumerous: Bool { self == .instruction || self == .access }
}

extension EventKinds {
  /// The names of the kinds in the order of their bits, as command lines and traces spell them.
  public static let names = EventKind.allCases.map(\.name)

  /// Whether `kind` is in the set.
  public func contains(_ kind: EventKind) -> Bool { contains(kind.kinds) }

  /// Such as "walk,flush".
  public var list: String { EventKind.allCases.filter(contains).map(\.name).joined(separator: ",") }

  /// Reads `list`, and "all".
  ///
  /// - Throws: `EventKindsError` with a sentence, for a word that names no kind.
  public init(list: String) throws(EventKindsError) {
    self = []
    for word in list.split(separator: ",", omittingEmptySubsequences: false) {
      if word == "all" {
        formUnion(.all)
        continue
      }
      guard let kind = EventKind(name: word) else { throw EventKindsError(word: String(word)) }
      insert(kind.kinds)
    }
  }
}

/// A word that names no kind of event.
public struct EventKindsError: Error, CustomStringConvertible {
  /// The word, as it was given.
  public var word: String
  /// One sentence, with the names that are known.
  public var description: String {
    "the event kind '\(word)' is not known; expected some of \(EventKinds.names.joined(separator: ",")), or all"
  }
}
