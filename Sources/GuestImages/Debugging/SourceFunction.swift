import CDwarf

/// A function of the source, and all code that was made from it: its own, and its copies in the functions that it was
/// inlined into.
public struct SourceFunction: Sendable {
  /// Code that was made from a function.
  public struct Copy: Hashable, Sendable {
    /// The linear address at which it begins.
    public var entry: UInt32
    /// Where its code lies, parts of other functions inlined into it included.
    public var ranges: [Range<UInt32>]
    /// It lies in another function's code.
    public var isInlined: Bool
  }

  /// The name in the source, without its type or module.
  public let name: String
  /// The symbol's name, where the language mangles it.
  public let linkageName: String?
  /// The file and line of its declaration.
  public let place: LineTable.Place?
  public fileprivate(set) var copies: [Copy] = []

  /// The linkage name as the source would spell it, such as "Guest.Kernel.vmalloc(...) -> ..."; else the name.
  public var displayName: String { linkageName.map { demangle($0) ?? $0 } ?? name }
}

/// Collects all functions of an image.
struct FunctionReader {
  private struct Key: Hashable {
    var name: String
    var place: LineTable.Place?
  }

  private let information: DebugInformation
  private var index: [Key: Int] = [:]
  private(set) var functions: [SourceFunction] = []
  private var entriesLeft: Int
  private static let maxDepth = 128

  init(_ information: DebugInformation) {
    self.information = information
    entriesLeft = information.maxEntries
    var units: [Dwarf_Die] = []
    information.forEachUnit { unit in
      units.append(unit)
      return true
    }
    for var unit in units { read(&unit, depth: 0) }
  }

  private mutating func read(_ parent: inout Dwarf_Die, depth: Int) {
    guard depth < Self.maxDepth else { return }
    var children: [Dwarf_Die] = []
    information.forEachChild(of: &parent) { child in
      entriesLeft -= 1
      children.append(child)
      return entriesLeft > 0
    }
    for var child in children {
      let tag = dwarf_tag(&child)
      if tag == DwarfNumber.tagSubprogram || tag == DwarfNumber.tagInlinedSubroutine {
        add(&child, isInlined: tag == DwarfNumber.tagInlinedSubroutine)
      }
      if dwarf_haschildren(&child) > 0 { read(&child, depth: depth + 1) }
    }
  }

  private mutating func add(_ entry: inout Dwarf_Die, isInlined: Bool) {
    let ranges = DwarfEntry.ranges(&entry)
    guard let first = ranges.first, let name = dwarf_diename(&entry).map({ String(cString: $0) }) else {
      return
    }
    let linkageName = DwarfEntry.string(&entry, DwarfNumber.attributeLinkageName)
    let place = DwarfEntry.declaration(&entry)
    var address: Dwarf_Addr = 0
    let start =
      dwarf_entrypc(&entry, &address) == 0 ? UInt32(exactly: address) ?? first.lowerBound : first.lowerBound
    // Code that the linker dropped stays at address 0.
    guard start != 0 else { return }
    let key = Key(name: linkageName ?? name, place: place)
    let position = index[key] ?? functions.count
    if position == functions.count {
      index[key] = position
      functions.append(SourceFunction(name: name, linkageName: linkageName, place: place))
    }
    functions[position].copies.append(.init(entry: start, ranges: ranges, isInlined: isInlined))
  }
}

/// What entries of DWARF say of themselves.
enum DwarfEntry {
  /// Address ranges that are not empty and lie below 4 GiB.
  static func ranges(_ entry: inout Dwarf_Die) -> [Range<UInt32>] {
    var ranges: [Range<UInt32>] = []
    var base: Dwarf_Addr = 0
    var (start, end): (Dwarf_Addr, Dwarf_Addr) = (0, 0)
    var offset = 0
    // An offset that does not grow would be asked for again.
    while true {
      let next = dwarf_ranges(&entry, offset, &base, &start, &end)
      guard next > offset else { return ranges }
      if start < end, let low = UInt32(exactly: start), let high = UInt32(exactly: end) {
        ranges.append(low..<high)
      }
      offset = next
    }
  }

  /// A string attribute, of the entry or of the one that it is made from.
  static func string(_ entry: inout Dwarf_Die, _ attribute: UInt32) -> String? {
    var storage = Dwarf_Attribute()
    guard dwarf_attr_integrate(&entry, attribute, &storage) != nil else { return nil }
    return dwarf_formstring(&storage).map { String(cString: $0) }
  }

  /// Where the source declares it.
  static func declaration(_ entry: inout Dwarf_Die) -> LineTable.Place? {
    var line: Int32 = 0
    guard let file = dwarf_decl_file(&entry), dwarf_decl_line(&entry, &line) == 0, line > 0 else {
      return nil
    }
    return LineTable.Place(file: LineTable.fileName(String(cString: file)), line: Int(line))
  }
}
