import Foundation
import Synchronization

/// The Swift toolchain's own clang and ld.lld, as the assembler of the tests' programs.
enum Assembler {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let cache = Mutex<[String: [UInt8]]>([:])

  /// Assembles 32-bit code, Intel syntax, that runs at `origin`: flat bytes. `.code16` switches. Each source is assembled
  /// once in a process.
  static func assemble(_ source: String, at origin: UInt32) throws -> [UInt8] {
    let key = "\(origin) \(source)"
    if let known = cache.withLock({ $0[key] }) { return known }
    let bytes = try inTemporaryFolder { folder in
      let object = folder.appendingPathComponent("program.o")
      let flat = folder.appendingPathComponent("program.bin")
      try compile(source, triple: "i686-unknown-none-elf", to: object)
      try run(
        "ld.lld",
        [
          "-m", "elf_i386", "--image-base=0", "--oformat", "binary", "-Ttext", String(format: "0x%x", origin),
          "-e",
          String(format: "0x%x", origin), "-o", flat.path, object.path,
        ])
      return [UInt8](try Data(contentsOf: flat))
    }
    cache.withLock { $0[key] = bytes }
    return bytes
  }

  /// Assembles and links a static program for 32-bit Linux.
  static func linkLinuxProgram(_ source: String, to executable: URL) throws {
    try inTemporaryFolder { folder in
      let object = folder.appendingPathComponent("program.o")
      try compile(source, triple: "i686-unknown-linux-gnu", to: object)
      try run(
        "ld.lld", ["-m", "elf_i386", "-static", "--image-base=0x8048000", "-o", executable.path, object.path])
    }
  }

  /// Compiles C that needs no library, and links a static program for 32-bit Linux.
  static func linkLinuxProgram(c source: URL, to executable: URL) throws {
    try inTemporaryFolder { folder in
      let object = folder.appendingPathComponent("program.o")
      try run(
        "clang",
        [
          "-target", "i686-unknown-linux-gnu", "-march=i686", "-O2", "-ffreestanding", "-fno-stack-protector",
          "-mno-sse", "-mno-mmx", "-fno-pic", "-c", "-o", object.path, source.path,
        ])
      try run(
        "ld.lld", ["-m", "elf_i386", "-static", "--image-base=0x8048000", "-o", executable.path, object.path])
    }
  }

  /// Calls `body` with a folder that is gone afterwards.
  static func inTemporaryFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("pagewalk-program-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  private static func compile(_ source: String, triple: String, to object: URL) throws {
    let text = object.deletingPathExtension().appendingPathExtension("s")
    try Data((".intel_syntax noprefix\n" + source + "\n").utf8).write(to: text)
    try run("clang", ["-target", triple, "-march=i686", "-c", "-o", object.path, text.path])
  }

  /// Where the toolchain has `tool`: on the PATH, or beside the `swiftc` of the PATH.
  private static func locate(_ tool: String) throws -> URL {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map { URL(fileURLWithPath: String($0)) }
    let files = FileManager.default
    let beside = folders.map { $0.appendingPathComponent("swiftc") }
      .filter { files.isExecutableFile(atPath: $0.path) }
      .map { $0.resolvingSymlinksInPath().deletingLastPathComponent() }
    for folder in beside + folders {
      let candidate = folder.appendingPathComponent(tool)
      if files.isExecutableFile(atPath: candidate.path) { return candidate }
    }
    throw Failure(description: "\(tool) is not on the PATH: it is part of the Swift toolchain")
  }

  private static func run(_ tool: String, _ arguments: [String]) throws {
    let process = Process()
    let output = Pipe()
    process.executableURL = try locate(tool)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(tool): \(String(decoding: text, as: UTF8.self))")
    }
  }
}
