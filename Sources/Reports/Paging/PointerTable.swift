import Emulator
import IA32

/// The four PDPTE registers beside the table in memory that CR3 points to. SDM vol. 3A, 4.4.1.
public struct PointerTable {
  /// One of the four.
  public struct Row {
    /// The PDPTE register.
    public var register: UInt64
    /// Physical address of the entry.
    public var address: UInt64
    /// nil where CR3 points to no RAM.
    public var memory: UInt64?
  }

  /// The four, by bits 31-30 of linear addresses.
  public let rows: [Row]
  private let addressWidth: UInt8

  /// Reads registers and memory; leaves no trace.
  public init(_ machine: Machine) {
    let registers = machine.registers
    let table = UInt64(registers.cr3 & ~31)
    rows = registers.pdpte.enumerated().map { index, register in
      let address = table + UInt64(index) * 8
      let bytes = machine.peek(PhysicalAddress(address), count: 8)
      return Row(register: register, address: address, memory: bytes.map { MemoryView.value($0[...]) })
    }
    addressWidth = UInt8(truncatingIfNeeded: machine.bus.physicalAddressBits)
  }

  /// What is to be said of entry `index`.
  public func finding(at index: Int) -> Finding? {
    let row = rows[index]
    let name = "PDPTE[\(index)]"
    guard let memory = row.memory else {
      return Finding(
        .wrong, "CR3 points to \(PhysicalAddress(row.address)), where no memory is", "SDM 3A 4.4.1")
    }
    let reserved = memory & ReservedBits.pdpte(addressWidth: addressWidth)
    if memory & EntryBit.present != 0, reserved != 0 {
      return Finding(
        .wrong,
        "\(name) in memory has reserved bits set (\(EntryText.bitNumbers(reserved))): the next MOV to CR3 raises #GP(0)",
        "SDM 3A 4.4.1")
    }
    guard memory != row.register else { return nil }
    return Finding(
      .stale,
      "\(name) is \(hexadecimal(row.register, digits: 16)) in its register and \(hexadecimal(memory, digits: 16)) in memory: not in force before a MOV to CR3",
      "SDM 3A 4.4.1")
  }

  /// What is to be said of all four.
  public var findings: [Finding] { rows.indices.compactMap { finding(at: $0) } }
}

/// `info pdpte`.
public struct PointerTableReport: Report {
  /// The registers and the table.
  public let table: PointerTable
  /// Whether PAE paging is on.
  public let isInForce: Bool

  /// - Parameter isInForce: whether PAE paging is on.
  public init(table: PointerTable, isInForce: Bool) {
    self.table = table
    self.isInForce = isInForce
  }

  public var lines: [String] {
    guard isInForce else { return ["PAE paging is off: the PDPTE registers are not in use"] }
    return table.rows.enumerated().map { index, row in
      let memory = row.memory.map { hexadecimal($0, digits: 16) } ?? "no memory"
      let range = hexadecimal(UInt64(index) << 30, digits: 8)
      let same = row.memory == row.register ? "the same" : "DIFFERENT"
      return
        "PDPTE[\(index)]  from \(range)  register \(hexadecimal(row.register, digits: 16))  memory \(PhysicalAddress(row.address)) \(memory)  \(same)"
    } + table.findings.map(\.line)
  }

  public var json: JSONValue {
    .object([
      .init("inForce", .bool(isInForce)),
      .init(
        "entries",
        .array(
          table.rows.map {
            .object([
              .init("register", .entry($0.register)), .init("address", .physical($0.address)),
              .init("memory", $0.memory.map { .entry($0) } ?? .null),
            ])
          })), .init("findings", .array(table.findings.map(\.json))),
    ])
  }
}
