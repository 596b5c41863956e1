import GuestImages
import IA32

/// What an image is, how it would be started, and what is odd about it.
public struct ImageReport: Report {
  private let image: GuestImage
  private let start: ImageStart

  /// A report on an image that can be started.
  public init(_ image: GuestImage) {
    self.image = image
    start = ImageStart(image)
  }

  public var lines: [String] {
    var lines = ["\(image.file): \(kind), \(image.bytes.count) bytes", "started as \(start.sentence)"]
    if let linux = image.linux {
      lines += ["", "Linux \(linux.kernelVersion)"]
      lines += linuxFacts(linux).map { "  \($0.name.padded(to: 16))\($0.text)" }
    }
    lines += ["", "segments"] + segments.lines.map { "  " + $0 }
    if let elf = image.elf {
      if !elf.notes.isEmpty { lines += ["", "notes"] + notes(elf).lines.map { "  " + $0 } }
      lines += ["", "names: " + names(elf)]
    }
    let oddities = ImageOddities(image).sentences
    lines += [""] + (oddities.isEmpty ? ["nothing odd"] : ["odd"] + oddities.map { "  " + $0 })
    return lines
  }

  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("file", .string(image.file)), .init("kind", .string(kind)),
      .init("bytes", .number(UInt64(image.bytes.count))),
      .init("protocol", .string(image.bootProtocol.rawValue)), .init("start", .string(start.sentence)),
      .init("entry", .linear(image.entry)), .init("segments", segments.json),
    ]
    if let linux = image.linux {
      members.append(
        .init("linux", .object(linuxFacts(linux).map { .init($0.key, $0.json) })))
    }
    if let elf = image.elf {
      members.append(.init("notes", notes(elf).json))
      members.append(.init("symbols", .number(UInt64(elf.symbols.symbols.count))))
      members.append(.init("functions", .number(UInt64(functionCount(elf)))))
      members.append(.init("lines", .bool(elf.hasLineTable)))
    }
    members.append(.init("odd", .array(ImageOddities(image).sentences.map { .string($0) })))
    return .object(members)
  }

  private var kind: String {
    if image.linux != nil { return "Linux bzImage" }
    if image.bootProtocol == .bootSector { return "disk, its first sector" }
    return image.elf == nil ? "flat binary" : "ELF32 executable for i386"
  }

  // MARK: Parts

  private var segments: Table {
    var table = Table(
      [
        .init("physical"), .init("virtual"), .init("size", right: true),
        .init("fileBytes", "in file", right: true),
        .init("rights"),
      ], empty: "none")
    for segment in image.segments {
      table.rows.append([
        .physical(UInt64(segment.physical)), .linear(segment.virtual), .number(UInt64(segment.memorySize)),
        .number(segment.fileRange.count), .text(Self.rights(segment.flags)),
      ])
    }
    return table
  }

  private static func rights(_ flags: SegmentFlags) -> String {
    (flags.contains(.read) ? "r" : "-") + (flags.contains(.write) ? "w" : "-")
      + (flags.contains(.execute) ? "x" : "-")
  }

  private func notes(_ elf: ELFImage) -> Table {
    var table = Table(
      [.init("owner"), .init("type", right: true), .init("size", right: true), .init("contents")],
      empty: "none")
    for note in elf.notes {
      table.rows.append([
        .text(PlainText.of(note.owner)), .number(UInt64(note.type)), .number(note.contents.count),
        .text(NoteText.text(of: note)),
      ])
    }
    return table
  }

  private func functionCount(_ elf: ELFImage) -> Int {
    elf.symbols.symbols.count { $0.kind == .function }
  }

  private func names(_ elf: ELFImage) -> String {
    let count = elf.symbols.symbols.count
    guard count > 0 else { return "no symbols" }
    return "\(count) symbols, \(functionCount(elf)) of them functions; "
      + (elf.hasLineTable ? "source lines" : "no source lines")
  }

  private typealias Fact = (name: String, key: String, text: String, json: JSONValue)

  private func linuxFacts(_ linux: LinuxHeader) -> [Fact] {
    func range(_ range: Range<UInt64>) -> String {
      hexadecimal(range.lowerBound, digits: 8) + "-"
        + hexadecimal(max(range.lowerBound, range.upperBound &- 1), digits: 8)
    }
    let version = "\(linux.version >> 8).\(linux.version & 0xFF < 10 ? "0" : "")\(linux.version & 0xFF)"
    return [
      ("boot protocol", "bootProtocol", version, .string(version)),
      ("unpacks to", "unpacksTo", range(linux.runRange), .string(range(linux.runRange))),
      (
        "payload", "payload",
        linux.payload.map {
          "\($0.count) bytes at offset \($0.lowerBound), \(PayloadFormat.name(image.bytes[$0]))"
        } ?? "unknown",
        .optional(linux.payload.map { PayloadFormat.name(image.bytes[$0]) })
      ),
      (
        "command line", "maxCommandLine", "\(linux.maxCommandLine) characters at most",
        .number(UInt64(linux.maxCommandLine))
      ),
    ]
  }
}

/// How a bzImage's payload is compressed, by its first bytes. Linux, `lib/decompress.c`.
enum PayloadFormat {
  private static let magics: [([UInt8], String)] = [
    ([0x1F, 0x8B], "gzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
    ([0x02, 0x21, 0x4C, 0x18], "lz4"), ([0x42, 0x5A, 0x68], "bzip2"), ([0x5D, 0, 0], "lzma"),
    ([0x89, 0x4C, 0x5A], "lzo"),
    ([0x7F, 0x45, 0x4C, 0x46], "not compressed"),
  ]

  static func name(_ bytes: ArraySlice<UInt8>) -> String {
    magics.first { bytes.starts(with: $0.0) }?.1 ?? "compressed in an unknown way"
  }
}
