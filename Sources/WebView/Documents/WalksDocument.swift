import Emulator
import IA32
import Reports

extension PageSource {
  /// Walks by symbol and page, the costliest ones, and where cycles and walk cycles went by call path.
  public func walks(limit: Int = 40) -> JSONValue {
    recorder.synchronize()
    census.update(recorder) { function($0) }
    let costliest = recorder.walks.costliest.sorted {
      ($1.walk.cycles, $0.index) < ($0.walk.cycles, $1.index)
    }
    return .object([
      .init("total", share(census.total)),
      .init(
        "symbols",
        .array(
          census.symbols.sorted {
            ($1.value.cycles, $1.value.walks, $0.key) < ($0.value.cycles, $0.value.walks, $1.key)
          }
          .prefix(limit).map { share($0.value, "name", .string($0.key)) })),
      .init(
        "pages",
        .array(
          census.pages.sorted {
            ($1.value.walks, $1.value.cycles, $0.key) < ($0.value.walks, $0.value.cycles, $1.key)
          }
          .prefix(limit).map { share($0.value, "linear", .linear($0.key << 12)) })),
      .init("costliest", .array(costliest.prefix(limit).map { ladder($0) })),
      .init("stacks", stacks(limit: 1500)),
    ])
  }

  private func share(_ share: WalkCensus.Share, _ key: String? = nil, _ name: JSONValue = .null) -> JSONValue
  {
    .object(
      (key.map { [.init($0, name)] } ?? []) + [
        .init("walks", .number(share.walks)), .init("cycles", .number(share.cycles)),
        .init("faults", .number(share.faults)),
      ])
  }

  /// The walk that an event of the log was: what was read where, and the verdict; null if it was not kept.
  public func walk(event: Int) -> JSONValue {
    recorder.walks.detail(index: event).map { ladder($0) } ?? .null
  }

  /// The first walks whose details are kept.
  func firstWalks(limit: Int) -> JSONValue { .array(recorder.walks.first.prefix(limit).map { ladder($0) }) }

  private func ladder(_ detail: WalkDetails.Detail) -> JSONValue {
    let walk = detail.walk
    var steps: [JSONValue] = []
    func add(
      _ level: PageWalk.Level, _ entry: WalkEvent.Entry?, _ register: UInt64? = nil, isLeaf: Bool,
      format: String
    ) {
      guard let value = entry?.value ?? register else { return }
      let index: UInt32 =
        switch level {
        case .pdpte: walk.linear >> 30
        case .pde: walk.pdpte != nil ? walk.linear >> 21 & 511 : walk.linear >> 22
        case .pte: format.hasPrefix("pae") ? walk.linear >> 12 & 511 : walk.linear >> 12 & 1023
        }
      steps.append(
        .object([
          .init("entry", .string("\(level.name)[\(index)]")), .init("format", .string(format)),
          .init("source", .string(entry == nil ? "register" : "memory")),
          .init("address", entry.map { .physical($0.address) } ?? .null), .init("value", .entry(value)),
          .init("bits", .string(EntryText.bits(value, level: level, isLeaf: isLeaf))),
        ]))
    }
    let mode = machine.pagingControl.mode == .bits32 ? "bits32" : "pae"
    add(.pdpte, nil, walk.pdpte, isLeaf: false, format: "pae.pdpte")
    let isLarge = walk.pte == nil && (walk.pde.map { $0.value & EntryBit.pageSize != 0 } ?? false)
    add(.pde, walk.pde, isLeaf: isLarge, format: mode + (isLarge ? ".large" : ".pde"))
    add(.pte, walk.pte, isLeaf: true, format: mode + ".pte")
    var verdict =
      walk.frame.map { "maps \(walk.isLarge ? "a large page" : "a page") at \(PhysicalAddress($0))" } ?? ""
    if let fault = walk.fault { verdict = "#PF, error code \(EntryText.code(fault))" }
    if walk.updatedDirectory { verdict += "; sets A in the PDE" }
    if walk.updatedLeaf { verdict += "; sets A, or A and D, in the leaf" }
    return .object([
      .init("event", .count(detail.index)), .init("cycle", .number(detail.moment.cycle)),
      .init("linear", .linear(walk.linear)), .init("at", .linear(detail.moment.linear)),
      .init("place", .string(session.describe(detail.moment.linear))),
      .init("access", .string(EntryText.access(walk.access))), .init("cycles", .number(walk.cycles)),
      .init("fault", .bool(walk.fault != nil)), .init("verdict", .string(verdict)),
      .init("steps", .array(steps)),
    ])
  }

  // MARK: Call paths

  private func stacks(limit: Int) -> JSONValue {
    guard let profile = recorder.profile else { return .array([]) }
    let sorted = profile.stacks.sorted {
      ($1.value.cycles, $0.key.joined(separator: ";")) < ($0.value.cycles, $1.key.joined(separator: ";"))
    }
    return .array(
      sorted.prefix(limit).map { stack, share in
        .array([.strings(stack), .number(share.cycles), .number(share.walkCycles)])
      })
  }
}
