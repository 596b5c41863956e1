import Emulator
import IA32
import Reports

extension PageSource {
  /// What stays the same in a session: the image, the machine, the formats of entries.
  public func about(isLive: Bool) -> JSONValue {
    .object([
      .init("version", .number(1)), .init("live", .bool(isLive)),
      .init("image", .string(session.image?.file ?? "")), .init("kernel", .bool(kernel != nil)),
      .init("memory", .number(machine.memory.layout.bytes)),
      .init("kinds", .strings(LoggedKind.allCases.map { "\($0)" })),
      .init(
        "arrays",
        .array(
          TLBArrayName.allCases.map { name in
            let size = machine.tlbSize(name)
            return .object([
              .init("name", .string(name.rawValue)), .init("sets", .count(size.sets)),
              .init("ways", .count(size.ways)),
            ])
          })), .init("formats", EntryFormat.document),
    ])
  }

  /// Where the machine stands, in a few numbers: what a page asks often.
  public var status: JSONValue {
    recorder.synchronize()
    return .object([
      .init("cycle", .number(machine.cycle)), .init("first", .number(session.history.firstCycle)),
      .init("newest", .number(session.history.newestCycle)),
      .init("events", .count(recorder.log.count)), .init("stale", .count(recorder.stale.count)),
      .init("ended", .optional(ending)),
    ])
  }

  /// How the guest has ended where it stands, as a sentence; nil where it can go on.
  var ending: String? {
    session.ended.map { $0.sentence.hasSuffix(" at") ? String($0.sentence.dropLast(3)) : $0.sentence }
  }

  /// Symbols by a part of their names, at most `limit`: those that begin with it first.
  public func symbols(matching text: String, limit: Int) -> JSONValue {
    let all = session.image?.symbols.symbols ?? []
    var found: [(rank: Int, name: String, address: UInt32, size: UInt32)] = []
    for symbol in all {
      let name = symbol.displayName
      guard text.isEmpty || name.localizedStandardContains(text) || symbol.name == text else { continue }
      found.append((name.hasPrefix(text) ? name.count : 1000 + name.count, name, symbol.address, symbol.size))
    }
    if !text.isEmpty { found.sort { ($0.rank, $0.address) < ($1.rank, $1.address) } }
    return .array(
      found.prefix(limit).map { one in
        .object([
          .init("name", .string(one.name)), .init("linear", .linear(one.address)),
          .init("size", .count(one.size)),
        ])
      })
  }
}

extension String {
  /// Whether `part` occurs, whatever the case of ASCII letters.
  fileprivate func localizedStandardContains(_ part: String) -> Bool {
    lowercased().contains(part.lowercased())
  }
}
