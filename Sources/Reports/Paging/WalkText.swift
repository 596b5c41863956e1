import Emulator
import IA32

extension WalkReport: Report {
  private static let mode: [PagingControl.Mode: String] = [
    .off: "paging is off", .bits32: "32-bit paging", .pae: "PAE",
  ]

  public var lines: [String] {
    let title = "\(LinearAddress(linear)): \(EntryText.access(access)), \(Self.mode[control.mode] ?? "")"
    guard control.mode != .off else { return [title, " = \(PhysicalAddress(UInt64(linear)))"] }
    return [title + ", CR3 \(hexadecimal(UInt64(cr3), digits: 8))"] + entryLines + outcomeLines
      + findings.map { " " + $0.line }
  }

  /// What the TLB holds, and the entries of the walks.
  public var entryLines: [String] {
    var lines = held.isEmpty ? [" TLB       miss"] : held.map(heldLine)
    if let cached {
      lines.append(
        " PDE cache set \(cached.set) way \(cached.way)  \(hexadecimal(cached.entry.value, digits: 16))  read at \(PhysicalAddress(cached.entry.address))"
      )
    }
    if processor.steps.contains(where: { $0.level == .pdpte }), let step = processor.steps.first {
      lines.append(" register  " + stepText(step, place: ""))
    }
    // One list when both walks go through the same entries.
    let own = processor.steps.filter { $0.level != .pdpte }
    let memorys = memory.steps.filter { $0.level != .pdpte }
    let differ = !own.elementsEqual(memorys) { $0.address == $1.address && $0.value == $1.value }
    if differ { lines += own.map { " walk      " + stepText($0, place: place($0)) } }
    lines += memory.steps.map { " memory    " + stepText($0, place: place($0)) }
    return lines
  }

  private var outcomeLines: [String] {
    let now = outcome
    let memory = outcomeInMemory
    if now == memory { return [" = \(Self.text(now))"] }
    return [" = \(Self.text(now)) for the processor", " = \(Self.text(memory)) by memory"]
  }

  /// A physical address, or the fault with its reason and the section of its rule.
  public static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .physical(let address): "\(PhysicalAddress(address))"
    case .fault(let code, let why, let section): "#PF \(EntryText.code(code)): \(why)  [\(section)]"
    }
  }

  private func heldLine(_ held: HeldTranslation) -> String {
    let translation = held.translation
    return
      " TLB       \(held.place)  \(LinearAddress(held.linear)) -> \(PhysicalAddress(translation.frame))  "
      + "\(EntryText.size(isLarge: translation.isLarge, control)) \(EntryText.rights(translation))  filled at cycle \(held.line.entry.filledAt)"
  }

  private func place(_ step: PageWalk.Step) -> String {
    "\(PhysicalAddress(step.place(cr3: cr3, linear)))"
  }

  /// Such as "PTE[0]    000105000  0000000000300063  4K 000300000  P RW S A D".
  private func stepText(_ step: PageWalk.Step, place: String) -> String {
    let name = EntryName.text(step.level, linear, control)
    let value = hexadecimal(step.value, digits: control.mode == .pae ? 16 : 8)
    return "\(name.padded(to: 10)) \(place.padded(to: 9))  \(value)  \(EntryText.meaning(step, control))"
  }

  // MARK: JSON

  public var json: JSONValue {
    .object([
      .init("linear", .linear(linear)), .init("access", .string(EntryText.access(access))),
      .init("paging", .string(Self.mode[control.mode] ?? "")), .init("cr3", .linear(cr3)),
      .init("tlb", .array(held.map(heldJSON))),
      .init("cachedPDE", cached.map { .entry($0.entry.value) } ?? .null),
      .init("processorWalk", .array(processor.steps.map { stepJSON($0, isMemory: false) })),
      .init("memoryWalk", .array(memory.steps.map { stepJSON($0, isMemory: true) })),
      .init("processor", Self.json(outcome)), .init("memory", Self.json(outcomeInMemory)),
      .init("findings", .array(findings.map(\.json))),
    ])
  }

  private func heldJSON(_ held: HeldTranslation) -> JSONValue {
    .object([
      .init("array", .string(held.array.rawValue)), .init("set", .number(UInt64(held.line.set))),
      .init("way", .number(UInt64(held.line.way))), .init("linear", .linear(held.linear)),
      .init("physical", .physical(held.translation.frame)),
      .init("rights", .string(EntryText.rights(held.translation))),
      .init("filledAt", .number(held.line.entry.filledAt)),
    ])
  }

  private func stepJSON(_ step: PageWalk.Step, isMemory: Bool) -> JSONValue {
    let address = isMemory ? step.place(cr3: cr3, linear) : step.address
    return .object([
      .init("entry", .string(EntryName.text(step.level, linear, control))),
      .init("address", address.map { .physical($0) } ?? .null), .init("value", .entry(step.value)),
      .init("verdict", .string(step.verdict.text)),
    ])
  }

  private static func json(_ outcome: Outcome) -> JSONValue {
    switch outcome {
    case .physical(let address): .object([.init("physical", .physical(address))])
    case .fault(let code, let why, let section):
      .object([
        .init("errorCode", .hex(UInt64(code.rawValue), digits: 4)), .init("why", .string(why)),
        .init("rule", .string(section)),
      ])
    }
  }
}
