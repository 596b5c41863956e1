import GuestImages

/// Where an image has the kernel's variables.
public struct KernelSymbols: Sendable {
  private let addresses: [KernelSymbol: UInt32]

  /// From the symbol table of an image.
  /// - Throws: `KernelAuditError.missingSymbols` when it is not the mini-kernel's, or stripped.
  public init(_ table: SymbolTable, file: String) throws(KernelAuditError) {
    try self.init(file: file) { table.named($0)?.address }
  }

  /// From whatever knows the linear address of a symbol.
  /// - Throws: `KernelAuditError.missingSymbols`.
  public init(file: String, addressOf: (String) -> UInt32?) throws(KernelAuditError) {
    var addresses: [KernelSymbol: UInt32] = [:]
    var missing: [String] = []
    for symbol in KernelSymbol.allCases {
      // Variables are part of the image, which lies in the direct map.
      if let address = addressOf(symbol.rawValue), KernelLayout.largestDirectMap.contains(address) {
        addresses[symbol] = address
      } else {
        missing.append(symbol.rawValue)
      }
    }
    guard missing.isEmpty else { throw .missingSymbols(file: file, names: missing) }
    self.addresses = addresses
  }

  /// The linear address of a variable.
  public subscript(symbol: KernelSymbol) -> UInt32 { addresses[symbol] ?? KernelLayout.pageOffset }
}

/// Why an image cannot be audited.
public enum KernelAuditError: Error, Equatable, CustomStringConvertible {
  case missingSymbols(file: String, names: [String])

  /// The error as one sentence: file, problem, what was expected.
  public var description: String {
    switch self {
    case .missingSymbols(let file, let names):
      "\(file): cannot be audited: it lacks the mini-kernel's symbols "
        + names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
        + "; expected the unstripped image of a mini-kernel"
    }
  }
}
