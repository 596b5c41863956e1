import CHostFPU

/// The SSE unit that the CPU uses: the host's own where it has one and nothing unusual happens, else `SSEPortable`. The
/// results are the same, and a test holds them so.
public enum SSE {
  /// ADDPS and its kin. The result's flags are those that MXCSR gains, or a part of what it has already.
  /// - Parameter control: the guest's MXCSR; that none of its flags is unmasked is not asked for.
  public static func arithmetic(
    _ operation: SSEArithmetic, _ form: SSEForm, _ destination: XMMValue, _ source: XMMValue,
    _ control: SSEControl
  ) -> SSEResult {
    #if arch(x86_64)
      // The host has everything masked. An exact denormal result underflows only where underflow is not masked, and a flag
      // that is set already may be raised again where it is not masked.
      if control.masks.contains(.underflow) && control.unmasked(control.flags).isEmpty {
        var (value, operand) = (destination, source)
        let masked = control.rawValue & ~0x3f | 0x1f80
        let had = control.rawValue & 0x3f
        let status: UInt32 =
          switch form {
          case .packedSingle: hostfpu_packed_single(operation.rawValue, &value, &operand, masked, had)
          case .packedDouble: hostfpu_packed_double(operation.rawValue, &value, &operand, masked, had)
          case .scalarSingle: hostfpu_scalar_single(operation.rawValue, &value, &operand, masked, had)
          case .scalarDouble: hostfpu_scalar_double(operation.rawValue, &value, &operand, masked, had)
          }
        if status == 0 { return SSEResult(value, []) }
      }
    #endif
    return SSEPortable.arithmetic(operation, form, destination, source, control)
  }
}
