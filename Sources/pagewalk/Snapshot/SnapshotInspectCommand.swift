import ArgumentParser
import Reports
import Snapshots

/// `pagewalk snapshot inspect`.
struct SnapshotInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a snapshot holds, having checked every byte of it.",
    discussion: """
      Examples:
        pagewalk snapshot inspect booted.snap
      """)

  @Argument(help: "The snapshot.", completion: .file())
  var file: String

  func run() throws {
    let snapshot = try SnapshotFile(file)
    let contents = try snapshot.read { (_, _) throws(SnapshotError) in }
    let lines = [
      "snapshot of version \(SnapshotHeader.version), \(snapshot.length) bytes, whole",
      "\(contents.pages) pages of RAM that are not zero, \(contents.archive.count) bytes of state, \(contents.rom.count) of ROM",
    ]
    Output.standard.write(lines: lines + snapshot.header.lines.map(PlainText.of))
  }
}
