import Foundation

/// The public declarations of Swift sources, and which of them have no documentation.
struct PublicDeclarations {
  /// Those without a doc comment, as `PATH:LINE: text`. What a type declares because a protocol requires it is documented with
  /// the protocol.
  let undocumented: [String]
  /// How many there are in all.
  let count: Int

  /// What the standard library's protocols require, and document.
  private static let standard: [String: Set<String>] = [
    "Comparable": ["<"], "Equatable": ["=="], "Hashable": ["==", "hash"], "OptionSet": ["rawValue", "init"],
    "RawRepresentable": ["rawValue", "init"], "CustomStringConvertible": ["description"],
    "RandomNumberGenerator": ["next"], "Sequence": ["makeIterator"], "IteratorProtocol": ["next"],
  ]

  private struct Line {
    let text: String
    let indent: Int
    let head: DeclarationHead?

    init(_ text: Substring) {
      self.text = String(text)
      indent = text.prefix { $0 == " " }.count
      head = DeclarationHead(self.text)
    }
  }

  /// - Parameter files: sources by path.
  init(files: [String: String]) {
    let sources = files.mapValues {
      $0.split(separator: "\n", omittingEmptySubsequences: false).map(Line.init)
    }
    let requirements = Self.requirements(of: sources.values)
    let conformances = Self.conformances(in: sources.values)
    var undocumented: [String] = []
    var count = 0
    for (path, lines) in sources.sorted(by: { $0.key < $1.key }) {
      var enclosing: [(indent: Int, name: String)] = []
      for (index, line) in lines.enumerated() where line.text.count > line.indent {
        while let last = enclosing.last, line.indent <= last.indent { enclosing.removeLast() }
        guard let head = line.head else { continue }
        let protocols = enclosing.last.flatMap { conformances[$0.name] } ?? []
        if head.isType { enclosing.append((line.indent, head.lastPartOfName)) }
        guard head.isPublic, head.keyword != "extension" else { continue }
        count += 1
        let name = String(head.name)
        if Self.isDocumented(lines, index)
          || protocols.contains(where: { requirements[$0]?.contains(name) ?? false })
        {
          continue
        }
        undocumented.append("\(path):\(index + 1): \(line.text.dropFirst(line.indent))")
      }
    }
    self.undocumented = undocumented
    self.count = count
  }

  private static func isDocumented(_ lines: [Line], _ index: Int) -> Bool {
    for line in lines[..<index].reversed() {
      let text = line.text.dropFirst(line.indent)
      if text.hasPrefix("@") || text.hasPrefix("#if") { continue }
      return text.hasPrefix("///") || text.hasSuffix("*/")
    }
    return false
  }

  /// What each protocol requires, with what it inherits.
  private static func requirements(of sources: some Sequence<[Line]>) -> [String: Set<String>] {
    var own = standard
    var parents: [String: [String]] = [:]
    for lines in sources {
      for (index, line) in lines.enumerated() {
        guard let head = line.head, head.keyword == "protocol" else { continue }
        let body = lines[(index + 1)...].prefix {
          !($0.indent == line.indent && $0.text.dropFirst($0.indent).first == "}")
        }
        own[String(head.name), default: []].formUnion(body.compactMap { $0.head.map { String($0.name) } })
        parents[String(head.name)] = inherited(String(head.rest))
      }
    }
    func all(_ name: String, _ seen: Set<String>) -> Set<String> {
      guard !seen.contains(name) else { return [] }
      return (parents[name] ?? []).reduce(own[name] ?? []) { $0.union(all($1, seen.union([name]))) }
    }
    return Dictionary(uniqueKeysWithValues: own.keys.map { ($0, all($0, [])) })
  }

  /// The protocols that each type names, anywhere in the sources.
  private static func conformances(in sources: some Sequence<[Line]>) -> [String: Set<String>] {
    var conformances: [String: Set<String>] = [:]
    for lines in sources {
      for (index, line) in lines.enumerated() {
        guard let head = line.head, head.isType else { continue }
        var text = String(head.rest)
        for further in lines[(index + 1)...] {
          if text.contains("{") { break }
          text += " " + further.text
        }
        conformances[head.lastPartOfName, default: []].formUnion(inherited(text))
      }
    }
    return conformances
  }

  /// The names after the colon of a type's head.
  private static func inherited(_ head: String) -> [String] {
    guard let colon = head.firstIndex(of: ":") else { return [] }
    return head[colon...].prefix { $0 != "{" }.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(
      String.init)
  }
}
