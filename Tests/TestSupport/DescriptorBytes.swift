/// Segment and gate descriptors as the manual's figures have them, for tests that write a GDT or an IDT by hand. The machine's
/// own `Descriptor` is not used: what is tested must not write what it is tested with. SDM vol. 3A, 3.4.5 and 6.11.
public enum DescriptorBytes {
  /// A segment descriptor.
  /// - Parameters:
  ///   - limit: 20 bits, in the unit that G chooses.
  ///   - access: byte 5: P, DPL, S and the type.
  ///   - flags: G, D/B, L and AVL, the high half of byte 6; 4 KiB units and 32 bits by default.
  public static func segment(
    base: UInt32 = 0, limit: UInt32 = 0xf_ffff, access: UInt8, flags: UInt8 = 0xc
  ) -> UInt64 {
    let low = UInt64(limit & 0xffff) | UInt64(base & 0xff_ffff) << 16 | UInt64(access) << 40
    return low | UInt64(limit >> 16 & 0xf) << 48 | UInt64(flags) << 52 | UInt64(base >> 24) << 56
  }

  /// A gate descriptor.
  /// - Parameters:
  ///   - access: byte 5: P, DPL and the type; a 32-bit interrupt gate that ring 3 may use by default.
  ///   - parameters: the count of parameters of a call gate.
  public static func gate(
    _ selector: UInt16, _ offset: UInt32, access: UInt8 = 0xee, parameters: UInt8 = 0
  ) -> UInt64 {
    let low = UInt64(offset & 0xffff) | UInt64(selector) << 16 | UInt64(parameters) << 32
    return low | UInt64(access) << 40 | UInt64(offset >> 16) << 48
  }

  /// Ring 0's code in a flat segment of 4 GiB.
  public static let flatCode = segment(access: 0x9a)
  /// Ring 0's data in a flat segment of 4 GiB.
  public static let flatData = segment(access: 0x92)
}
