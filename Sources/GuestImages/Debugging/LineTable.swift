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

    /// Whether `name`, which may leave folders out, means this file.
    public func isIn(_ name: String) -> Bool { file == name || file.hasSuffix("/" + name) }
  }

  /// From `address` on, up to the next row.
  private struct Row {
    var address: UInt32
    /// Index into `files`; nil behind the end of a run of code, and for code that belongs to no line.
    var file: Int?
    var line: Int
    /// A place where a debugger may well stop: DWARF's is_stmt.
    var isStatement: Bool
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
    guard let index = index(at: address), let file = rows[index].file else { return nil }
    return Place(file: files[file], line: rows[index].line)
  }

  /// Code from one row of the table to the next.
  public struct Stretch: Hashable, Sendable {
    /// The line.
    public var place: Place
    /// Its linear addresses. The last address of 32 bits is never among them.
    public var range: Range<UInt32>
    /// A statement of the source begins here.
    public var isStatement: Bool
  }

  /// The stretch of code that `address` lies in; nil where the code belongs to no line.
  public func stretch(at address: UInt32) -> Stretch? {
    guard var index = index(at: address), let place = place(at: address) else { return nil }
    // Of several rows at one address the last one speaks, and a statement may begin with any.
    var isStatement = rows[index].isStatement
    let next = index + 1
    while index > 0, rows[index - 1].address == rows[index].address {
      index -= 1
      isStatement = isStatement || rows[index].file != nil && rows[index].isStatement
    }
    let end = next < rows.count ? rows[next].address : UInt32.max
    guard rows[index].address < end else { return nil }
    return Stretch(place: place, range: rows[index].address..<end, isStatement: isStatement)
  }

  /// The source files, in the order of their appearance, each with the last line of which there is code.
  public var lastLines: [String: Int] {
    var lines: [String: Int] = [:]
    for row in rows { if let file = row.file { lines[files[file]] = max(lines[files[file]] ?? 0, row.line) } }
    return lines
  }

  /// Where the code of a line begins: the addresses at which a statement of it follows code of another line.
  ///
  /// - Parameters:
  ///   - name: the file; folders in front may be left out.
  ///   - line: a line without code stands for the next one that has some.
  /// - Returns: the line that was found, and the addresses in order; nil if there is none, or no such file.
  public func addresses(file name: String, line: Int) -> (place: Place, addresses: [UInt32])? {
    var best: Place?
    for row in rows where row.line >= line && row.isStatement {
      guard let file = row.file, row.line < best?.line ?? Int.max else { continue }
      let place = Place(file: files[file], line: row.line)
      if place.isIn(name) { best = place }
    }
    guard let best else { return nil }
    var addresses: [UInt32] = []
    for index in rows.indices where rows[index].line == best.line && rows[index].isStatement {
      guard let file = rows[index].file, Place(file: files[file], line: best.line).isIn(name) else {
        continue
      }
      let isNew = index == 0 || rows[index - 1].file != file || rows[index - 1].line != best.line
      if isNew, addresses.last != rows[index].address { addresses.append(rows[index].address) }
    }
    return (best, addresses)
  }

  /// The index of the last row at or before `address`.
  private func index(at address: UInt32) -> Int? {
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }

  /// A file's name as it is shown.
  static func fileName(_ name: String) -> String {
    name.hasPrefix("./") ? String(name.dropFirst(2)) : name
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
    var isStatement = false
    guard dwarf_lineaddr(line, &address) == 0, address <= UInt32.max, dwarf_lineno(line, &number) == 0,
      dwarf_lineendsequence(line, &isEnd) == 0, dwarf_linebeginstatement(line, &isStatement) == 0
    else { return }
    var row = Row(
      address: UInt32(address), file: nil, line: Int(number), isStatement: isStatement, order: rows.count)
    // Line 0 is code that the compiler made for no line.
    if !isEnd, number > 0, let source = dwarf_linesrc(line, nil, nil) {
      let name = Self.fileName(String(cString: source))
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
