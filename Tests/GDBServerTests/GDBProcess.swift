import Foundation

/// gdb as a child process.
enum GDBProcess {
  static let path = "/usr/bin/gdb"
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// What it prints when it executes the commands with the symbols of `image`.
  ///
  /// - Parameter meanwhile: called over and over until gdb has ended, and once more.
  static func output(_ commands: [String], _ image: String, meanwhile: () -> Void) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "pagewalk-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = ["-nx", "-batch"] + commands.flatMap { ["-ex", $0] } + [image]
    process.standardInput = FileHandle.nullDevice
    let handle = try FileHandle(forWritingTo: file)
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    while process.isRunning { meanwhile() }
    meanwhile()
    return String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }
}
