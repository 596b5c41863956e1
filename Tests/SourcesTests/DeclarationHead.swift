/// The beginning of a declaration on a line of Swift, taken apart. It reads words, not grammar: the formatter keeps one
/// declaration a line.
struct DeclarationHead {
  private static let types: Set<Substring> = [
    "struct", "class", "enum", "protocol", "actor", "extension",
  ]
  private static let members: Set<Substring> = ["func", "var", "let", "init", "subscript", "typealias"]
  private static let modifiers: Set<Substring> = [
    "public", "open", "internal", "private", "fileprivate", "indirect", "final", "static", "mutating",
    "nonmutating", "override", "convenience", "required", "lazy", "weak", "unowned", "nonisolated",
    "consuming", "borrowing",
  ]

  /// Whether other modules see it.
  private(set) var isPublic = false
  private(set) var keyword: Substring = ""
  /// The name without arguments; initializers and subscripts are named by their keyword.
  private(set) var name: Substring = ""
  /// What follows the name.
  private(set) var rest: Substring

  var isType: Bool { Self.types.contains(keyword) }
  /// The name of a type without those around it.
  var lastPartOfName: String { String(name.split(separator: ".").last ?? name) }

  /// nil where `line` declares nothing.
  init?(_ line: String) {
    rest = line.drop { $0 == " " }
    while true {
      let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" }
      guard !word.isEmpty else { return nil }
      rest = rest.dropFirst(word.count)
      let isClassMember = word == "class" && (rest.hasPrefix(" func ") || rest.hasPrefix(" var "))
      guard word.hasPrefix("@") || Self.modifiers.contains(word) || isClassMember else {
        keyword = word
        break
      }
      if word == "public" || word == "open" { isPublic = isPublic || !rest.hasPrefix("(set)") }
      // `@inline(__always)`, `private(set)`.
      if rest.hasPrefix("(") { rest = rest.drop { $0 != ")" }.dropFirst() }
      rest = rest.drop { $0 == " " }
    }
    guard isType || Self.members.contains(keyword) else { return nil }
    if keyword == "init" || keyword == "subscript" {
      name = keyword
    } else {
      rest = rest.drop { $0 == " " || $0 == "`" }
      // An operator may itself begin with `<` or `=`.
      let first = rest.prefix(1)
      name = rest.prefix(
        1 + rest.dropFirst().prefix { first == "=" ? $0 == "=" : !" (:<={`".contains($0) }.count)
      rest = rest.dropFirst(name.count)
    }
  }
}
