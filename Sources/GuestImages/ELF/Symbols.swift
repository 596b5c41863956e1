/// A named place in a guest image.
public struct Symbol: Hashable, Sendable {
  /// What the symbol names.
  public enum Kind: UInt8, Hashable, Sendable, Comparable {
    /// `STT_FUNC`.
    case function
    /// `STT_OBJECT`.
    case object
    /// `STT_NOTYPE` in a section: a bare label in assembly or from a linker script.
    case label
    /// `SHN_ABS`: a value that the assembler or the linker script gave a name, and no place in the image.
    case constant

    /// Functions first: the order in which symbols at one address are listed.
    public static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
  }

  /// The name in the file, mangled if the compiler mangled it.
  public let name: String
  /// The address the guest is linked at.
  public let address: UInt32
  /// Bytes; 0 where the assembler was told none.
  public let size: UInt32
  /// What it names.
  public let kind: Kind
  /// Visible beyond its object file: `STB_GLOBAL` or `STB_WEAK`.
  public let isGlobal: Bool

  /// A symbol with these fields.
  public init(name: String, address: UInt32, size: UInt32, kind: Kind, isGlobal: Bool) {
    self.name = name
    self.address = address
    self.size = size
    self.kind = kind
    self.isGlobal = isGlobal
  }

  /// The name for people: Swift's symbols demangled, all others as they are.
  public var displayName: String { demangle(name) ?? name }
}

/// The symbols of an image, for lookup by address and by name.
public struct SymbolTable: Sendable {
  /// In the order of addresses. At one address functions come before objects before labels.
  public let symbols: [Symbol]
  /// For each symbol, the highest end of it and all before it: where a search downwards may stop.
  private let highestEnd: [UInt64]
  private let indexByName: [String: Int]
  /// The values of absolute symbols, which no address belongs to.
  public let constants: [String: UInt32]

  /// A table of `unsorted`, which may be in any order.
  public init(_ unsorted: [Symbol] = []) {
    var constants: [String: UInt32] = [:]
    // A global one wins over file-local ones of its name.
    for symbol in unsorted where symbol.kind == .constant {
      if symbol.isGlobal || constants[symbol.name] == nil { constants[symbol.name] = symbol.address }
    }
    self.constants = constants
    let symbols = unsorted.filter { $0.kind != .constant }.sorted { a, b in
      (a.address, a.kind, a.isGlobal ? 0 : 1, b.size, a.name)
        < (b.address, b.kind, b.isGlobal ? 0 : 1, a.size, b.name)
    }
    var highestEnd: [UInt64] = []
    highestEnd.reserveCapacity(symbols.count)
    var highest: UInt64 = 0
    var indexByName: [String: Int] = [:]
    for (index, symbol) in symbols.enumerated() {
      highest = max(highest, UInt64(symbol.address) + UInt64(symbol.size))
      highestEnd.append(highest)
      // A global symbol wins over file-local ones of its name, else the lowest address does.
      if let other = indexByName[symbol.name], symbols[other].isGlobal || !symbol.isGlobal { continue }
      indexByName[symbol.name] = index
    }
    self.symbols = symbols
    self.highestEnd = highestEnd
    self.indexByName = indexByName
  }

  /// The symbol that `address` lies in, and how far in.
  ///
  /// The innermost symbol whose size covers the address; where none does, the nearest symbol below if that has no
  /// size, as assembly labels have none.
  public func symbol(at address: UInt32) -> (symbol: Symbol, offset: UInt32)? {
    var low = 0
    var high = symbols.count
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    var index = low - 1
    let nearest = firstAtSameAddress(index)
    while index >= 0, highestEnd[index] > UInt64(address) {
      let symbol = symbols[index]
      if UInt64(symbol.address) + UInt64(symbol.size) > UInt64(address) {
        let best = firstAtSameAddress(index, covering: address)
        return (symbols[best], address - symbols[best].address)
      }
      index -= 1
    }
    let below = symbols[nearest]
    return below.size == 0 ? (below, address - below.address) : nil
  }

  /// The symbol with exactly this name, as it is in the file.
  public func named(_ name: String) -> Symbol? { indexByName[name].map { symbols[$0] } }

  /// The preferred one among the symbols that start where `index` does; with `address`, among those that cover it.
  private func firstAtSameAddress(_ index: Int, covering address: UInt32? = nil) -> Int {
    var best = index
    var candidate = index
    while candidate > 0, symbols[candidate - 1].address == symbols[index].address {
      candidate -= 1
      let end = UInt64(symbols[candidate].address) + UInt64(symbols[candidate].size)
      if address.map({ end > UInt64($0) }) ?? true { best = candidate }
    }
    return best
  }
}
