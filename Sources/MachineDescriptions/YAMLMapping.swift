import Yams

/// One mapping of a YAML text, read key by key. Every fault names the key with all that stand above it.
struct YAMLMapping {
  let file: String
  /// The keys above, such as "tlb.data-4k"; empty at the top.
  let path: String
  private let mapping: Node.Mapping

  typealias Failure = MachineDescriptionError

  /// - Throws: `wrongType` if `node` is not a mapping, `unknownKey` for a key that is not among `keys`.
  init(_ node: Node, file: String, path: String, keys: [String]) throws(Failure) {
    self.file = file
    self.path = path
    guard let mapping = node.mapping else {
      throw Failure(
        file: file, line: node.mark?.line, key: path, reason: .wrongType,
        problem: "is \(Self.kind(of: node)) and no mapping", expected: "keys among \(Self.list(keys))")
    }
    self.mapping = mapping
    for (key, _) in mapping {
      guard let name = key.scalar?.string, keys.contains(name) else {
        let name = key.scalar?.string ?? "(\(Self.kind(of: key)))"
        throw Failure(
          file: file, line: key.mark?.line, key: Self.join(path, Self.printable(name)), reason: .unknownKey,
          problem: "is an unknown key", expected: Self.list(keys))
      }
    }
  }

  // MARK: Values

  /// The text of a scalar; nil where the key is absent.
  func text(_ key: String, expected: String) throws(Failure) -> String? {
    guard let node = mapping[key] else { return nil }
    guard let text = node.scalar?.string, !text.isEmpty else {
      let kind = node.scalar == nil ? Self.kind(of: node) : "empty"
      throw failure(key, .wrongType, "is \(kind)", expected: expected)
    }
    return text
  }

  func integer<T: FixedWidthInteger>(_ key: String, in range: ClosedRange<T>) throws(Failure) -> T? {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let text = try text(key, expected: expected) else { return nil }
    guard Self.isNumber(text) else { throw wrongText(key, text, "is not a whole number", expected) }
    guard let value = T(text), range.contains(value) else { throw outOfRange(key, text, expected) }
    return value
  }

  func flag(_ key: String) throws(Failure) -> Bool? {
    let expected = "true or false"
    switch try text(key, expected: expected) {
    case nil: return nil
    case "true": return true
    case "false": return false
    case let other?: throw wrongText(key, other, "is neither true nor false", expected)
    }
  }

  /// A number with one of `units` behind it, each a letter or a word and what it multiplies with.
  func quantity(
    _ key: String, units: [(name: String, factor: UInt64)], in range: ClosedRange<UInt64>, expected: String
  ) throws(Failure) -> UInt64? {
    guard let text = try text(key, expected: expected) else { return nil }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !digits.isEmpty, let factor = units.first(where: { $0.name == unit })?.factor else {
      throw wrongText(key, text, "is not a number with a unit", expected)
    }
    // More digits than UInt64 holds are too large anyway.
    let (value, overflow) = (UInt64(digits) ?? .max).multipliedReportingOverflow(by: factor)
    guard !overflow, range.contains(value) else { throw outOfRange(key, text, expected) }
    return value
  }

  func choice<T>(_ key: String, _ choices: [(name: String, value: T)]) throws(Failure) -> T? {
    let expected = Self.list(choices.map(\.name))
    guard let text = try text(key, expected: expected) else { return nil }
    guard let choice = choices.first(where: { $0.name == text }) else {
      throw outOfRange(key, text, expected)
    }
    return choice.value
  }

  /// The mapping below a key.
  func mapping(_ key: String, keys: [String]) throws(Failure) -> YAMLMapping? {
    guard let node = mapping[key] else { return nil }
    return try YAMLMapping(node, file: file, path: Self.join(path, key), keys: keys)
  }

  // MARK: Faults

  /// A fault of `key`, or of this mapping as a whole when the text does not have the key.
  func failure(
    _ key: String, _ reason: Failure.Reason, _ problem: String, expected: String
  ) -> Failure {
    let line = mapping[key]?.mark?.line ?? mapping.first?.key.mark?.line
    return Failure(
      file: file, line: line, key: Self.join(path, key), reason: reason, problem: problem, expected: expected)
  }

  private func wrongText(_ key: String, _ text: String, _ problem: String, _ expected: String) -> Failure {
    failure(key, .wrongType, "'\(Self.printable(text))' \(problem)", expected: expected)
  }

  private func outOfRange(_ key: String, _ text: String, _ expected: String) -> Failure {
    failure(key, .outOfRange, "cannot be '\(Self.printable(text))'", expected: expected)
  }

  // MARK: Words

  static func isNumber(_ text: String) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }

  static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : key.isEmpty ? path : "\(path).\(key)"
  }

  /// `text` on one line and not too long: it comes from a file.
  static func printable(_ text: String) -> String {
    let safe = text.unicodeScalars.prefix(40).map {
      $0.properties.generalCategory == .control ? "?" : String($0)
    }
    return safe.joined() + (text.unicodeScalars.count > 40 ? "..." : "")
  }

  static func list(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words.last!
  }

  private static func kind(of node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "a single value"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}
