import Foundation

/// GNU objdump, the second opinion on lengths and text.
enum Objdump {
  /// One line of its output.
  struct Line {
    let address: UInt32
    let bytes: [UInt8]
    /// Mnemonic and operands, as printed.
    let text: String
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let path = "/usr/bin/objdump"

  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// Disassembles raw code from address 0 on, bytes that are zero included.
  static func lines(code: [UInt8], machine: String) throws -> [Line] {
    try withTemporaryFile { file in
      try Data(code).write(to: file)
      return try run(["-D", "-z", "-b", "binary", "-m", machine, "-M", "intel", "--insn-width=16", file.path])
    }
  }

  /// Disassembles the code sections of an ELF file.
  static func lines(elf: URL) throws -> [Line] {
    try run(["-d", "-z", "-M", "intel", "--insn-width=16", elf.path])
  }

  private static func withTemporaryFile<R>(_ body: (URL) throws -> R) throws -> R {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("pagewalk-objdump-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file)
  }

  private static func run(_ arguments: [String]) throws -> [Line] {
    try withTemporaryFile { output in
      guard FileManager.default.createFile(atPath: output.path, contents: nil) else {
        throw Failure(description: "can't create \(output.path)")
      }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
      process.standardOutput = try FileHandle(forWritingTo: output)
      try process.run()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        throw Failure(
          description: "objdump \(arguments.joined(separator: " ")): \(process.terminationStatus)")
      }
      return parse([UInt8](try Data(contentsOf: output)))
    }
  }

  /// Reads lines of the form "  address:\tbytes\ttext"; others are headings.
  private static func parse(_ output: [UInt8]) -> [Line] {
    let tab = UInt8(ascii: "\t")
    var lines: [Line] = []
    for line in output.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: tab, maxSplits: 2)
      guard fields.count >= 2, let colon = fields[0].last, colon == UInt8(ascii: ":") else { continue }
      let digits = fields[0].dropLast().drop { $0 == UInt8(ascii: " ") }
      guard let address = hexadecimal(digits) else { continue }
      let bytes = fields[1].split(separator: UInt8(ascii: " ")).compactMap { hexadecimal($0).map(UInt8.init) }
      lines.append(
        Line(
          address: address, bytes: bytes,
          text: fields.count > 2 ? String(decoding: fields[2], as: UTF8.self) : ""))
    }
    return lines
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    guard !digits.isEmpty, digits.count <= 8 else { return nil }
    var value: UInt32 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return value
  }
}
