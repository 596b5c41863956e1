import CHostFPU

/// A source operand as the arithmetic instructions name it.
public enum X87Source {
  case register(ExtendedFloat)
  case single(UInt32)
  case double(UInt64)
  case int16(Int16)
  case int32(Int32)

  /// The operand at 80 bits.
  public var operand: X87Operand {
    switch self {
    case .register(let value): X87Operand(value)
    case .single(let bits): X87Operand(single: bits)
    case .double(let bits): X87Operand(double: bits)
    case .int16(let value): X87Operand(integer: Int64(value))
    case .int32(let value): X87Operand(integer: Int64(value))
    }
  }
}

/// The x87 that the CPU uses: the host's own unit where it has one and nothing unusual happens, else `X87Portable`. The
/// results are the same, and a test holds them so.
///
/// `flags` are the exceptions that the status word has already; that none of them is unmasked is the CPU's to see to.
public enum X87 {
  /// Arithmetic on a register. Writes the destination unless an unmasked exception forbids it, and returns what to add to
  /// the status word (C1 is to be cleared first).
  public static func arithmetic(
    _ operation: X87Arithmetic, _ destination: inout ExtendedFloat, _ source: X87Source,
    _ control: X87Control,
    flags: X87Flags
  ) -> X87Flags {
    #if arch(x86_64)
      if suitsHost(control) {
        let masked = control.rawValue | 0x3f
        let status: UInt16 =
          switch source {
          case .register(var value):
            hostfpu_arithmetic_extended(operation.rawValue, &destination, &value, masked, flags.rawValue)
          case .single(var bits):
            hostfpu_arithmetic_single(operation.rawValue, &destination, &bits, masked, flags.rawValue)
          case .double(var bits):
            hostfpu_arithmetic_double(operation.rawValue, &destination, &bits, masked, flags.rawValue)
          case .int16(var value):
            hostfpu_arithmetic_int16(operation.rawValue, &destination, &value, masked, flags.rawValue)
          case .int32(var value):
            hostfpu_arithmetic_int32(operation.rawValue, &destination, &value, masked, flags.rawValue)
          }
        if status != UInt16(hostfpu_raised) { return roundedUp(status) }
      }
    #endif
    let outcome = X87Portable.arithmetic(operation, X87Operand(destination), source.operand, control)
    return write(outcome, to: &destination, control)
  }

  /// FSQRT.
  public static func squareRoot(_ value: inout ExtendedFloat, _ control: X87Control, flags: X87Flags)
    -> X87Flags
  {
    #if arch(x86_64)
      let status = hostfpu_square_root(&value, control.rawValue | 0x3f, flags.rawValue)
      if status != UInt16(hostfpu_raised) { return roundedUp(status) }
    #endif
    return write(X87Portable.squareRoot(value, control), to: &value, control)
  }

  /// FRNDINT.
  public static func roundToInteger(_ value: inout ExtendedFloat, _ control: X87Control, flags: X87Flags)
    -> X87Flags
  {
    #if arch(x86_64)
      let status = hostfpu_round_to_integer(&value, control.rawValue | 0x3f, flags.rawValue)
      if status != UInt16(hostfpu_raised) { return roundedUp(status) }
    #endif
    return write(X87Portable.roundToInteger(value, control), to: &value, control)
  }

  /// FST m32.
  public static func storeSingle(
    _ value: ExtendedFloat, _ control: X87Control, flags: X87Flags
  ) -> X87Outcome<UInt32> {
    #if arch(x86_64)
      if suitsHost(control) {
        var (source, result) = (value, UInt32(0))
        let status = hostfpu_store_single(&source, &result, control.rawValue | 0x3f, flags.rawValue)
        if status != UInt16(hostfpu_raised) { return X87Outcome(result, roundedUp(status)) }
      }
    #endif
    return X87Portable.storeSingle(value, control)
  }

  /// FST m64.
  public static func storeDouble(
    _ value: ExtendedFloat, _ control: X87Control, flags: X87Flags
  ) -> X87Outcome<UInt64> {
    #if arch(x86_64)
      if suitsHost(control) {
        var (source, result) = (value, UInt64(0))
        let status = hostfpu_store_double(&source, &result, control.rawValue | 0x3f, flags.rawValue)
        if status != UInt16(hostfpu_raised) { return X87Outcome(result, roundedUp(status)) }
      }
    #endif
    return X87Portable.storeDouble(value, control)
  }

  /// FIST and FISTP, of 16, 32 or 64 bits.
  public static func storeInteger(
    _ value: ExtendedFloat, bits: Int, _ control: X87Control, flags: X87Flags
  ) -> X87Outcome<Int64> {
    #if arch(x86_64)
      var (source, short, long, quad) = (value, Int16(0), Int32(0), Int64(0))
      let (masked, had) = (control.rawValue | 0x3f, flags.rawValue)
      let status =
        switch bits {
        case 16: hostfpu_store_int16(&source, &short, masked, had)
        case 32: hostfpu_store_int32(&source, &long, masked, had)
        default: hostfpu_store_int64(&source, &quad, masked, had)
        }
      if status != UInt16(hostfpu_raised) {
        return X87Outcome(bits == 16 ? Int64(short) : bits == 32 ? Int64(long) : quad, roundedUp(status))
      }
    #endif
    return X87Portable.storeInteger(value, bits: bits, control)
  }

  /// Whether the host, with everything masked, shows all that the guest must see. An exact denormal result underflows only
  /// where underflow is not masked. SDM vol. 1, 4.9.1.5.
  @inline(__always)
  private static func suitsHost(_ control: X87Control) -> Bool { control.masks.contains(.underflow) }

  /// What the host's status word says of C1. Its exceptions the guest has already.
  @inline(__always)
  private static func roundedUp(_ status: UInt16) -> X87Flags { X87Flags(rawValue: status).intersection(.c1) }

  private static func write(
    _ outcome: X87Outcome<ExtendedFloat>, to destination: inout ExtendedFloat, _ control: X87Control
  ) -> X87Flags {
    if outcome.isWritten(under: control) { destination = outcome.value }
    return outcome.flags
  }
}
