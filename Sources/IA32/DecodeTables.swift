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

  /// Stands for "no row".
  static let undefined: UInt16 = 0xFFFF
  /// Set in an opcode's slot when its ModRM byte chooses the row; the rest of the slot is then the group's number.
  static let groupBit: UInt16 = 0x8000
  /// Slots of a group: 8 for memory by reg field, 64 for the ModRM bytes C0 to FF.
  private static let groupSize = 72

  /// 512 slots: the one-byte opcodes, then those after 0F.
  let opcodes: UnsafePointer<UInt16>
  private let groups: UnsafePointer<UInt16>
  let entries: UnsafePointer<Entry>

  static let shared = DecodeTables(rows: OpcodeTable.rows)

  /// Where ModRM's row stands among a group's slots.
  @inline(__always)
  private static func slot(_ modRM: UInt8) -> Int {
    modRM < 0xC0 ? Int(modRM >> 3 & 7) : Int(modRM & 0x3F) &+ 8
  }

  /// The row of a group that a ModRM byte chooses.
  @inline(__always)
  func row(group: UInt16, modRM: UInt8) -> UInt16 {
    groups[Int(group & ~Self.groupBit) &* Self.groupSize &+ Self.slot(modRM)]
  }

  private init(rows: ContiguousArray<OpcodeRow>) {
    precondition(rows.count < Int(Self.groupBit))
    var opcodes = [UInt16](repeating: Self.undefined, count: 512)
    var groups: [UInt16] = []
    for (number, row) in rows.enumerated() {
      for opcode in row.opcode...row.lastOpcode {
        let index = opcode < 0x100 ? Int(opcode) : 0x100 + Int(opcode & 0xFF)
        if row.pattern == .any {
          precondition(opcodes[index] == Self.undefined, "two rows for one opcode")
          opcodes[index] = UInt16(number)
          continue
        }
        if opcodes[index] == Self.undefined {
          opcodes[index] = Self.groupBit | UInt16(groups.count / Self.groupSize)
          groups += [UInt16](repeating: Self.undefined, count: Self.groupSize)
        }
        let base = Int(opcodes[index] & ~Self.groupBit) * Self.groupSize
        for modRM in UInt8.min...UInt8.max where row.pattern.matches(modRM) {
          let slot = base + Self.slot(modRM)
          precondition(
            groups[slot] == Self.undefined || groups[slot] == UInt16(number), "two rows for one ModRM")
          groups[slot] = UInt16(number)
        }
      }
    }
    self.opcodes = Self.copy(opcodes)
    self.groups = Self.copy(groups)
    self.entries = Self.copy(
      rows.map {
        Entry(
          operation: $0.operation, flags: $0.flags, first: $0.operands.0, second: $0.operands.1,
          third: $0.operands.2)
      })
  }

  private static func copy<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
    memory.initialize(from: elements, count: elements.count)
    return UnsafePointer(memory)
  }
}
