import Foundation
import Testing

@testable import HostFiles

/// Files that are written whole or not at all.
@Suite("Replacing files")
struct ReplacementFileTests {
  let folder = FileManager.default.temporaryDirectory.appending(path: "pagewalk-files-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  private func path(_ name: String) -> String { folder.appending(path: name).path }
  private func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }
  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
  private func clean() { try? FileManager.default.removeItem(at: folder) }

  @Test func nothingIsSeenBeforeItIsComplete() throws {
    defer { clean() }
    try ReplacementFile.write(Array("old".utf8), to: path("a"))
    let file = try ReplacementFile(path("a"))
    file.write(Array("ne".utf8), Array("w".utf8))
    #expect(try text("a") == "old")
    try file.finish()
    #expect(try text("a") == "new")
    #expect(try names() == ["a"])
  }

  @Test func twoWritersDoNotMeet() throws {
    defer { clean() }
    let first = try ReplacementFile(path("a"))
    let second = try ReplacementFile(path("a"))
    first.write(Array("first".utf8))
    second.write(Array("second".utf8))
    try second.finish()
    #expect(try text("a") == "second")
    try first.finish()
    #expect(try text("a") == "first")
    #expect(try names() == ["a"])
  }

  /// A new trace grows in its place; the second of two recorders finds it there and replaces it.
  @Test func aNewFileMayGrowInItsPlace() throws {
    defer { clean() }
    let first = try ReplacementFile(path("a"), mode: .growingIfNew)
    first.write(Array("part".utf8))
    #expect(try text("a") == "part")
    #expect(!first.isBeside)
    let second = try ReplacementFile(path("a"), mode: .growingIfNew)
    #expect(second.isBeside)
    second.write(Array("whole".utf8))
    try second.finish()
    first.write(Array(" more".utf8))
    try first.finish()
    #expect(try text("a") == "whole")
  }

  @Test func whatIsAbandonedLeavesNothing() throws {
    defer { clean() }
    try ReplacementFile.write([1], to: path("a"))
    var file: ReplacementFile? = try ReplacementFile(path("a"))
    file?.write([2, 3])
    #expect(try names().count == 2)
    file = nil
    #expect(try names() == ["a"])
    #expect(try Data(contentsOf: folder.appending(path: "a")) == Data([1]))
  }

  @Test func aSymbolicLinkStaysOne() throws {
    defer { clean() }
    try FileManager.default.createDirectory(atPath: path("sub"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: "sub/target")
    // First dangling, then not.
    for content in ["one", "two"] {
      try ReplacementFile.write(Array(content.utf8), to: path("link"))
      #expect(try text("sub/target") == content)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path("link")) == "sub/target")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("sub")) == ["target"])
  }

  @Test func besideHasANameOfItsOwn() throws {
    defer { clean() }
    for (name, content) in [("a", "golden"), ("a.stopped", "somebody's")] {
      try ReplacementFile.write(Array(content.utf8), to: path(name))
    }
    let file = try ReplacementFile(path("a"))
    file.write(Array("part".utf8))
    #expect(try file.finishBeside(suffix: ".stopped") == path("a.stopped-2"))
    #expect(try names() == ["a", "a.stopped", "a.stopped-2"])
    #expect(try text("a.stopped") == "somebody's" && text("a") == "golden" && text("a.stopped-2") == "part")
  }

  @Test func permissionsStay() throws {
    defer { clean() }
    try ReplacementFile.write([1], to: path("a"))
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path("a"))
    try ReplacementFile.write([2], to: path("a"))
    let mode = try FileManager.default.attributesOfItem(atPath: path("a"))[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test func failuresAreSentences() throws {
    defer { clean() }
    #expect { try ReplacementFile.write([1], to: "/dev/full") } throws: {
      "\($0)" == "/dev/full: can't be written to its end (No space left on device)"
    }
    #expect { try ReplacementFile.write([1], to: path("no/such")) } throws: {
      "\($0)".hasSuffix("no/such: can't be written (No such file or directory)")
    }
    #expect { try ReplacementFile.write([1], to: folder.path) } throws: {
      "\($0)".hasSuffix("can't be written (Is a directory)")
    }
    try ReplacementFile.write([1], to: "/dev/null")
  }

  @Test func longNamesFit() throws {
    defer { clean() }
    let name = String(repeating: "ä", count: 127)
    try ReplacementFile.write([1], to: path(name))
    #expect(try names().count == 1)
  }
}
