import CDwarf

/// A variable or parameter of the function at an address.
public struct SourceVariable: Sendable {
  /// How the bytes of a value are to be read.
  public enum Encoding: Hashable, Sendable {
    case signed, unsigned, boolean, character, pointer
    /// A structure, an array, a floating-point number.
    case other
  }

  public let name: String
  public let isParameter: Bool
  /// The function that declares it, which may be one that was inlined.
  public let function: String
  /// Such as "unsigned int"; nil where DWARF names none.
  public let typeName: String?
  /// Bytes; nil where DWARF does not say.
  public let size: Int?
  public let encoding: Encoding
  /// nil where the compiler keeps it nowhere at this address.
  public let location: SourceLocation?
}

/// Finds the variables that are in scope at an address.
extension DebugInformation {
  private static let maxVariables = 512
  private static let maxNesting = 64

  /// The variables of the scopes around `address`, the innermost first.
  /// - Parameters:
  ///   - address: an address inside the code: behind a CALL, the one before.
  ///   - context: the frame's registers and memory.
  public func variables(at address: UInt32, _ context: FrameContext) -> [SourceVariable] {
    var scopes = scopes(at: address)
    let frameAddress = frameAddress(at: address, context)
    var expression = LocationExpression(context, frameAddress: frameAddress)
    if let subprogram = scopes.indices.first(where: { dwarf_tag(&scopes[$0]) == DwarfNumber.tagSubprogram }) {
      expression.frameBase = frameBase(&scopes[subprogram], expression)
    }
    var variables: [SourceVariable] = []
    var function = ""
    for index in scopes.indices {
      let tag = dwarf_tag(&scopes[index])
      if tag == DwarfNumber.tagSubprogram || tag == DwarfNumber.tagInlinedSubroutine {
        function = dwarf_diename(&scopes[index]).map { String(cString: $0) } ?? function
      }
      forEachChild(of: &scopes[index]) { child in
        let tag = dwarf_tag(&child)
        if tag == DwarfNumber.tagVariable || tag == DwarfNumber.tagFormalParameter {
          if let variable = variable(&child, tag, function, address, expression) {
            variables.append(variable)
          }
        }
        return variables.count < Self.maxVariables
      }
    }
    return variables.reversed()
  }

  /// The function at an address and the blocks and inlined functions in it, the outermost first.
  private func scopes(at address: UInt32) -> [Dwarf_Die] {
    let pc = Dwarf_Addr(address)
    var scopes: [Dwarf_Die] = []
    forEachUnit { unit in
      guard dwarf_haspc(&unit, pc) > 0 else { return true }
      var scope = unit
      for _ in 0..<Self.maxNesting {
        var inner: Dwarf_Die?
        forEachChild(of: &scope) { child in
          let tag = dwarf_tag(&child)
          let isScope =
            tag == DwarfNumber.tagSubprogram || tag == DwarfNumber.tagInlinedSubroutine
            || tag == DwarfNumber.tagLexicalBlock
          if isScope, dwarf_haspc(&child, pc) > 0 { inner = child }
          return inner == nil
        }
        guard let inner else { break }
        scopes.append(inner)
        scope = inner
      }
      return scopes.isEmpty
    }
    return scopes
  }

  private func frameBase(_ subprogram: inout Dwarf_Die, _ expression: LocationExpression) -> UInt32? {
    var attribute = Dwarf_Attribute()
    guard dwarf_attr_integrate(&subprogram, DwarfNumber.attributeFrameBase, &attribute) != nil else {
      return nil
    }
    switch location(&attribute, expression.context.address, expression) {
    case .memory(let address): return address
    case .register(let number): return expression.context.general[number]
    case .value(let value): return UInt32(truncatingIfNeeded: value)
    case nil: return nil
    }
  }

