import IA32

/// A device's state in words, by looking at the value itself: no device writes a listing of its own.
enum StateText {
  /// Elements of a list that are shown.
  private static let shownElements = 16

  /// Each stored property by its name; those of a structure within follow its own name and a full stop.
  static func facts(of state: Any) -> [DeviceListing.Fact] {
    var facts: [DeviceListing.Fact] = []
    append(state, name: "", to: &facts)
    return facts
  }

  private static func append(_ value: Any, name: String, to facts: inout [DeviceListing.Fact]) {
    if let text = simple(value) {
      facts.append(DeviceListing.Fact(name: name, value: text))
      return
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
      if let wrapped = mirror.children.first {
        append(wrapped.value, name: name, to: &facts)
      } else {
        facts.append(DeviceListing.Fact(name: name, value: "none"))
      }
    case .collection:
      appendList(mirror, name: name, to: &facts)
    case .struct, .tuple:
      for child in mirror.children {
        let label = child.label ?? ""
        append(child.value, name: name.isEmpty ? label : name + "." + label, to: &facts)
      }
    default:
      facts.append(DeviceListing.Fact(name: name, value: String(describing: value)))
    }
  }

  /// A list of numbers is one fact; of a list of structures each is its own.
  private static func appendList(_ list: Mirror, name: String, to facts: inout [DeviceListing.Fact]) {
    let shown = list.children.prefix(shownElements).map(\.value)
    let texts = shown.compactMap(simple)
    guard texts.count == shown.count else {
      for (index, value) in shown.enumerated() { append(value, name: "\(name)[\(index)]", to: &facts) }
      return
    }
    let rest = list.children.count - shown.count
    let text = texts.joined(separator: " ") + (rest > 0 ? " and \(rest) more" : "")
    facts.append(DeviceListing.Fact(name: name, value: text.isEmpty ? "empty" : text))
  }

  private static func simple(_ value: Any) -> String? {
    switch value {
    case let flag as Bool: flag ? "yes" : "no"
    case let byte as UInt8: hexadecimal(UInt64(byte), digits: 2)
    case let word as UInt16: hexadecimal(UInt64(word), digits: 4)
    case let doubleword as UInt32: hexadecimal(UInt64(doubleword), digits: 8)
    case let number as any BinaryInteger: "\(number)"
    case let text as String: text
    default: nil
    }
  }
}
