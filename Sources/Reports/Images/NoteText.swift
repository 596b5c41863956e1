import GuestImages
import IA32

/// What a note of an ELF file says, as far as its owner's numbers are known.
enum NoteText {
  static func text(of note: ELFNote) -> String {
    let bytes = note.contents
    switch (note.owner, note.type) {
    case ("GNU", 3): return "build ID " + bytes.map { hexadecimal(UInt64($0), digits: 2) }.joined()
    case ("Xen", 18): return "PVH entry " + value(bytes)
    case ("Xen", 1): return "entry " + value(bytes)
    case ("Xen", 3): return "virtual base " + value(bytes)
    case ("Linux", 0x100): return "version " + string(bytes)
    default:
      let text = string(bytes)
      return text.isEmpty && bytes.count <= 4 ? value(bytes) : text
    }
  }

  private static func value(_ bytes: ArraySlice<UInt8>) -> String {
    hexadecimal(
      bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, digits: 2 * min(bytes.count, 8))
  }

  /// Contents that are a string, shortened; else nothing.
  private static func string(_ bytes: ArraySlice<UInt8>) -> String {
    let text = bytes.prefix { $0 != 0 }
    guard !text.isEmpty, text.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return "" }
    return String(decoding: text.prefix(60), as: UTF8.self) + (text.count > 60 ? "…" : "")
  }
}
