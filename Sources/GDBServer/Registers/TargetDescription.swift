/// `target.xml`: which registers there are, and how gdb shows them. GDB manual, appendix G.
enum TargetDescription {
  /// The document.
  static let text = """
    <?xml version="1.0"?>
    <!DOCTYPE target SYSTEM "gdb-target.dtd">
    <target version="1.0">
    <architecture>i386</architecture>
    <feature name="org.gnu.gdb.i386.core">
    \(flags("i386_eflags", bytes: 4, eflags))
    \(registers(RegisterTable.core))
    </feature>
    <feature name="org.gnu.gdb.i386.sse">
    \(vector128)
    \(flags("i386_mxcsr", bytes: 4, mxcsr))
    \(registers(RegisterTable.sse))
    </feature>
    <feature name="org.pagewalk.ia32.system">
    \(flags("ia32_cr0", bytes: 4, cr0))
    \(flags("ia32_cr4", bytes: 4, cr4))
    \(flags("ia32_efer", bytes: 8, single([("NXE", 11)])))
    \(registers(RegisterTable.system))
    </feature>
    </target>

    """

  private static func registers(_ registers: [RemoteRegister]) -> String {
    registers.map { register in
      let group = register.group.map { " group=\"\($0)\"" } ?? ""
      return
        "<reg name=\"\(register.name)\" bitsize=\"\(register.bits)\" type=\"\(register.type)\" regnum=\"\(register.number)\"\(group)/>"
    }.joined(separator: "\n")
  }

  /// An XMM register by each of its element types, as gdb's own description of an i386 with SSE has it.
  private static let vector128: String = {
    let elements = [
      ("v4f", "ieee_single", 4, "v4_float"), ("v2d", "ieee_double", 2, "v2_double"),
      ("v16i8", "int8", 16, "v16_int8"), ("v8i16", "int16", 8, "v8_int16"), ("v4i32", "int32", 4, "v4_int32"),
      ("v2i64", "int64", 2, "v2_int64"),
    ]
    let vectors = elements.map { "<vector id=\"\($0.0)\" type=\"\($0.1)\" count=\"\($0.2)\"/>\n" }.joined()
    let fields = elements.map { "<field name=\"\($0.3)\" type=\"\($0.0)\"/>\n" }.joined()
    return vectors + "<union id=\"vec128\">\n" + fields
      + "<field name=\"uint128\" type=\"uint128\"/>\n</union>"
  }()

  private typealias Field = (name: String, bits: ClosedRange<Int>)

  private static func flags(_ name: String, bytes: Int, _ fields: [Field]) -> String {
    "<flags id=\"\(name)\" size=\"\(bytes)\">\n"
      + fields.map {
        "<field name=\"\($0.name)\" start=\"\($0.bits.lowerBound)\" end=\"\($0.bits.upperBound)\"/>\n"
      }.joined() + "</flags>"
  }

  private static func single(_ fields: [(name: String, bit: Int)]) -> [Field] {
    fields.map { ($0.name, $0.bit...$0.bit) }
  }

  // SDM vol. 1, 3.4.3. A field without a name keeps bit 1, which is always set, out of sight.
  private static let eflags =
    single([
      ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10),
      ("OF", 11),
    ]) + [("IOPL", 12...13)]
    + single([("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19), ("VIP", 20), ("ID", 21)])
  // SDM vol. 1, 10.2.3. Bits 14 and 13, rounding, have no name in gdb's own description.
  private static let mxcsr = single([
    ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7), ("DM", 8),
    ("ZM", 9), ("OM", 10), ("UM", 11), ("PM", 12), ("FZ", 15),
  ])
  // SDM vol. 3A, 2.5.
  private static let cr0 = single([
    ("PE", 0), ("MP", 1), ("EM", 2), ("TS", 3), ("ET", 4), ("NE", 5), ("WP", 16), ("AM", 18), ("NW", 29),
    ("CD", 30), ("PG", 31),
  ])
  private static let cr4 = single([
    ("VME", 0), ("PVI", 1), ("TSD", 2), ("DE", 3), ("PSE", 4), ("PAE", 5), ("MCE", 6), ("PGE", 7),
    ("PCE", 8), ("OSFXSR", 9), ("OSXMMEXCPT", 10), ("SMEP", 20), ("SMAP", 21),
  ])
}
