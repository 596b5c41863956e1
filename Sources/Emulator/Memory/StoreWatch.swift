import IA32

/// A store to watched physical memory.
public struct PhysicalStoreEvent: Hashable, Sendable {
  /// Physical address of the first byte, and how many there are (1 to 8).
  public var physical: UInt64
  /// How many bytes, 1 to 8.
  public var bytes: UInt32
  /// The bytes before and after, little-endian.
  public var old: UInt64
  /// The bytes after; see `old`.
  public var new: UInt64
  /// Who made the store.
  public var writer: StoreWriter
  /// The linear address that the instruction stored to; the one that was walked for, where the walker wrote; 0 where
  /// neither did.
  public var linear: UInt32
}

/// Hears of the stores to marked frames and says what they did: to paging-structure entries, and to watched bytes.
final class StoreWatch {
  private struct Watch {
    let id: Int
    let range: Range<UInt64>
    let body: (PhysicalStoreEvent, EventMoment) -> Void
  }

  private let memory: PhysicalMemory
  private let gate: StoreGate
  private let observation: Observation
  private var watches: [Watch] = []
  private var nextID = 0
  /// The 24 bytes of memory from the multiple of 8 below the store on, as they were before it: it changes 8 of them at most.
  private var before: (UInt64, UInt64, UInt64) = (0, 0, 0)

  /// Told of each store to an entry in a frame with the mark `checked`: one for each processor that checks.
  var checks: [(EntryStoreEvent) -> Void] = []

  init(memory: PhysicalMemory, gate: StoreGate, observation: Observation) {
    self.memory = memory
    self.gate = gate
    self.observation = observation
    gate.storing = { [unowned self] store in self.before = self.surroundings(of: store) }
    gate.stored = { [unowned self] store in self.stored(store) }
  }

  // MARK: Watched bytes

  func addWatch(_ range: Range<UInt64>, _ body: @escaping (PhysicalStoreEvent, EventMoment) -> Void) -> Int {
    nextID += 1
    watches.append(Watch(id: nextID, range: range, body: body))
    for frame in Self.frames(of: range) { gate.mark(frame << 12, .watched) }
    return nextID
  }

  func removeWatch(_ id: Int) {
    guard let index = watches.firstIndex(where: { $0.id == id }) else { return }
    let gone = watches.remove(at: index)
    for frame in Self.frames(of: gone.range) { gate.unmark(frame << 12, .watched) }
    for watch in watches {
      for frame in Self.frames(of: watch.range) { gate.mark(frame << 12, .watched) }
    }
  }

  private static func frames(of range: Range<UInt64>) -> ClosedRange<UInt64> {
    range.lowerBound >> 12...max(range.lowerBound, range.upperBound &- 1) >> 12
  }

  // MARK: Stores

  private func surroundings(of store: NoticedStore) -> (UInt64, UInt64, UInt64) {
    let start = store.physical & ~7
    return (word(start), word(start &+ 8), word(start &+ 16))
  }

  /// The 8 bytes at a multiple of 8; 0 outside RAM.
  private func word(_ address: UInt64) -> UInt64 {
    guard let page = memory.hostPage(address >> 12) else { return 0 }
    return UInt64(littleEndian: page.load(fromByteOffset: Int(address & 0xff8), as: UInt64.self))
  }

  private func stored(_ store: NoticedStore) {
    let after = surroundings(of: store)
    let marks = gate.marks(at: store.physical)
    if marks.contains(.watched) { tellWatches(store, after) }
    if !marks.isDisjoint(with: [.pageTable, .pointerTable, .checked]) { tellEntries(store, after, marks) }
  }

  private func tellWatches(_ store: NoticedStore, _ after: (UInt64, UInt64, UInt64)) {
    let range = store.physical..<(store.physical &+ UInt64(store.bytes))
    for watch in watches where watch.range.overlaps(range) {
      let event = PhysicalStoreEvent(
        physical: store.physical, bytes: store.bytes, old: Self.bytes(of: store, in: before),
        new: Self.bytes(of: store, in: after), writer: store.writer, linear: linear(of: store))
      watch.body(event, observation.moment())
    }
  }

  private func linear(of store: NoticedStore) -> UInt32 {
    switch store.writer {
    case .instruction, .walker: gate.linear
    case .device, .outside: 0
    }
  }

  /// The stored bytes out of their surroundings.
  private static func bytes(of store: NoticedStore, in words: (UInt64, UInt64, UInt64)) -> UInt64 {
    let shift = 8 * (store.physical & 7)
    let whole = words.0 >> shift | (shift == 0 ? 0 : words.1 << (64 - shift))
    return store.bytes >= 8 ? whole : whole & (1 << UInt64(8 * store.bytes) - 1)
  }

  /// Reports each paging-structure entry that the store touched.
  private func tellEntries(_ store: NoticedStore, _ after: (UInt64, UInt64, UInt64), _ marks: FrameMarks) {
    let tells = observation.wants(.pteStore)
    guard tells || !checks.isEmpty, let processor = observation.executing else { return }
    let isPAE = processor.walksPAETables
    let width: UInt64 = isPAE ? 8 : 4
    var address = store.physical & ~(width - 1)
    while address < store.physical &+ UInt64(store.bytes) {
      let event = EntryStoreEvent(
        address: address, old: Self.entry(at: address, width, in: before, from: store.physical & ~7),
        new: Self.entry(at: address, width, in: after, from: store.physical & ~7), writer: store.writer,
        linear: linear(of: store))
      let isPointer = marks.contains(.pointerTable) && isPAE && address & ~31 == processor.pointerTable
      if tells && (marks.contains(.pageTable) || isPointer) { observation.tell(.pteStore(event)) }
      if marks.contains(.checked) { for check in checks { check(event) } }
      address &+= width
    }
  }

  private static func entry(
    at address: UInt64, _ width: UInt64, in words: (UInt64, UInt64, UInt64), from start: UInt64
  ) -> UInt64 {
    let word = address &- start >= 16 ? words.2 : address &- start >= 8 ? words.1 : words.0
    guard width == 4 else { return word }
    return address & 4 == 0 ? word & 0xffff_ffff : word >> 32
  }
}
