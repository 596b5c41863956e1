extension SSEPortable {
  /// CMPPS and its kin: every element becomes all ones or all zeros. SDM vol. 2A, CMPPS.
  /// - Parameter predicate: the immediate's low three bits: equal, less, less or equal, unordered, and their opposites.
  public static func compare(
    predicate: UInt8, _ form: SSEForm, _ destination: XMMValue, _ source: XMMValue, _ control: SSEControl
  ) -> SSEResult {
    map(form, destination, control) { index, destination, control in
      compared(predicate, destination, source[single: index], control)
    } double: { index, destination, control in
      compared(predicate, destination, source[double: index], control)
    }
  }

  private static func compared<Element: SSEElement>(
    _ predicate: UInt8, _ destination: Element, _ source: Element, _ control: SSEControl
  ) -> SSEOutcome<Element> {
    let (a, b) = (SSEOperand(destination, control), SSEOperand(source, control))
    let kind = predicate & 3
    var holds: Bool
    var flags: X87Flags
    if a.isNaN || b.isNaN {
      let signals = a.floatClass == .signalingNaN || b.floatClass == .signalingNaN
      // Only less and less-or-equal mind a quiet NaN.
      flags = signals || kind == 1 || kind == 2 ? .invalid : []
      holds = kind == 3
    } else {
      flags = a.denormalFlag.union(b.denormalFlag)
      let order = order(a, b)
      holds =
        switch kind {
        case 0: order == 0
        case 1: order < 0
        case 2: order <= 0
        default: false
        }
    }
    if predicate & 4 != 0 { holds.toggle() }
    return (holds ? Element.max : 0, flags)
  }

  /// COMISS, UCOMISS, COMISD and UCOMISD: ZF, PF and CF in their places in EFLAGS; the other flags are cleared.
  /// - Parameter isQuiet: UCOMISS: only a signaling NaN is invalid.
  public static func compareToFlags(
    _ form: SSEForm, _ destination: XMMValue, _ source: XMMValue, isQuiet: Bool, _ control: SSEControl
  ) -> (eflags: UInt32, flags: X87Flags) {
    if form == .scalarSingle || form == .packedSingle {
      return compareToFlags(destination[single: 0], source[single: 0], isQuiet, control)
    }
    return compareToFlags(destination.low, source.low, isQuiet, control)
  }

  private static func compareToFlags<Element: SSEElement>(
    _ destination: Element, _ source: Element, _ isQuiet: Bool, _ control: SSEControl
  ) -> (eflags: UInt32, flags: X87Flags) {
    let (a, b) = (SSEOperand(destination, control), SSEOperand(source, control))
    let (carry, parity, zero): (UInt32, UInt32, UInt32) = (1, 1 << 2, 1 << 6)
    if a.isNaN || b.isNaN {
      let signals = a.floatClass == .signalingNaN || b.floatClass == .signalingNaN
      return (carry | parity | zero, signals || !isQuiet ? .invalid : [])
    }
    let order = order(a, b)
    return (order == 0 ? zero : order < 0 ? carry : 0, a.denormalFlag.union(b.denormalFlag))
  }
}