  private func location(
    _ attribute: inout Dwarf_Attribute, _ address: UInt32, _ expression: LocationExpression
  ) -> SourceLocation? {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_getlocation_addr(&attribute, Dwarf_Addr(address), &operations, &count, 1) == 1, count > 0
    else { return nil }
    return expression.evaluate(UnsafeBufferPointer(start: operations, count: count), of: &attribute)
  }

  private func variable(
    _ entry: inout Dwarf_Die, _ tag: Int32, _ function: String, _ address: UInt32,
    _ expression: LocationExpression
  ) -> SourceVariable? {
    guard let name = dwarf_diename(&entry).map({ String(cString: $0) }), !name.isEmpty else { return nil }
    var attribute = Dwarf_Attribute()
    var place: SourceLocation?
    if dwarf_attr_integrate(&entry, DwarfNumber.attributeConstantValue, &attribute) != nil {
      var value: Dwarf_Sword = 0
      if dwarf_formsdata(&attribute, &value) == 0 { place = .value(UInt64(bitPattern: value)) }
    } else if dwarf_attr_integrate(&entry, DwarfNumber.attributeLocation, &attribute) != nil {
      place = location(&attribute, address, expression)
    }
    let type = SourceType(of: &entry)
    return SourceVariable(
      name: name, isParameter: tag == DwarfNumber.tagFormalParameter, function: function,
      typeName: type.name, size: type.size, encoding: type.encoding, location: place)
  }
}

/// The type of a variable, as far as showing its value needs it.
private struct SourceType {
  var name: String?
  var size: Int?
  var encoding = SourceVariable.Encoding.other
  private static let maxPointers = 8
  private static let tagPointer: Int32 = 0x0f
  private static let tagReference: Int32 = 0x10
  private static let tagBase: Int32 = 0x24
  private static let tagEnumeration: Int32 = 0x04

  init(of entry: inout Dwarf_Die) {
    guard var type = Self.type(of: &entry) else { return }
    name = Self.name(&type, pointers: 0)
    var peeled = Dwarf_Die()
    guard dwarf_peel_type(&type, &peeled) == 0 else { return }
    let bytes = dwarf_bytesize(&peeled)
    size = bytes >= 0 ? Int(bytes) : nil
    switch dwarf_tag(&peeled) {
    case Self.tagPointer, Self.tagReference:
      encoding = .pointer
      size = size ?? 4
    case Self.tagEnumeration: encoding = .signed
    case Self.tagBase: encoding = Self.encoding(&peeled)
    default: break
    }
  }

  private static func type(of entry: inout Dwarf_Die) -> Dwarf_Die? {
    var attribute = Dwarf_Attribute()
    var type = Dwarf_Die()
    guard dwarf_attr_integrate(&entry, DwarfNumber.attributeType, &attribute) != nil,
      dwarf_formref_die(&attribute, &type) != nil
    else { return nil }
    return type
  }

  /// DW_ATE, DWARF 5, 7.8.
  private static func encoding(_ type: inout Dwarf_Die) -> SourceVariable.Encoding {
    var attribute = Dwarf_Attribute()
    var number: Dwarf_Word = 0
    guard dwarf_attr_integrate(&type, DwarfNumber.attributeEncoding, &attribute) != nil,
      dwarf_formudata(&attribute, &number) == 0
    else { return .other }
    switch number {
    case 0x01: return .pointer
    case 0x02: return .boolean
    case 0x05: return .signed
    case 0x06, 0x08: return .character
    case 0x07: return .unsigned
    default: return .other
    }
  }

  private static func name(_ type: inout Dwarf_Die, pointers: Int) -> String? {
    if let linkage = DwarfEntry.string(&type, DwarfNumber.attributeLinkageName), let name = demangle(linkage)
    {
      return name
    }
    if let name = dwarf_diename(&type) { return String(cString: name) }
    guard dwarf_tag(&type) == tagPointer, pointers < maxPointers else { return nil }
    guard var target = self.type(of: &type) else { return "void *" }
    return self.name(&target, pointers: pointers + 1).map { $0 + ($0.hasSuffix("*") ? "*" : " *") }
  }
}
