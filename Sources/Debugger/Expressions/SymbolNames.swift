import GuestImages
import Reports

/// A guest's symbols by the names that people type.
struct SymbolNames {
  private let table: SymbolTable
  /// Addresses by whole demangled name, and by the last part of it: "allocatePages" of
  /// "Guest.Kernel.allocatePages(_: Guest.GFPFlags) -> ...".
  private var byDisplayName: [String: UInt32] = [:]
  private var bySimpleName: [String: [(path: String, symbol: Symbol)]] = [:]
  /// The parts of paths in front of the last.
  private var typeNames: Set<String> = []
  /// What is offered for completion, sorted.
  let simpleNames: [String]

  init(_ table: SymbolTable) {
    self.table = table
    var names = Set(table.constants.keys)
    for symbol in table.symbols {
      let display = symbol.displayName
      if display == symbol.name {
        names.insert(display)
        continue
      }
      byDisplayName[display] = byDisplayName[display] ?? symbol.address
      guard let path = Self.path(of: display), let simple = path.split(separator: ".").last else { continue }
      typeNames.formUnion(path.split(separator: ".").dropLast().map(String.init))
      bySimpleName[String(simple), default: []].append((path, symbol))
      names.insert(String(simple))
    }
    simpleNames = names.sorted()
  }

  /// Letters, digits and what joins them.
  static func isNameCharacter(_ character: Character) -> Bool {
    character.isLetter || (character.isASCII && character.isNumber) || character == "_" || character == "$"
      || character == "."
  }

  /// The address, or the value of an absolute symbol; nil when there is none, or when several could be meant.
  func address(of name: String) -> UInt64? {
    if let symbol = table.named(name) { return UInt64(symbol.address) }
    if let value = table.constants[name] { return UInt64(value) }
    if let address = byDisplayName[name] { return UInt64(address) }
    let addresses = Set(matches(name).map(\.address))
    return addresses.count == 1 ? addresses.first.map { UInt64($0) } : nil
  }

  /// The addresses of all functions of this name: of a Swift name, those of its specialisations too.
  func functionAddresses(_ name: String) -> [UInt32] {
    if let symbol = table.named(name) { return symbol.kind == .object ? [] : [symbol.address] }
    if table.constants[name] != nil { return [] }
    if let address = byDisplayName[name] { return [address] }
    return Set(matches(name).filter { $0.kind == .function }.map(\.address)).sorted()
  }

  /// Whether a function of the last part of `name`, a path such as "Kernel.vmalloc", can be no other than the one that
  /// `name` means: the type is known, and no symbol has the last part at the end of another path.
  func isOnlyPath(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    let type = name[..<dot].split(separator: ".").last.map(String.init) ?? ""
    let simple = String(name[name.index(after: dot)...])
    let paths = (bySimpleName[simple] ?? []).map(\.path)
    return typeNames.contains(type) && paths.allSatisfy { $0 == name || $0.hasSuffix("." + name) }
  }

  /// Why `address(of:)` found nothing.
  func complaint(about name: String) -> String {
    let found = matches(name)
    if found.count > 1 {
      let shown = found.prefix(3).map { "'\($0.displayName)'" }.joined(separator: ", ")
      return
        "'\(name)' can mean \(shown)\(found.count > 3 ? " and \(found.count - 3) more" : ""): quote one whole name"
    }
    let near = simpleNames.lazy.map { ($0, EditDistance.between(name, $0)) }.filter {
      $0.1 <= max(1, name.count / 4)
    }
    .min { ($0.1, $0.0) < ($1.1, $1.0) }
    if let near { return "no symbol or register '\(name)': did you mean '\(near.0)'?" }
    return "no symbol or register '\(name)'"
  }

  /// Mangled symbols whose path ends with `name`, by whole parts.
  private func matches(_ name: String) -> [Symbol] {
    guard let simple = name.split(separator: ".").last else { return [] }
    return (bySimpleName[String(simple)] ?? []).filter { $0.path == name || $0.path.hasSuffix("." + name) }
      .map(\.symbol)
  }

  /// "Guest.Kernel.freeTables" of "generic specialization <A> of Guest.Kernel.(freeTables in _1396)(of: B) -> ()".
  static func path(of display: String) -> String? {
    var rest = display[...]
    if rest.hasPrefix("generic specialization"), let range = rest.firstRange(of: "> of ") {
      rest = rest[range.upperBound...]
    }
    if rest.hasPrefix("static ") { rest = rest.dropFirst(7) }
    // Thunks, tokens and accessors are described in words.
    var path = ""
    while let first = rest.first {
      if first == "(", path.isEmpty || path.hasSuffix(".") {
        // A private name: "(name in _HASH)".
        rest = rest.dropFirst()
        let name = rest.prefix { isNameCharacter($0) }
        guard !name.isEmpty, let end = rest.firstIndex(of: ")") else { return nil }
        path += name
        rest = rest[rest.index(after: end)...]
      } else if isNameCharacter(first) {
        path.append(first)
        rest = rest.dropFirst()
      } else if first == "<", let end = rest.firstIndex(of: ">") {
        // The arguments of a generic type are not part of the name.
        rest = rest[rest.index(after: end)...]
      } else {
        break
      }
    }
    let isWhole = rest.isEmpty || rest.hasPrefix("(") || rest.hasPrefix(" : ")
    return isWhole && !path.isEmpty ? path : nil
  }
}
