/// Builds small ELF32 files byte by byte, written against the specification and not against the reader.
struct ELFBuilder {
  struct Segment {
    var physical: UInt32
    var virtual: UInt32
    var bytes: [UInt8]
    /// nil: as many as there are bytes.
    var memorySize: UInt32?
    var type: UInt32 = 1
    var flags: UInt32 = 7
  }

  struct Symbol {
    var name: String
    var value: UInt32
    var size: UInt32 = 0
    /// Binding in the upper four bits, type in the lower: 0x12 is a global function.
    var info: UInt8 = 0x12
    var section: UInt16 = 1
  }

  var type: UInt16 = 2
  var machine: UInt16 = 3
  var entry: UInt32 = 0x10_0000
  var segments: [Segment] = []
  var symbols: [Symbol] = []
  var stripped = false

  /// The file: header, program headers, segment contents, symbol table, strings, section headers.
  func build() -> [UInt8] {
    var programHeaders: [UInt8] = []
    var contents: [UInt8] = []
    let contentsOffset = 52 + 32 * segments.count
    for segment in segments {
      let fileSize = UInt32(segment.bytes.count)
      let header: [UInt32] = [
        segment.type, UInt32(contentsOffset + contents.count), segment.virtual, segment.physical, fileSize,
        segment.memorySize ?? fileSize, segment.flags, 4,
      ]
      for value in header { programHeaders.append32(value) }
      contents += segment.bytes
      while contents.count % 4 != 0 { contents.append(0) }
    }

    var strings: [UInt8] = [0]
    var symbolTable = [UInt8](repeating: 0, count: 16)
    for symbol in symbols {
      symbolTable.append32(UInt32(strings.count))
      strings += Array(symbol.name.utf8) + [0]
      symbolTable.append32(symbol.value)
      symbolTable.append32(symbol.size)
      symbolTable += [symbol.info, 0]
      symbolTable.append16(symbol.section)
    }
    let names = Array("\0.text\0.symtab\0.strtab\0.shstrtab\0".utf8)
    let symbolOffset = contentsOffset + contents.count
    let stringOffset = symbolOffset + symbolTable.count
    let nameOffset = stringOffset + strings.count
    let sectionOffset = (nameOffset + names.count + 3) / 4 * 4

    // name, type, flags, address, offset, size, link, info, alignment, entry size
    let textSize = UInt32(segments.first?.bytes.count ?? 0)
    let sections: [[UInt32]] = [
      [UInt32](repeating: 0, count: 10),
      [1, 1, 6, segments.first?.virtual ?? 0, UInt32(contentsOffset), textSize, 0, 0, 4, 0],
      [7, 2, 0, 0, UInt32(symbolOffset), UInt32(symbolTable.count), 3, 1, 4, 16],
      [15, 3, 0, 0, UInt32(stringOffset), UInt32(strings.count), 0, 0, 1, 0],
      [23, 3, 0, 0, UInt32(nameOffset), UInt32(names.count), 0, 0, 1, 0],
    ]

    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 1, 1, 1] + [UInt8](repeating: 0, count: 9)
    file.append16(type)
    file.append16(machine)
    file.append32(1)
    file.append32(entry)
    file.append32(segments.isEmpty ? 0 : 52)
    file.append32(stripped ? 0 : UInt32(sectionOffset))
    file.append32(0)
    for value in [52, 32, UInt16(segments.count), 40, stripped ? 0 : 5, stripped ? 0 : 4] {
      file.append16(value)
    }
    file += programHeaders + contents
    if stripped { return file }
    file += symbolTable + strings + names
    file += [UInt8](repeating: 0, count: sectionOffset - file.count)
    for section in sections { for value in section { file.append32(value) } }
    return file
  }

  /// A kernel of two segments with some symbols, as a linker would lay it out.
  static func sample(multibootFlags: UInt32? = nil) -> ELFBuilder {
    var text = [UInt8](repeating: 0x90, count: 64)
    if let flags = multibootFlags { text.replaceSubrange(0..<12, with: multibootHeader(flags: flags)) }
    return ELFBuilder(
      entry: 0x10_0010,
      segments: [
        Segment(physical: 0x10_0000, virtual: 0xC010_0000, bytes: text),
        Segment(physical: 0x10_2000, virtual: 0xC010_2000, bytes: [1, 2, 3], memorySize: 0x1000, flags: 6),
      ],
      symbols: [
        Symbol(name: "start", value: 0xC010_0010, info: 0x10),
        Symbol(name: "$e4main3fooyyF", value: 0xC010_0020, size: 16),
        Symbol(name: "inner", value: 0xC010_0024, size: 4, info: 0x02),
        Symbol(name: "table", value: 0xC010_2000, size: 8, info: 0x11),
      ])
  }
}

/// A Multiboot header without address fields.
func multibootHeader(flags: UInt32) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append32(0x1BAD_B002)
  bytes.append32(flags)
  bytes.append32(0 &- 0x1BAD_B002 &- flags)
  return bytes
}

extension [UInt8] {
  mutating func append16(_ value: UInt16) { self += [UInt8(value & 0xFF), UInt8(value >> 8)] }

  mutating func append32(_ value: UInt32) {
    append16(UInt16(value & 0xFFFF))
    append16(UInt16(value >> 16))
  }

  mutating func set32(_ offset: Int, _ value: UInt32) {
    var bytes: [UInt8] = []
    bytes.append32(value)
    replaceSubrange(offset..<offset + 4, with: bytes)
  }

  func get32(_ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
  }
}
