import Emulator

/// What a page's time line tells apart. The raw values are the numbers in the JSON interface.
public enum LoggedKind: UInt8, CaseIterable, Sendable {
  /// A page walk.
  case walk
  /// A TLB array takes a translation.
  case fill
  /// A TLB array gives up a translation to make room.
  case evict
  /// INVLPG.
  case invlpg
  /// MOV to CR3.
  case cr3
  /// A change of CR0 or CR4 that removes every translation.
  case flush
  /// An instruction, a device or somebody outside stores to a page of page tables.
  case store
  /// An exception.
  case fault
  /// An interrupt.
  case interrupt
  /// A stale translation is used.
  case stale
}

/// An event of the log: numbers alone, so that ten million of them have room.
struct LoggedEvent: Hashable {
  /// When.
  var cycle: UInt64
  /// Walk and fill: the frame, or the error code of a walk that failed. Store: the entry's physical address. CR3: the value.
  /// Fault: the error code.
  var value: UInt64
  /// Store: the entry after it. Walk: its cycles. Fill and evict: array, set and way, a byte each from bit 16 down.
  var detail: UInt64
  /// The linear address that it is about.
  var linear: UInt32
  /// The instruction's linear address.
  var at: UInt32
  /// What happened.
  var kind: LoggedKind
  /// Walk: bit 0 write, 1 fetch, 2 user, 3 failed, 4 large page. Fault and interrupt: the vector.
  var flags: UInt8

  init(_ kind: LoggedKind, _ moment: EventMoment, linear: UInt32 = 0, value: UInt64 = 0) {
    cycle = moment.cycle
    at = moment.linear
    self.kind = kind
    self.linear = linear
    self.value = value
    detail = 0
    flags = 0
  }

  /// nil for what the log leaves out: the walker's own stores, and events of other kinds.
  init?(_ event: MachineEvent, _ moment: EventMoment) {
    switch event {
    case .walk(let walk):
      self.init(.walk, moment, linear: walk.linear, value: walk.frame ?? UInt64(walk.fault?.rawValue ?? 0))
      detail = walk.cycles
      flags = walk.access.kind == .write ? 1 : walk.access.kind == .fetch ? 2 : 0
      if walk.access.isUser { flags |= 4 }
      if walk.fault != nil { flags |= 8 }
      if walk.isLarge { flags |= 16 }
    case .tlbFill(let entry): self.init(.fill, moment, entry)
    case .tlbEvict(let entry): self.init(.evict, moment, entry)
    case .flush(.page(let linear)): self.init(.invlpg, moment, linear: linear)
    case .flush(.cr3(let value, let keepsGlobal)):
      self.init(.cr3, moment, value: UInt64(value))
      flags = keepsGlobal ? 1 : 0
    case .flush(.everything): self.init(.flush, moment)
    case .pteStore(let store):
      if store.writer == .walker { return nil }
      self.init(.store, moment, linear: store.linear, value: store.address)
      detail = store.new
      flags = store.writer.rawValue
    case .fault(let fault):
      self.init(.fault, moment, linear: fault.linear, value: UInt64(fault.errorCode))
      flags = fault.vector
    case .interrupt(let interrupt):
      self.init(.interrupt, moment)
      flags = interrupt.vector
    default: return nil
    }
  }

  private init(_ kind: LoggedKind, _ moment: EventMoment, _ entry: TLBEvent) {
    self.init(kind, moment, linear: entry.linear, value: entry.frame)
    let array = TLBArrayName.allCases.firstIndex(of: entry.array) ?? 0
    detail = UInt64(array) << 16 | UInt64(entry.set) << 8 | UInt64(entry.way)
  }

  /// The array and the set of a fill or an eviction.
  var place: (array: Int, set: Int) { (Int(detail >> 16 & 0xff), Int(detail >> 8 & 0xff)) }
}
