/// Parts of documents that `qXfer` reads.
enum Transfer {
  /// The part of `document` that `OFFSET,LENGTH` names, with whether more follows. GDB manual, appendix E.4.
  static func read(_ document: some Collection<UInt8>, _ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard let offset = scanner.hexadecimal(UInt32.self), scanner.take(","),
      let length = scanner.hexadecimal(UInt32.self), scanner.isAtEnd
    else { return .malformed }
    let rest = document.dropFirst(Int(offset))
    let part = rest.prefix(min(Int(length), PacketReader.maxPayload / 2))
    let mark = part.count < rest.count ? UInt8(ascii: "m") : UInt8(ascii: "l")
    return .bytes([mark] + part)
  }

  /// What gdb may read and write: all linear addresses. What is mapped changes with every store to a table, so no range is left out.
  static let memoryMap = """
    <?xml version="1.0"?>
    <!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">
    <memory-map>
    <memory type="ram" start="0x0" length="0x100000000"/>
    </memory-map>

    """
}
