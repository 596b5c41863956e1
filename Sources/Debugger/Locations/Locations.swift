import Emulator
import GuestImages
import IA32
import Reports

/// Places in code that a text names: an address, a function with all of its copies, a line of a source file.
public struct CodeLocation: Hashable, Sendable {
  /// Linear addresses, ascending. At least one.
  public var addresses: [UInt32]
  /// The line that was meant, where a line was named: the next one with code.
  public var line: LineTable.Place?
}

extension DebuggerSession {
  /// Places that one name may mean at most.
  private static let maxPlaces = 1000

  /// The places that `text` names: `*EXPRESSION`, `FILE:LINE`, a function's name, or an expression that gives an address.
  ///
  /// A function that was inlined has a place in each function that holds a copy of it. `*` in front makes an expression of
  /// what could be a name, and is not a load from memory.
  /// - Throws: `ShellError` when nothing is named so.
  public func locate(_ text: String) throws(ShellError) -> CodeLocation {
    let text = text.trimmingSpaces
    if text.hasPrefix("*") {
      return CodeLocation(addresses: [try evaluateLinear(String(text.dropFirst()))])
    }
    if let (file, line) = Self.fileAndLine(text) { return try locate(line: line, of: file) }
    let bare =
      text.hasPrefix("'") && text.hasSuffix("'") && text.count > 2
      ? String(text.dropFirst().dropLast()) : text
    let addresses = functionEntries(bare)
    if !addresses.isEmpty { return CodeLocation(addresses: Array(addresses.prefix(Self.maxPlaces))) }
    return CodeLocation(addresses: [try evaluateLinear(text)])
  }

  /// The place that `text` names, when there is one alone.
  /// - Throws: `ShellError` when there is none, or several.
  func locateOne(_ text: String) throws(ShellError) -> UInt32 {
    let found = try locate(text).addresses
    guard found.count > 1 else { return found[0] }
    let shown = found.prefix(4).map { "*0x\(String($0, radix: 16))" }.joined(separator: ", ")
    throw ShellError("'\(text)' means \(found.count) places: \(shown)\(found.count > 4 ? ", ..." : "")")
  }

  /// Where the code of the functions of this name begins: by DWARF, with the inlined copies, and by symbols.
  private func functionEntries(_ name: String) -> [UInt32] {
    var addresses = Set(names.functionAddresses(name))
    for function in functions(named: name) { addresses.formUnion(function.copies.map(\.entry)) }
    return addresses.sorted()
  }

  /// The functions of this name: by the source's name, the symbol's, or the end of the path to it ("Kernel.vmalloc").
  func functions(named name: String) -> [SourceFunction] {
    guard !name.isEmpty, let information = debugInformation else { return [] }
    let simple = name.split(separator: ".").last.map(String.init) ?? name
    // Of a function that exists in copies alone, DWARF may say no more than its name, without the type that it is in.
    let acceptsBareName = simple != name && names.isOnlyPath(name)
    return information.functions.filter { function in
      if function.linkageName == name { return true }
      guard function.name == simple || function.name.hasPrefix(simple + "(") || function.linkageName != nil
      else {
        return false
      }
      if function.linkageName == nil {
        return function.name == name
          || (acceptsBareName && function.name == simple && function.place == nil)
      }
      let display = function.displayName
      if display == name { return true }
      guard let path = SymbolNames.path(of: display) else { return false }
      return path == name || path.hasSuffix("." + name)
    }
  }

  /// "stale.c" and 75 of "stale.c:75".
  private static func fileAndLine(_ text: String) -> (file: String, line: Int)? {
    guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let line = Int(text[text.index(after: colon)...]), line > 0
    else { return nil }
    return (String(text[..<colon]), line)
  }

  private func locate(line: Int, of file: String) throws(ShellError) -> CodeLocation {
    guard let lines = places.lines, !lines.isEmpty else {
      throw ShellError("the image has no source lines: compile it with -g")
    }
    guard let found = lines.addresses(file: file, line: line), !found.addresses.isEmpty else {
      let known = lines.lastLines.filter { LineTable.Place(file: $0.key, line: 1).isIn(file) }
      guard let (name, last) = known.min(by: { $0.key < $1.key }) else {
        let near = lines.lastLines.keys.sorted().prefix(4).joined(separator: ", ")
        throw ShellError("no code comes from a file '\(file)': there is code from \(near), ...")
      }
      throw ShellError("\(name) has no code at or after line \(line): the last line with code is \(last)")
    }
    return CodeLocation(addresses: firstInEachCopy(found.addresses), line: found.place)
  }

  /// Of the places of a line in the same copy of a function, the first: the others are parts that the compiler moved.
  private func firstInEachCopy(_ addresses: [UInt32]) -> [UInt32] {
    guard let functions = debugInformation?.functions else { return addresses }
    let copies = functions.flatMap(\.copies)
    func innermost(_ address: UInt32) -> SourceFunction.Copy? {
      copies.filter { $0.ranges.contains { $0.contains(address) } }
        .min { $0.ranges.reduce(0) { $0 + $1.count } < $1.ranges.reduce(0) { $0 + $1.count } }
    }
    var seen: Set<SourceFunction.Copy> = []
    return addresses.filter { address in innermost(address).map { seen.insert($0).inserted } ?? true }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
