import Foundation
import Testing

/// Runs `pagewalk` in the project's folder, with a folder for its files that goes when it goes.
final class TraceRunner {
  struct Ended {
    let status: Int32
    let output: String
    let error: String
  }

  static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let images = project.appending(path: ".build/images")

  let folder = FileManager.default.temporaryDirectory.appending(path: "pagewalk-traces-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }

  func start(_ arguments: [String], output: Any, error: Any, in directory: URL = project) throws -> Process {
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = error
    // Tests run on threads that block signals, and a child would inherit that.
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    return process
  }

  /// Waits until the folder holds more than `bytes` bytes, a minute at most: on a busy machine a recorder is slow to begin.
  func waitUntilFolderHolds(moreThan bytes: Int) throws {
    for _ in 0..<6000 {
      if try size() > bytes { return }
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// The bytes of all files in the folder.
  func size() throws -> Int {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .reduce(0) { $0 + ((try? Data(contentsOf: $1).count) ?? 0) }
  }

  @discardableResult
  func run(_ arguments: String..., in directory: URL = project) throws -> Ended {
    // Files, since what is printed may be more than a pipe holds.
    let (out, err) = (path("out-\(UUID().uuidString)"), path("err-\(UUID().uuidString)"))
    for file in [out, err] { try Data().write(to: URL(filePath: file)) }
    let process = try start(
      arguments, output: FileHandle(forWritingTo: URL(filePath: out)),
      error: FileHandle(forWritingTo: URL(filePath: err)), in: directory)
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: URL(filePath: out)), as: UTF8.self),
      error: String(decoding: try Data(contentsOf: URL(filePath: err)), as: UTF8.self))
  }
}

extension TraceRunner {
  /// Runs a line of the shell in the folder, with these arguments from $0 on.
  func shell(
    _ line: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, output: Data) {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", line] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, bytes)
  }

  func record(_ image: String, _ events: String, _ name: String, _ options: String...) throws {
    let ended = try runAll(
      ["trace", "record", "--quiet", "-e", events, image, "-o", path(name)] + options)
    #expect(ended.status == 0, "\(ended.error)")
  }

  func runAll(_ arguments: [String]) throws -> Ended {
    let (out, err) = (Pipe(), Pipe())
    let process = try start(arguments, output: out, error: err)
    let output = try out.fileHandleForReading.readToEnd() ?? Data()
    let error = try err.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
      error: String(decoding: error, as: UTF8.self))
  }
}
