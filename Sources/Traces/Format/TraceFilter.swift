import Emulator
import GuestImages
import IA32

/// Which events are kept, beyond their kind. Everything that is given must hold.
public struct TraceFilter: Hashable, Sendable {
  /// The event concerns an address in one of these ranges: one that it carries, linear or physical, or else its instruction's.
  public var addresses: [ClosedRange<UInt64>] = []
  /// The instruction lies in one of the symbols so named.
  public var symbols: [String] = []
  /// The CPL is one of these.
  public var rings: [UInt8] = []
  /// The clock is in this window.
  public var cycles: ClosedRange<UInt64>?

  /// A filter that keeps everything.
  public init() {}

  /// Whether everything is kept.
  public var isEmpty: Bool { addresses.isEmpty && symbols.isEmpty && rings.isEmpty && cycles == nil }

  /// "LOW-HIGH" or one address, in hexadecimal.
  public static func parseAddresses(_ text: String) -> ClosedRange<UInt64>? { parse(text, radix: 16) }

  /// "FIRST-LAST" in decimal; without LAST, to the end.
  public static func parseCycles(_ text: String) -> ClosedRange<UInt64>? {
    text.hasSuffix("-") ? UInt64(text.dropLast()).map { $0...UInt64.max } : parse(text, radix: 10)
  }

  private static func parse(_ text: String, radix: Int) -> ClosedRange<UInt64>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
      UInt64(radix == 16 && part.hasPrefix("0x") ? part.dropFirst(2) : part, radix: radix)
    }
    guard let low = parts.first ?? nil else { return nil }
    guard parts.count > 1 else { return low...low }
    guard parts.count == 2, let high = parts[1], low <= high else { return nil }
    return low...high
  }

  /// The lines of a header.
  var lines: [String] {
    addresses.map {
      "only-address: \(hexadecimal($0.lowerBound, digits: 8))-\(hexadecimal($0.upperBound, digits: 8))"
    } + symbols.map { "only-symbol: \(HeaderText.quote($0))" } + rings.map { "only-ring: \($0)" }
      + (cycles.map { ["only-cycles: \($0.lowerBound)-" + ($0.upperBound == .max ? "" : "\($0.upperBound)")] }
        ?? [])
  }

  /// Takes up a header's line. Returns whether it was one of these.
  mutating func read(_ key: String, _ value: String) -> Bool {
    switch key {
    case "only-address":
      guard let range = Self.parseAddresses(value) else { return false }
      addresses.append(range)
    case "only-symbol":
      guard let name = HeaderText.unquote(value) else { return false }
      symbols.append(String(decoding: name, as: UTF8.self))
    case "only-ring":
      guard let ring = UInt8(value), ring < 4 else { return false }
      rings.append(ring)
    case "only-cycles":
      guard let range = Self.parseCycles(value) else { return false }
      cycles = range
    default: return false
    }
    return true
  }
}

/// A filter with its symbols looked up, as it is asked for each event.
public struct ActiveFilter {
  private let filter: TraceFilter
  private let code: [ClosedRange<UInt64>]

  /// - Throws: `TraceError` for a symbol that is not in the image.
  public init(_ filter: TraceFilter, image: GuestImage) throws(TraceError) {
    self.filter = filter
    var code: [ClosedRange<UInt64>] = []
    for name in filter.symbols {
      guard
        let symbol = image.symbols.named(name)
          ?? image.symbols.symbols.first(where: { ShortName.of($0.displayName) == name })
      else {
        throw TraceError(
          file: image.file, .mismatch, "has no symbol '\(name)'",
          expected: "a name that the image's symbol table lists")
      }
      code += Self.ranges(of: symbol, in: image)
    }
    self.code = code
  }

  /// Where the symbol's code is seen: where it is linked, and before paging at its physical addresses.
  private static func ranges(of symbol: Symbol, in image: GuestImage) -> [ClosedRange<UInt64>] {
    let first = UInt64(symbol.address)
    let next = image.symbols.symbols.first { $0.address > symbol.address }.map { UInt64($0.address) }
    let end = symbol.size > 0 ? first + UInt64(symbol.size) : next ?? first + 1
    // Nothing lies behind the last linear address.
    let linked = first...min(end - 1, UInt64(UInt32.max))
    guard let segment = image.segments.first(where: { $0.virtualRange.contains(linked.lowerBound) }),
      segment.physical != segment.virtual
    else { return [linked] }
    let offset = linked.lowerBound - UInt64(segment.virtual)
    let start = UInt64(segment.physical) + offset
    return [linked, start...start + UInt64(linked.count) - 1]
  }

  /// Whether the event at this place and time is wanted; `event` is not asked for its kind.
  public func accepts(_ event: MachineEvent, _ moment: EventMoment, ring: @autoclosure () -> UInt8) -> Bool {
    if let cycles = filter.cycles, !cycles.contains(moment.cycle) { return false }
    if !code.isEmpty {
      let linear = UInt64(moment.linear)
      guard code.contains(where: { $0.contains(linear) }) else { return false }
    }
    if !filter.rings.isEmpty {
      let level = ring()
      guard filter.rings.contains(level) else { return false }
    }
    return filter.addresses.isEmpty || concerns(event, moment)
  }

  private func concerns(_ event: MachineEvent, _ moment: EventMoment) -> Bool {
    let event = TraceEvent(event, moment)
    var hasAddress = false
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      guard field.isAddress(in: event.kind) else { continue }
      hasAddress = true
      let value = event[index]
      if filter.addresses.contains(where: { $0.contains(value) }) { return true }
    }
    return !hasAddress && filter.addresses.contains { $0.contains(UInt64(moment.linear)) }
  }
}

extension EventField {
  /// Whether the field is an address that a filter can ask for; a port is not one.
  fileprivate func isAddress(in kind: EventKind) -> Bool {
    switch meaning {
    case .linear, .linearPage, .physical: true
    case .device: kind == .mmio
    case .other, .entry, .cr3, .slot: false
    }
  }
}
