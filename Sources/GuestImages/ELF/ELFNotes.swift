/// A note of an ELF file: what a program says of itself to its loader. System V ABI, "Note Section".
public struct ELFNote: Hashable, Sendable {
  /// Who defines the type, such as "GNU", "Xen" or "Linux".
  public let owner: String
  /// What the note is, by its owner's numbers.
  public let type: UInt32
  /// Its contents.
  public let contents: ArraySlice<UInt8>

  /// The notes in `bytes`, as far as they are whole. Names and contents are padded to multiples of 4.
  static func read(_ bytes: ArraySlice<UInt8>) -> [ELFNote] {
    var notes: [ELFNote] = []
    var rest = bytes
    while notes.count < maxCount, let nameSize = rest.doubleword(at: 0), let size = rest.doubleword(at: 4),
      let type = rest.doubleword(at: 8)
    {
      let nameEnd = 12 + Int(nameSize)
      let start = (nameEnd + 3) & ~3
      let end = start + Int(size)
      guard end <= rest.count else { break }
      let first = rest.startIndex
      let name = rest[first + 12..<first + nameEnd].prefix { $0 != 0 }
      notes.append(
        ELFNote(
          owner: String(decoding: name, as: UTF8.self), type: type,
          contents: rest[first + start..<first + end]))
      rest = rest.dropFirst((end + 3) & ~3)
    }
    return notes
  }

  static let maxCount = 4096
}

extension ELFImage {
  /// The entry point that Xen's PVH note names: owner "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY). Xen,
  /// `docs/misc/pvh.pandoc` and `public/elfnote.h`.
  var pvhEntry: UInt32? {
    notes.first { $0.owner == "Xen" && $0.type == 18 }?.contents.doubleword(at: 0)
  }

  /// Whether it is a Linux kernel, which says so in notes: any of owner "Linux" (`include/linux/elfnote-lto.h`,
  /// `elfnote.h`), or the guest's name in Xen's note 6.
  var isLinux: Bool {
    notes.contains { note in
      note.owner == "Linux"
        || note.owner == "Xen" && note.type == 6 && note.contents.starts(with: "linux".utf8)
    }
  }
}
