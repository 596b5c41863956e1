import Emulator

/// One build of a guest, as far as two builds can be told apart and compared: where its image lies, and what lies where in it.
struct BuildNames {
  /// Where an address lies in an image.
  enum Place: Equatable {
    /// In this function: where in it moves with every change.
    case function(String)
    /// So far in this object.
    case object(String, offset: UInt32)
    /// In the image, where no symbol says more.
    case unnamed
  }

  let map: ImageMap
  /// The symbol around an instruction, such as "flush_one+0x4".
  let symbol: (UInt32) -> String?

  /// The name of a symbol without how far in.
  static func function(_ symbol: String) -> Substring {
    var found: String.Index?
    for range in symbol.ranges(of: "+0x") { found = range.lowerBound }
    return found.map { symbol[..<$0] } ?? symbol[...]
  }

  /// The function around an instruction; nil where none is known.
  func function(at linear: UInt32) -> Substring? { symbol(linear).map { Self.function($0) } }

  /// Where a linear address lies in the image, where it is linked or where it is loaded; nil outside.
  func place(ofLinear linear: UInt64) -> Place? {
    let linear = UInt32(truncatingIfNeeded: linear)
    return (map.contains(linear: linear) ? linear : map.linked(ofPhysical: UInt64(linear))).map(place)
  }

  /// Where a physical address lies in the image; nil outside.
  func place(ofPhysical physical: UInt64) -> Place? { map.linked(ofPhysical: physical).map(place) }

  private func place(ofLinked linked: UInt32) -> Place {
    guard let found = map.name(at: linked) else { return .unnamed }
    return found.name.isCode
      ? .function(found.name.name) : .object(found.name.name, offset: found.offset)
  }

  /// The object that a page of the image belongs to, and how far in the page is; nil for a page that begins in the middle of
  /// something: what is in it depends on where the linker put it.
  func object(ofPage physical: UInt64) -> Place? {
    guard let linked = map.linked(ofPhysical: physical), let found = map.name(at: linked),
      !found.name.isCode, found.name.address & 0xfff == 0
    else { return nil }
    return .object(found.name.name, offset: found.offset)
  }

  /// Where in memory the page of a linear address of the image was loaded; nil outside.
  func loadedPage(ofLinear linear: UInt64) -> UInt64? {
    let linear = UInt32(truncatingIfNeeded: linear)
    let part = map.parts.first { linear >= $0.linear && linear - $0.linear < $0.size }
    if let part { return (UInt64(part.physical) + UInt64(linear - part.linear)) & ~0xfff }
    return map.linked(ofPhysical: UInt64(linear)) == nil ? nil : UInt64(linear) & ~0xfff
  }
}
