import Foundation
import Testing

/// Who uses a module reads its declarations, not its code.
@Suite("Documentation of public declarations")
struct PublicDocumentationTests {
  static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources").standardized

  @Test("Every public declaration of the libraries has a doc comment")
  func everyDeclaration() throws {
    var files: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: Self.sources.path)
    where path.hasSuffix(".swift") {
      files["Sources/" + path] = try String(contentsOf: Self.sources.appending(path: path), encoding: .utf8)
    }
    let declarations = PublicDeclarations(files: files)
    #expect(declarations.count > 1000, "\(declarations.count) declarations were found")
    #expect(declarations.undocumented.isEmpty, "\(declarations.undocumented.joined(separator: "\n"))")
  }

  @Test("What has none is found; attributes and what a protocol requires are no fault")
  func missing() {
    let declarations = PublicDeclarations(files: [
      "A.swift": """
      /// A thing with a name.
      public protocol Named {
        /// The name.
        var name: String { get }
      }

      /// A thing.
      @frozen
      public struct Thing: Named, Comparable {
        public var name: String
        @inlinable public var size: Int { 1 }
        /// Made.
        @inlinable
        public init() {}
        public init(
          name: String
        ) {}
        public static func < (a: Self, b: Self) -> Bool { a.name < b.name }
        public private(set) static var count = 0
        let hidden = "public let hidden"
      }

      extension Thing {
        public func name(of other: Thing) -> String { "" }
        public func grow() {}
      }
      """
    ])
    #expect(
      declarations.undocumented.map { $0.prefix { $0 != " " } } == [
        "A.swift:11:", "A.swift:15:", "A.swift:19:", "A.swift:25:",
      ])
  }
}
