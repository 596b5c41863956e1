import IA32

/// The registers of the machine-check architecture. No error is ever found here, so that there is none to read.
/// SDM vol. 3B, 15.3.
struct MachineCheckRegisters {
  /// IA32_MCG_STATUS.
  private var status: UInt64 = 0
  /// IA32_MCi_CTL: which errors are reported.
  private var controls: InlineArray<5, UInt64> = InlineArray(repeating: 0)

  private static let firstBank: UInt32 = 0x400

  /// The register with that number; nil where it is none of these.
  /// - Parameter banks: how many banks the model has, 5 at most.
  func read(_ index: UInt32, banks: Int) -> UInt64? {
    switch index {
    case 0x179: return UInt64(banks)
    case 0x17a: return status
    default:
      guard let (bank, register) = Self.place(index, banks: banks) else { return nil }
      return register == 0 ? controls[bank] : 0
    }
  }

  /// - Returns: false where there is no such register, and for what must not be written to it.
  mutating func write(_ index: UInt32, _ value: UInt64, banks: Int) -> Bool {
    if index == 0x17a {
      guard value & ~7 == 0 else { return false }
      status = value
      return true
    }
    guard let (bank, register) = Self.place(index, banks: banks) else { return false }
    if register == 0 {
      controls[bank] = value
      return true
    }
    // Software can only clear them.
    return value == 0
  }

  /// CTL, STATUS, ADDR and MISC of each bank.
  private static func place(_ index: UInt32, banks: Int) -> (bank: Int, register: UInt32)? {
    guard index >= firstBank, index < firstBank + UInt32(4 * banks) else { return nil }
    return (Int((index - firstBank) / 4), (index - firstBank) % 4)
  }
}
