import Emulator

/// How the addresses of a guest are told apart when two builds of it are compared.
///
/// A new build moves code and data. So a place is the function it lies in, an address inside the image is the name it lies in (for
/// data, and how far in), and instructions are not counted. Everything outside the image is compared as it is.
final class Projection {
  private let map: ImageMap?
  /// The image that says what lies inside.
  private let extent: ImageMap
  /// Whether addresses of data are compared by name; otherwise all inside the image are taken for the same.
  private let namesData: Bool
  private let symbol: (UInt32) -> String?
  private var places: [UInt32: UInt32] = [:]
  private var addresses: [UInt64: UInt64] = [:]

  private static let maxCached = 1 << 16

  /// - Parameters:
  ///   - map: the names of the image whose events these are; nil if only `symbol` knows them.
  ///   - other: the other side's.
  ///   - symbol: such as "flush_one+0x4".
  init(map: ImageMap?, other: ImageMap?, symbol: @escaping (UInt32) -> String?) {
    self.map = map
    extent = map ?? other ?? ImageMap()
    namesData = map != nil && other != nil
    self.symbol = symbol
  }

  /// The event as it would be in any build.
  func callAsFunction(_ event: TraceEvent) -> TraceEvent {
    var event = event
    event.moment.instruction = 0
    event.moment.linear = place(event.moment.linear)
    event.moment.eip = event.moment.linear
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      switch field.meaning {
      case .other, .entry, .cr3, .device, .slot: break
      case .linear, .linearPage: event.set(index, address(event[index], isPhysical: false))
      case .physical: event.set(index, address(event[index], isPhysical: true))
      }
    }
    return event
  }

  /// What stands for the function around an instruction.
  private func place(_ linear: UInt32) -> UInt32 {
    if let known = places[linear] { return known }
    if places.count >= Self.maxCached { places.removeAll() }
    let name = symbol(linear).map { Self.function($0) }
    let result = name.map { UInt32(truncatingIfNeeded: Self.hash($0)) } ?? linear
    places[linear] = result
    return result
  }

  /// The name without how far in.
  static func function(_ symbol: String) -> Substring {
    symbol.range(ofLast: "+0x").map { symbol[..<$0] } ?? symbol[...]
  }

  private func address(_ value: UInt64, isPhysical: Bool) -> UInt64 {
    let key = value << 1 | (isPhysical ? 1 : 0)
    if let known = addresses[key] { return known }
    if addresses.count >= Self.maxCached { addresses.removeAll() }
    let result = projected(value, isPhysical: isPhysical)
    addresses[key] = result
    return result
  }

  private func projected(_ value: UInt64, isPhysical: Bool) -> UInt64 {
    let linked =
      isPhysical || !extent.contains(linear: UInt32(truncatingIfNeeded: value))
      ? extent.linked(ofPhysical: value) : UInt32(truncatingIfNeeded: value)
    guard let linked else { return value }
    guard namesData, let found = map?.name(at: linked) else { return Self.inside }
    let name = Self.hash(found.name.name[...])
    return found.name.isCode ? name : name &+ UInt64(found.offset)
  }

  /// Somewhere in the image.
  private static let inside: UInt64 = 1 << 63

  private static func hash(_ text: Substring) -> UInt64 {
    var sum = Checksum()
    var bytes = Array(text.utf8)
    bytes.withUnsafeMutableBytes { sum.add(UnsafeRawBufferPointer($0)) }
    return sum.value
  }
}

extension String {
  /// Where the last `part` begins.
  fileprivate func range(ofLast part: String) -> Index? {
    var found: Index?
    for range in ranges(of: part) { found = range.lowerBound }
    return found
  }
}
