import Foundation

/// Which rooms (folders) of a source tree name the types of which others.
struct RoomGraph {
  /// A room that names types of another.
  struct Edge: Hashable {
    var from: String
    var to: String
  }

  /// The types that are named, each with a file that names it.
  private(set) var edges: [Edge: [String: String]] = [:]
  private(set) var rooms: Set<String> = []

  /// - Parameter files: sources by their path below the tree, whose first part is the room.
  init(files: [String: String]) {
    let code = files.mapValues(Self.withoutCommentsAndStrings)
    var homes: [String: String] = [:]
    for (path, text) in code {
      rooms.insert(Self.room(path))
      for name in Self.declaredTypes(in: text) { homes[name] = Self.room(path) }
    }
    for (path, text) in code {
      for name in Self.typeNames(in: text) {
        guard let home = homes[name], home != Self.room(path) else { continue }
        edges[Edge(from: Self.room(path), to: home), default: [:]][name] = path
      }
    }
  }

  /// - Parameter folder: the tree; every Swift file in it counts.
  init(folder: URL) throws {
    var files: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    where path.hasSuffix(".swift") {
      files[path] = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }
    self.init(files: files)
  }

  private static func room(_ path: String) -> String { String(path.prefix { $0 != "/" }) }

  private static func withoutCommentsAndStrings(_ text: String) -> String {
    text.replacing(#/"(\\.|[^"\\\n])*"/#, with: "\"\"").replacing(#///[^\n]*/#, with: "")
  }

  /// The types that other files can name: declared at the left margin, and not private.
  private static func declaredTypes(in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      var words = line.prefix { $0 != ":" && $0 != "<" && $0 != "{" && $0 != "=" }.split(separator: " ")[...]
      guard line.first?.isLetter == true else { return nil }
      while let word = words.first, ["public", "final", "indirect"].contains(word) { words.removeFirst() }
      guard let kind = words.popFirst(), let name = words.first,
        ["class", "struct", "enum", "protocol", "typealias"].contains(kind)
      else { return nil }
      return String(name)
    }
  }

  private static func typeNames(in text: String) -> Set<String> {
    Set(text.matches(of: #/\b[A-Z][A-Za-z0-9_]*/#).map { String($0.output) })
  }
}
