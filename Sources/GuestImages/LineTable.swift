import CDwarf
import CElf

/// Which line of which source file the code at an address was made from: an image's DWARF line tables, read by libdw.
public struct LineTable: Sendable {
  /// A line of a source file.
  public struct Place: Hashable, Sendable {
    /// The file's name as the compiler was given it.
    public let file: String
    /// The line, counted from 1.
    public let line: Int

    /// Line `line`, counted from 1, of `file`.
    public init(file: String, line: Int) {
      self.file = file
      self.line = line
    }

    /// Such as "images/hello/hello.S:12".
    public var description: String { "\(file):\(line)" }
  }

  /// From `address` on, up to the next row.
  private struct Row {
    var address: UInt32
    /// Index into `files`; nil behind the end of a run of code, and for code that belongs to no line.
    var file: Int?
    var line: Int
    /// Its place in the file: later rows speak last.
    var order: Int
  }

  private var rows: [Row] = []
  private var files: [String] = []

  /// Whether the image has line tables at all.
  public var isEmpty: Bool { rows.isEmpty }

  /// The line tables of `image`; empty where it has none or they can't be read.
  public init(of image: ELFImage) {
    guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE) else { return }
    var bytes = image.bytes
    bytes.withUnsafeMutableBytes { buffer in
      let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      guard let elf = elf_memory(start, buffer.count) else { return }
      defer { elf_end(elf) }
      guard let dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nil) else { return }
      defer { dwarf_end(dwarf) }
      readUnits(dwarf)
    }
    // Functions that the linker dropped have rows too, at addresses of nothing.
    rows.removeAll { row in
      !image.segments.contains { $0.virtualRange.contains(UInt64(row.address)) } && row.file != nil
    }
    rows.sort {
      ($0.address, $0.file == nil ? 0 : 1, $0.order) < ($1.address, $1.file == nil ? 0 : 1, $1.order)
    }
  }

  /// The line that the code at `address` belongs to.
  public func place(at address: UInt32) -> Place? {
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, let file = rows[low - 1].file else { return nil }
    return Place(file: files[file], line: rows[low - 1].line)
  }

  private mutating func readUnits(_ dwarf: OpaquePointer) {
    var numbers: [String: Int] = [:]
    var offset: Dwarf_Off = 0
    var next: Dwarf_Off = 0
    var headerSize = 0
    while dwarf_nextcu(dwarf, offset, &next, &headerSize, nil, nil, nil) == 0 {
      var unit = Dwarf_Die()
      var lines: OpaquePointer?
      var count = 0
      if dwarf_offdie(dwarf, offset + Dwarf_Off(headerSize), &unit) != nil,
        dwarf_getsrclines(&unit, &lines, &count) == 0
      {
        for index in 0..<count {
          guard let line = dwarf_onesrcline(lines, index) else { continue }
          add(line, &numbers)
        }
      }
      guard next > offset else { return }
      offset = next
    }
  }

  private mutating func add(_ line: OpaquePointer, _ numbers: inout [String: Int]) {
    var address: Dwarf_Addr = 0
    var number: Int32 = 0
    var isEnd = false
    guard dwarf_lineaddr(line, &address) == 0, address <= UInt32.max, dwarf_lineno(line, &number) == 0,
      dwarf_lineendsequence(line, &isEnd) == 0
    else { return }
    var row = Row(address: UInt32(address), file: nil, line: Int(number), order: rows.count)
    // Line 0 is code that the compiler made for no line.
    if !isEnd, number > 0, let source = dwarf_linesrc(line, nil, nil) {
      var name = String(cString: source)
      if name.hasPrefix("./") { name.removeFirst(2) }
      if let known = numbers[name] {
        row.file = known
      } else {
        row.file = files.count
        numbers[name] = files.count
        files.append(name)
      }
    }
    rows.append(row)
  }
}
