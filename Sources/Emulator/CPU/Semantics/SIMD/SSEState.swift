import FloatingPoint

/// What SSE and SSE2 hold between two instructions; MMX's registers are those of the floating-point unit. SDM vol. 1, 10.2.
struct SSEState {
  /// XMM0 to XMM7.
  var registers: InlineArray<8, XMMValue> = InlineArray(repeating: .zero)
  /// MXCSR.
  var control = SSEControl.initial

  /// After RESET#. SDM vol. 3A, table 9-1.
  init() {}

  subscript(number: UInt8) -> XMMValue {
    @inline(__always) get { registers[Int(number & 7)] }
    @inline(__always) set { registers[Int(number & 7)] = newValue }
  }
}

/// The registers of SSE at an instruction boundary, as a value to look at. SDM vol. 1, 10.2.
public struct SSERegisters: Hashable, Sendable {
  /// XMM0 to XMM7.
  public var xmm: [XMMValue]
  /// MXCSR, the control and status register. SDM vol. 1, 10.2.3.
  public var mxcsr: UInt32

  init(_ state: SSEState) {
    xmm = (0..<8).map { state[$0] }
    mxcsr = state.control.rawValue
  }
}
