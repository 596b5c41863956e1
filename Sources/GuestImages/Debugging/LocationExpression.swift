import CDwarf

/// Where a variable, or a register of a caller, is.
public enum SourceLocation: Hashable, Sendable {
  /// At a linear address.
  case memory(UInt32)
  /// In a general register, by its number in instructions.
  case register(Int)
  /// Nowhere: this is its value.
  case value(UInt64)
}

/// What location expressions work on: a frame's registers and memory.
public struct FrameContext {
  /// EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI; nil for one whose value in this frame is lost.
  public var general: [UInt32?]
  /// The linear address of the next instruction, where the image is linked.
  public var address: UInt32
  /// Loads a doubleword of memory; nil where there is none.
  public var load: (UInt32) -> UInt32?

  public init(general: [UInt32?], address: UInt32, load: @escaping (UInt32) -> UInt32?) {
    self.general = general
    self.address = address
    self.load = load
  }
}

/// Computes DWARF's location expressions. DWARF 5, 2.5 and 2.6. Numbers are 32 bits wide, as addresses of i386 are.
struct LocationExpression {
  let context: FrameContext
  /// DW_OP_call_frame_cfa.
  var frameAddress: UInt32?
  /// DW_OP_fbreg's base.
  var frameBase: UInt32?
  private static let maxOperations = 1024

  init(_ context: FrameContext, frameAddress: UInt32? = nil, frameBase: UInt32? = nil) {
    self.context = context
    self.frameAddress = frameAddress
    self.frameBase = frameBase
  }

  /// - Parameter attribute: what the operations come from, for those that refer to a table of addresses.
  /// - Returns: nil for what can't be known here, such as a value of the function's beginning that is lost.
  func evaluate(
    _ operations: UnsafeBufferPointer<Dwarf_Op>, of attribute: UnsafeMutablePointer<Dwarf_Attribute>? = nil
  ) -> SourceLocation? {
    var stack: [UInt32] = []
    var isValue = false
    guard operations.count <= Self.maxOperations else { return nil }
    for index in operations.indices {
      let operation = operations[index]
      let (atom, number) = (operation.atom, UInt32(truncatingIfNeeded: operation.number))
      switch atom {
      case 0x50...0x6f: return Self.register(UInt64(atom - 0x50), isLast: index == operations.count - 1)
      case 0x90: return Self.register(operation.number, isLast: index == operations.count - 1)
      case 0x9f: isValue = true
      case 0x96: break
      case 0xa1, 0xfb:
        guard let attribute, let address = Self.indexed(attribute, operations, index) else { return nil }
        stack.append(address)
      default:
        guard step(atom, number, operation, &stack) else { return nil }
      }
    }
    guard let top = stack.last else { return nil }
    return isValue ? .value(UInt64(top)) : .memory(top)
  }

  /// A register as a place; nil for one that is no general register, or for a part of a value.
  private static func register(_ number: UInt64, isLast: Bool) -> SourceLocation? {
    guard isLast, number < 8 else { return nil }
    return .register(Int(number))
  }

  private static func indexed(
    _ attribute: UnsafeMutablePointer<Dwarf_Attribute>, _ operations: UnsafeBufferPointer<Dwarf_Op>,
    _ index: Int
  ) -> UInt32? {
    var result = Dwarf_Attribute()
    var address: Dwarf_Addr = 0
    guard let base = operations.baseAddress,
      dwarf_getlocation_attr(attribute, base + index, &result) == 0, dwarf_formaddr(&result, &address) == 0
    else { return nil }
    return UInt32(exactly: address)
  }

  /// Executes an operation that only changes the stack; false for one that can't be.
  private func step(_ atom: UInt8, _ number: UInt32, _ operation: Dwarf_Op, _ stack: inout [UInt32]) -> Bool {
    switch atom {
    case 0x03, 0x08...0x11: stack.append(number)
    case 0x30...0x4f: stack.append(UInt32(atom - 0x30))
    case 0x70...0x8f:
      guard let base = register(UInt64(atom - 0x70)) else { return false }
      stack.append(base &+ number)
    case 0x92:
      guard let base = register(operation.number) else { return false }
      stack.append(base &+ UInt32(truncatingIfNeeded: operation.number2))
    case 0x91:
      guard let frameBase else { return false }
      stack.append(frameBase &+ number)
    case 0x9c:
      guard let frameAddress else { return false }
      stack.append(frameAddress)
    default: return compute(atom, number, &stack)
    }
    return true
  }

  private func register(_ number: UInt64) -> UInt32? {
    if number == 8 { return context.address }
    return number < 8 && number < context.general.count ? context.general[Int(number)] : nil
  }

  private func compute(_ atom: UInt8, _ number: UInt32, _ stack: inout [UInt32]) -> Bool {
    guard let top = stack.popLast() else { return false }
    switch atom {
    case 0x06:
      guard let value = context.load(top) else { return false }
      stack.append(value)
    case 0x94:
      guard (1...4).contains(number), let value = context.load(top) else { return false }
      stack.append(number == 4 ? value : value & (1 << (number * 8) - 1))
    case 0x12: stack += [top, top]
    case 0x13: break
    case 0x19: stack.append(UInt32(truncatingIfNeeded: Int32(bitPattern: top).magnitude))
    case 0x1f: stack.append(0 &- top)
    case 0x20: stack.append(~top)
    case 0x23: stack.append(top &+ number)
    case 0x15:
      stack.append(top)
      guard Int(number) < stack.count else { return false }
      stack.append(stack[stack.count - 1 - Int(number)])
    default: return combine(atom, top, &stack)
    }
    return true
  }

  private func combine(_ atom: UInt8, _ top: UInt32, _ stack: inout [UInt32]) -> Bool {
    guard let second = stack.popLast() else { return false }
    let (a, b) = (Int32(bitPattern: second), Int32(bitPattern: top))
    switch atom {
    case 0x14: stack += [second, top, second]
    case 0x16: stack += [top, second]
    case 0x17:
      guard let third = stack.popLast() else { return false }
      stack += [top, third, second]
    case 0x1a: stack.append(second & top)
    case 0x1b:
      guard b != 0 else { return false }
      stack.append(UInt32(bitPattern: a.dividedReportingOverflow(by: b).partialValue))
    case 0x1c: stack.append(second &- top)
    case 0x1d:
      guard top != 0 else { return false }
      stack.append(second % top)
    case 0x1e: stack.append(second &* top)
    case 0x21: stack.append(second | top)
    case 0x22: stack.append(second &+ top)
    case 0x24: stack.append(second << top)
    case 0x25: stack.append(second >> top)
    case 0x26: stack.append(UInt32(bitPattern: a >> b))
    case 0x27: stack.append(second ^ top)
    case 0x29: stack.append(a == b ? 1 : 0)
    case 0x2a: stack.append(a >= b ? 1 : 0)
    case 0x2b: stack.append(a > b ? 1 : 0)
    case 0x2c: stack.append(a <= b ? 1 : 0)
    case 0x2d: stack.append(a < b ? 1 : 0)
    case 0x2e: stack.append(a != b ? 1 : 0)
    // Branches, calls, pieces, and values of the function's beginning.
    default: return false
    }
    return true
  }
}
