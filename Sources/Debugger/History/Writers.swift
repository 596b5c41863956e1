import Emulator
import IA32
import Reports

/// `who`: what stored to a few bytes of physical memory, as far as the history goes back.
struct Writers: Report {
  struct Store {
    var moment: EventMoment
    var writer: StoreWriter
    /// The bytes before and after.
    var old: UInt64
    var new: UInt64
    var place: String
    /// The linear address that was stored to; that was walked for, where the walker wrote.
    var linear: UInt32
    /// After the present: the run has been there already.
    var isLater: Bool
  }

  /// Such as "PTE[0] of 40000000"; "physical 000105000" where it is not known what it is.
  let what: String
  let physical: UInt64
  let bytes: Int
  private(set) var stores: [Store] = []
  /// Where the search began.
  private let first: UInt64
  private let now: UInt64
  private let value: UInt64?
  /// Stores beyond this many are counted and not kept: the oldest of them.
  static let maxStores = 200
  private(set) var forgotten = 0

  init(
    _ session: DebuggerSession, _ what: String, _ physical: UInt64, bytes: Int,
    _ progress: @escaping (UInt64) -> Bool
  ) throws(HistoryError) {
    self.what = what
    self.physical = physical
    self.bytes = bytes
    let machine = session.machine
    now = machine.cycle
    func value() -> UInt64? {
      machine.peek(PhysicalAddress(physical), count: bytes).map { MemoryView.value($0[...]) }
    }
    self.value = value()
    first = session.history.firstCycle
    let present = now
    var found: [Store] = []
    var forgotten = 0
    let end = max(present, session.history.newestCycle)
    // What lies after the present is not known by its pages.
    let start = session.history.firstStoreCycle(toPageAt: physical) ?? present
    var last: UInt64 = 0
    try session.history.replay(from: start, to: end) { machine in
      last = value() ?? 0
      let id = machine.watchPhysical(physical..<(physical + UInt64(bytes))) { event, moment in
        let new = value() ?? 0
        found.append(
          Store(
            moment: moment, writer: event.writer, old: last, new: new, place: session.describe(moment.linear),
            linear: event.linear, isLater: moment.cycle >= present))
        last = new
        if found.count >= 2 * Self.maxStores {
          forgotten += Self.maxStores
          found.removeFirst(Self.maxStores)
        }
      }
      return [id]
    } progress: {
      progress($0)
    }
    if found.count > Self.maxStores {
      forgotten += found.count - Self.maxStores
      found.removeFirst(found.count - Self.maxStores)
    }
    stores = found
    self.forgotten = forgotten
  }

  var lines: [String] {
    let digits = bytes * 2
    let present = value.map { hexadecimal($0, digits: digits) } ?? "no memory"
    let title = "\(what) at \(PhysicalAddress(physical)), now \(present)"
    guard !stores.isEmpty else {
      return [title, "there has been no store to it since cycle \(first), where the history begins"]
    }
    var table = Table(
      [
        .init("cycle", right: true), .init("writer"), .init("old", "before"), .init("new", "after"),
        .init("place"),
      ], empty: "")
    for store in stores {
      var place = store.place
      var writer = "store"
      switch store.writer {
      case .instruction: break
      case .walker: (writer, place) = ("walker", "for \(LinearAddress(store.linear)), by \(store.place)")
      case .device: (writer, place) = ("device", "before \(store.place)")
      case .outside: (writer, place) = ("from outside", "before \(store.place)")
      }
      if store.isLater { place += "  (later than now)" }
      table.rows.append([
        .number(store.moment.cycle), .text(writer),
        .text(hexadecimal(store.old, digits: digits)), .text(hexadecimal(store.new, digits: digits)),
        .text(place),
      ])
    }
    let more = forgotten > 0 ? ["and \(forgotten) earlier stores"] : []
    return [title] + more + table.lines.map { " " + $0 }
  }

  var json: JSONValue {
    .object([
      .init("what", .string(what)), .init("physical", .physical(physical)),
      .init("bytes", .number(UInt64(bytes))),
      .init("since", .number(first)), .init("now", .number(now)),
      .init("value", value.map { .hex($0, digits: bytes * 2) } ?? .null),
      .init("notShown", .number(UInt64(forgotten))),
      .init(
        "stores",
        .array(
          stores.map { store in
            .object([
              .init("cycle", .number(store.moment.cycle)),
              .init("writer", .string(store.writer.name)),
              .init("eip", .linear(store.moment.eip)), .init("place", .string(store.place)),
              .init("linear", .linear(store.linear)), .init("old", .hex(store.old, digits: bytes * 2)),
              .init("new", .hex(store.new, digits: bytes * 2)), .init("later", .bool(store.isLater)),
            ])
          })),
    ])
  }
}
