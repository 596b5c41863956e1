/// The fields of every kind of event: the one table that text, exports, comparisons, the coding and the specification go by.
public enum EventSchema {
  /// The words for `PageAccess.number`.
  static let accesses = EventField.Form.word([
    "read", "write", "fetch", "user-read", "user-write", "user-fetch",
  ])

  /// The fields of each kind, by the kind's raw value.
  private static let table: [[EventField]] = EventKind.allCases.map { kind in
    switch kind {
    case .instruction: InstructionFields.allCases.map(\.field)
    case .access: AccessFields.allCases.map(\.field)
    case .walk: WalkFields.allCases.map(\.field)
    case .tlbFill, .tlbEvict: TLBFields.allCases.map(\.field)
    case .flush: FlushFields.allCases.map(\.field)
    case .pteStore: StoreFields.allCases.map(\.field)
    case .fault: FaultFields.allCases.map(\.field)
    case .interrupt: InterruptFields.allCases.map(\.field)
    case .mmio: BusFields.allCases.map(\.field)
    case .port: BusFields.portFields
    case .task: TaskFields.allCases.map(\.field)
    case .mode: ModeFields.allCases.map(\.field)
    case .console: ConsoleFields.allCases.map(\.field)
    }
  }

  /// The fields of `kind`, in the order of their bits in `TraceEvent.present`.
  public static func fields(of kind: EventKind) -> [EventField] { table[Int(kind.rawValue)] }

  /// How many fields each kind has, and which of them every event of it has: what a decoder checks.
  static let fieldCounts = table.map { UInt16($0.count) }
  static let requiredFields: [UInt16] = table.map { fields in
    fields.indices.reduce(0) { $0 | (fields[$1].isOptional ? 0 : 1 << UInt16($1)) }
  }

  /// The lines by which a binary trace says what its numbers stand for: number, name and fields of each kind recorded.
  static func lines(of kind: EventKind) -> String {
    "event \(kind.rawValue) \(kind.name) \(fields(of: kind).map(\.name).joined(separator: ","))"
  }
}
