/// The opcode table as the decoder reads it: arrays of trivial values, indexed by opcode and by ModRM.
///
/// Built once from ``OpcodeTable/rows``, never written again and never freed: that is why it may be shared unchecked.
struct DecodeTables: @unchecked Sendable {
  /// What the decoder needs of a row, without the rest.
  struct Entry {
    let operation: Operation
    let flags: OpcodeFlags
    let first: OperandCode
    let second: OperandCode
    let third: OperandCode
  }

  /// A slot without a row. Otherwise a slot holds a row's number, or names a table with one of the two bits below.
  static let undefined: UInt16 = 0xFFFF
  /// The ModRM byte chooses the row; the rest of the slot is then the group's number.
  static let groupBit: UInt16 = 0x8000
  /// The prefixes choose among four slots; the rest is the number of those.
  static let prefixBit: UInt16 = 0x4000
  /// Set in every slot that is not a row's number.
  static let notRow: UInt16 = groupBit | prefixBit
  /// Slots of a group: 8 for memory by reg field, 64 for the ModRM bytes C0 to FF.
  private static let groupSize = 72

  /// 256 slots for each of the four maps.
  let opcodes: UnsafePointer<UInt16>
  /// The slots of opcodes that prefixes tell apart: without, with 66, F3, F2.
  private let prefixed: UnsafePointer<UInt16>
  private let groups: UnsafePointer<UInt16>
  let entries: UnsafePointer<Entry>
  /// Whether the maps 0F 38 and 0F 3A have rows at all; else their escapes are undefined opcodes of two bytes.
  let hasMap0F38: Bool
  let hasMap0F3A: Bool

  static let shared = DecodeTables(rows: OpcodeTable.rows)

  /// Where ModRM's row stands among a group's slots.
  @inline(__always)
  private static func slot(_ modRM: UInt8) -> Int {
    modRM < 0xC0 ? Int(modRM >> 3 & 7) : Int(modRM & 0x3F) &+ 8
  }

  /// Where a group's slots begin.
  private static func base(_ slot: UInt16) -> Int { Int(slot & ~groupBit) * groupSize }

  /// The row of a group that a ModRM byte chooses.
  @inline(__always)
  func row(group: UInt16, modRM: UInt8) -> UInt16 {
    groups[Int(group & ~Self.groupBit) &* Self.groupSize &+ Self.slot(modRM)]
  }

  /// The slot that prefixes choose. F3 and F2 count before 66. SDM vol. 2A, 2.1.2.
  func slot(prefixed slot: UInt16, _ prefixes: Prefixes) -> UInt16 {
    let choice =
      prefixes.contains(.rep) ? 2 : prefixes.contains(.repne) ? 3 : prefixes.contains(.operandSize) ? 1 : 0
    return prefixed[Int(slot & ~Self.prefixBit) &* 4 &+ choice]
  }

  /// The tables of `rows`. An opcode that has rows with mandatory prefixes is looked up by prefix; its free rows stand in for
  /// the prefixes, and for the ModRM bytes under them, that have none.
  init(rows: ContiguousArray<OpcodeRow>) {
    precondition(rows.count < Int(Self.prefixBit))
    var opcodes = [UInt16](repeating: Self.undefined, count: 4 * 256)
    var prefixed: [UInt16] = []
    var groups: [UInt16] = []

    func add(_ number: Int, _ row: OpcodeRow, to slot: inout UInt16) {
      if row.pattern == .any {
        precondition(slot == Self.undefined, "two rows for one opcode")
        slot = UInt16(number)
        return
      }
      if slot == Self.undefined {
        slot = Self.groupBit | UInt16(groups.count / Self.groupSize)
        groups += [UInt16](repeating: Self.undefined, count: Self.groupSize)
      }
      let base = Self.base(slot)
      for modRM in UInt8.min...UInt8.max where row.pattern.matches(modRM) {
        let place = base + Self.slot(modRM)
        precondition(
          groups[place] == Self.undefined || groups[place] == UInt16(number), "two rows for one ModRM")
        groups[place] = UInt16(number)
      }
    }

    for (number, row) in rows.enumerated() where row.prefix == .free {
      for opcode in row.opcode...row.lastOpcode {
        add(number, row, to: &opcodes[Self.index(row.map, opcode)])
      }
    }
    // Of opcodes that prefixes tell apart, the slot of their rows without a mandatory prefix.
    var freeSlots: [Int: UInt16] = [:]
    for (number, row) in rows.enumerated() where row.prefix != .free {
      for opcode in row.opcode...row.lastOpcode {
        let index = Self.index(row.map, opcode)
        if freeSlots[index] == nil {
          freeSlots[index] = opcodes[index]
          opcodes[index] = Self.prefixBit | UInt16(prefixed.count / 4)
          prefixed += [UInt16](repeating: Self.undefined, count: 4)
        }
        let choice = Int(opcodes[index] & ~Self.prefixBit) * 4 + Self.choice(row.prefix)
        add(number, row, to: &prefixed[choice])
      }
    }
    for (index, free) in freeSlots {
      let first = Int(opcodes[index] & ~Self.prefixBit) * 4
      for choice in first..<first + 4 {
        let slot = prefixed[choice]
        if slot == Self.undefined {
          prefixed[choice] = free
        } else if slot & Self.groupBit != 0 && free != Self.undefined && free & Self.groupBit != 0 {
          let (base, other) = (Self.base(slot), Self.base(free))
          for place in 0..<Self.groupSize where groups[base + place] == Self.undefined {
            groups[base + place] = groups[other + place]
          }
        }
      }
    }
    self.opcodes = Self.copy(opcodes)
    self.prefixed = Self.copy(prefixed)
    self.groups = Self.copy(groups)
    hasMap0F38 = rows.contains { $0.map == .map0F38 }
    hasMap0F3A = rows.contains { $0.map == .map0F3A }
    self.entries = Self.copy(
      rows.map {
        Entry(
          operation: $0.operation, flags: $0.flags, first: $0.operands.0, second: $0.operands.1,
          third: $0.operands.2)
      })
  }

  private static func index(_ map: OpcodeMap, _ opcode: UInt32) -> Int {
    Int(map.rawValue) * 256 + Int(opcode & 0xFF)
  }

  /// Which of the four slots a mandatory prefix has.
  private static func choice(_ prefix: MandatoryPrefix) -> Int {
    switch prefix {
    case .free, .none: 0
    case .x66: 1
    case .xF3: 2
    case .xF2: 3
    }
  }

  /// `elements` in memory that is never freed.
  static func copy<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
    memory.initialize(from: elements, count: elements.count)
    return UnsafePointer(memory)
  }
}
