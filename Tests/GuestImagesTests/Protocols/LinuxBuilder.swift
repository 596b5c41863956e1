/// Builds small bzImages field by field, written against `boot.rst` and not against the reader.
struct LinuxBuilder {
  var version: UInt16 = 0x20F
  var setupSectors: UInt8 = 2
  var loadFlags: UInt8 = 1
  var code = [UInt8](repeating: 0x90, count: 1000)
  var preferredAddress: UInt64 = 0x100_0000
  var initSize: UInt32 = 0x40_0000
  var maxRAMDiskAddress: UInt32 = 0x7FFF_FFFF
  var maxCommandLine: UInt32 = 2047
  /// nil: as many paragraphs as there are.
  var paragraphs: UInt32?
  var payload: (offset: UInt32, size: UInt32) = (16, 100)

  func build() -> [UInt8] {
    var file = [UInt8](repeating: 0, count: (Int(setupSectors == 0 ? 4 : setupSectors) + 1) * 512)
    func put(_ offset: Int, _ bytes: [UInt8], in file: inout [UInt8]) {
      file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    file[0x1F1] = setupSectors
    file.set32(0x1F4, paragraphs ?? UInt32((code.count + 15) / 16))
    put(0x1FE, [0x55, 0xAA], in: &file)
    put(0x200, [0xEB, 0x6A], in: &file)
    put(0x202, Array("HdrS".utf8), in: &file)
    put(0x206, [UInt8(version & 0xFF), UInt8(version >> 8)], in: &file)
    put(0x20E, [0x80, 0x01], in: &file)  // the version's text, less 200h
    file[0x211] = loadFlags
    file.set32(0x214, 0x10_0000)
    file.set32(0x22C, maxRAMDiskAddress)
    file.set32(0x230, 0x100_0000)
    file[0x234] = 1
    file.set32(0x238, maxCommandLine)
    file.set32(0x248, payload.offset)
    file.set32(0x24C, payload.size)
    file.set32(0x258, UInt32(truncatingIfNeeded: preferredAddress))
    file.set32(0x25C, UInt32(truncatingIfNeeded: preferredAddress >> 32))
    file.set32(0x260, initSize)
    put(0x380, Array("6.1.0-test (someone) #1 SMP".utf8) + [0], in: &file)
    return file + code
  }
}

extension ELFBuilder {
  /// A kernel with notes, each an owner, a type and contents, in a PT_NOTE segment.
  static func noted(_ notes: [(String, UInt32, [UInt8])]) -> ELFBuilder {
    var bytes: [UInt8] = []
    for (owner, type, contents) in notes {
      bytes.append32(UInt32(owner.utf8.count + 1))
      bytes.append32(UInt32(contents.count))
      bytes.append32(type)
      bytes += Array(owner.utf8) + [0]
      while bytes.count % 4 != 0 { bytes.append(0) }
      bytes += contents
      while bytes.count % 4 != 0 { bytes.append(0) }
    }
    var builder = ELFBuilder.sample()
    builder.segments.append(Segment(physical: 0, virtual: 0, bytes: bytes, type: 4, flags: 4))
    return builder
  }

  static let pvhNote: (String, UInt32, [UInt8]) = ("Xen", 18, [0x20, 0, 0x10, 0])
  static let linuxNote: (String, UInt32, [UInt8]) = ("Linux", 0x100, Array("6.1".utf8) + [0])
}
