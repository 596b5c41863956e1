import GuestImages
import Traces

/// The places of a trace's events, as its recorder knew them.
public final class TracePlaces {
  /// The trace.
  let source: any BlockSource
  private let map: ImageMap
  private var symbols: [UInt32: String?] = [:]

  private static let maxSymbols = 1 << 16

  /// The names that a trace carries for its own addresses.
  public init(_ source: any BlockSource) {
    self.source = source
    map = source.map
  }

  /// Such as "flush_one+0x4".
  public func symbol(_ linear: UInt32) -> String? {
    if let known = symbols[linear] { return known }
    if symbols.count >= Self.maxSymbols { symbols.removeAll(keepingCapacity: true) }
    let symbol = source.symbol(at: linear) ?? map.symbol(at: linear)
    symbols.updateValue(symbol, forKey: linear)
    return symbol
  }

  /// Such as "flush_one+0x4 (tlb.c:12)".
  public func briefly(_ linear: UInt32) -> String? {
    PrintableText.place(symbol: symbol(linear), line: source.line(at: linear))
  }
}

extension TracePlaces {
  /// As `briefly`, with the line out of an image where the trace has none.
  func briefly(_ linear: UInt32, orLineOf places: GuestPlaces?) -> String? {
    guard source.line(at: linear) == nil, let places else { return briefly(linear) }
    let line = places.line(at: linear, isPaged: source.form == .text || source.map.contains(linear: linear))
    return PrintableText.place(
      symbol: symbol(linear), line: line.map { PrintableText.escaped($0.description) })
  }
}
