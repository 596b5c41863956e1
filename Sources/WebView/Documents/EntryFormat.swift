import Reports

/// A format of paging-structure entries, bit by bit, as the manual's tables have it.
struct EntryFormat {
  struct Field {
    /// The highest and the lowest bit.
    var high: UInt64
    var low: UInt64
    var name: String
    /// What it means.
    var meaning: String
    /// What 0 and 1 mean; nil for fields of more than a bit.
    var values: (zero: String, one: String)?

    init(_ bit: UInt64, _ name: String, _ meaning: String, _ zero: String, _ one: String) {
      high = bit
      low = bit
      self.name = name
      self.meaning = meaning
      values = (zero, one)
    }

    init(_ high: UInt64, _ low: UInt64, _ name: String, _ meaning: String) {
      self.high = high
      self.low = low
      self.name = name
      self.meaning = meaning
    }
  }

  var name: String
  var title: String
  var section: String
  var fields: [Field]

  // MARK: Fields that several formats have

  private static let present = Field(
    0, "P", "present", "not present: the other bits mean nothing", "may be used")
  private static let writable = Field(1, "R/W", "read/write", "read-only", "writes are allowed")
  private static let user = Field(2, "U/S", "user/supervisor", "supervisor only", "CPL 3 has access")
  private static let writeThrough = Field(3, "PWT", "page-level write-through", "write-back", "write-through")
  private static let cacheDisable = Field(4, "PCD", "page-level cache disable", "may be cached", "not cached")
  private static let accessed = Field(
    5, "A", "accessed", "not used for a translation", "used for a translation")
  private static let dirty = Field(6, "D", "dirty", "not written to", "written to")
  private static let global = Field(8, "G", "global", "goes with a MOV to CR3", "stays, if CR4.PGE is set")
  private static let attribute = Field(
    7, "PAT", "memory type, with PCD and PWT", "the lower half of the PAT", "the upper half")
  private static let available = Field(11, 9, "avl", "for software")
  private static let noExecute = Field(
    63, "XD", "execute disable; reserved without EFER.NXE", "may be executed", "fetches fault")
  private static let common = [present, writable, user, writeThrough, cacheDisable, accessed]
  private static func reserved(_ high: UInt64, _ low: UInt64) -> Field {
    Field(high, low, "rsvd", "reserved: must be 0")
  }
  private static func ignored(_ high: UInt64, _ low: UInt64) -> Field { Field(high, low, "ign", "ignored") }

  /// All formats.
  static let all = [
    EntryFormat(
      name: "pae.pdpte", title: "PDPTE under PAE", section: "SDM 3A, table 4-8",
      fields: [
        present, reserved(2, 1), writeThrough, cacheDisable, reserved(8, 5), available,
        Field(51, 12, "address", "the page directory's frame, up to the physical address width"),
        reserved(63, 52),
      ]),
    EntryFormat(
      name: "pae.pde", title: "PDE that points to a page table", section: "SDM 3A, table 4-10",
      fields: common + [
        ignored(6, 6), Field(7, "PS", "page size", "points to a page table", "maps a 2 MiB page"),
        ignored(8, 8), available,
        Field(51, 12, "address", "the page table's frame"), reserved(62, 52), noExecute,
      ]),
    EntryFormat(
      name: "pae.large", title: "PDE that maps a 2 MiB page", section: "SDM 3A, table 4-9",
      fields: common + [
        dirty, Field(7, "PS", "page size", "points to a page table", "maps a 2 MiB page"), global, available,
        Field(12, "PAT", "memory type, with PCD and PWT", "the lower half of the PAT", "the upper half"),
        reserved(20, 13),
        Field(51, 21, "address", "the page"), reserved(62, 52), noExecute,
      ]),
    EntryFormat(
      name: "pae.pte", title: "PTE under PAE", section: "SDM 3A, table 4-11",
      fields: common + [
        dirty, attribute, global, available, Field(51, 12, "address", "the page's frame"), reserved(62, 52),
        noExecute,
      ]),
    EntryFormat(
      name: "bits32.pde", title: "PDE that points to a page table, 32-bit paging",
      section: "SDM 3A, table 4-5",
      fields: common + [
        ignored(6, 6),
        Field(7, "PS", "page size, with CR4.PSE", "points to a page table", "maps a 4 MiB page"),
        ignored(8, 8),
        available, Field(31, 12, "address", "the page table's frame"),
      ]),
    EntryFormat(
      name: "bits32.large", title: "PDE that maps a 4 MiB page", section: "SDM 3A, table 4-4",
      fields: common + [
        dirty, Field(7, "PS", "page size, with CR4.PSE", "points to a page table", "maps a 4 MiB page"),
        global, available,
        Field(12, "PAT", "memory type, with PCD and PWT", "the lower half of the PAT", "the upper half"),
        Field(20, 13, "high", "bits 39-32 of the page's address (PSE-36)"), reserved(21, 21),
        Field(31, 22, "address", "the page"),
      ]),
    EntryFormat(
      name: "bits32.pte", title: "PTE, 32-bit paging", section: "SDM 3A, table 4-6",
      fields: common + [dirty, attribute, global, available, Field(31, 12, "address", "the page's frame")]),
  ]

  static let document = JSONValue.object(
    all.map { format in
      .init(
        format.name,
        .object([
          .init("title", .string(format.title)), .init("section", .string(format.section)),
          .init("fields", .array(format.fields.map(\.json))),
        ]))
    })
}

extension EntryFormat.Field {
  fileprivate var json: JSONValue {
    .object([
      .init("high", .number(high)), .init("low", .number(low)), .init("name", .string(name)),
      .init("meaning", .string(meaning)),
      .init("values", values.map { .strings([$0.zero, $0.one]) } ?? .null),
    ])
  }
}
