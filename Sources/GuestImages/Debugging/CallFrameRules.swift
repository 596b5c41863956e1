import CDwarf
import Glibc

/// Callers by `.debug_frame`: exact at every instruction, whether or not code keeps frame pointers. DWARF 5, 6.4.
extension DebugInformation {
  /// What is known of a frame's caller.
  public struct Caller {
    /// The registers and the next instruction of the caller.
    public var context: FrameContext
    /// The canonical frame address: ESP of the caller before its CALL pushed the return address.
    public var frameAddress: UInt32
  }

  /// The caller of the function at `address`.
  /// - Parameters:
  ///   - address: an address inside the function: behind a CALL, the one before.
  ///   - context: the frame's registers and memory.
  /// - Returns: nil where no rules are known, or they need what is lost.
  public func caller(at address: UInt32, _ context: FrameContext) -> Caller? {
    withFrame(at: address) { frame in
      guard let cfa = Self.frameAddress(frame, context) else { return nil }
      var caller = context
      var returnAddress: UInt32?
      for number in 0...8 {
        let value = Self.register(number, frame, context, cfa)
        if number == 8 { returnAddress = value } else { caller.general[number] = value }
      }
      caller.general[4] = cfa
      guard let returnAddress else { return nil }
      caller.address = returnAddress
      return Caller(context: caller, frameAddress: cfa)
    }
  }

  /// The canonical frame address of the function at `address`; nil where no rule is known.
  func frameAddress(at address: UInt32, _ context: FrameContext) -> UInt32? {
    withFrame(at: address) { Self.frameAddress($0, context) }
  }

  private func withFrame<T>(at address: UInt32, _ body: (OpaquePointer) -> T?) -> T? {
    guard let rules = dwarf_getcfi(dwarf) else { return nil }
    var frame: OpaquePointer?
    guard dwarf_cfi_addrframe(rules, Dwarf_Addr(address), &frame) == 0, let frame else { return nil }
    defer { free(UnsafeMutableRawPointer(frame)) }
    return body(frame)
  }

  private static func frameAddress(_ frame: OpaquePointer, _ context: FrameContext) -> UInt32? {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_frame_cfa(frame, &operations, &count) == 0, count > 0 else { return nil }
    let found = LocationExpression(context).evaluate(UnsafeBufferPointer(start: operations, count: count))
    if case .memory(let address) = found { return address }
    return nil
  }

  /// A register of the caller; nil if it is lost.
  private static func register(
    _ number: Int, _ frame: OpaquePointer, _ context: FrameContext, _ cfa: UInt32
  ) -> UInt32? {
    withUnsafeTemporaryAllocation(of: Dwarf_Op.self, capacity: 3) { room in
      guard let memory = room.baseAddress else { return nil }
      var operations: UnsafeMutablePointer<Dwarf_Op>?
      var count = 0
      // Imported as a pointer to the first of three.
      guard dwarf_frame_register(frame, Int32(number), memory, &operations, &count) == 0 else { return nil }
      if count == 0 {
        // "Undefined" points to the room, "same value" to nothing.
        guard operations == nil, number < 8 else { return nil }
        return context.general[number]
      }
      let expression = LocationExpression(context, frameAddress: cfa)
      switch expression.evaluate(UnsafeBufferPointer(start: operations, count: count)) {
      case .memory(let address): return context.load(address)
      case .register(let other): return context.general[other]
      case .value(let value): return UInt32(truncatingIfNeeded: value)
      case nil: return nil
      }
    }
  }
}
