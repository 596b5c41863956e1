import Emulator
import IA32

/// `info registers`.
public struct GeneralRegisters: Report {
  let registers: RegisterFile
  let place: String
  let cycle: UInt64

  /// - Parameters:
  ///   - place: words for the next instruction, such as "00100014 kernel_main+0x14 (main.c:12)".
  ///   - cycle: the clock.
  public init(registers: RegisterFile, place: String, cycle: UInt64) {
    self.registers = registers
    self.place = place
    self.cycle = cycle
  }

  public var lines: [String] {
    let texts = zip(RegisterNames.general, registers.general).map {
      "\($0) \(hexadecimal(UInt64($1), digits: 8))"
    }
    return [
      texts[0..<4].joined(separator: "  "), texts[4..<8].joined(separator: "  "),
      "eflags \(hexadecimal(UInt64(registers.eflags), digits: 8)) \(Self.flags(registers.eflags))  CPL \(registers.privilegeLevel)\(registers.isHalted ? "  halted" : "")",
      "eip \(place), cycle \(cycle)",
    ]
  }

  public var json: JSONValue {
    .object(
      zip(RegisterNames.general, registers.general).map { .init($0, .linear($1)) } + [
        .init("eip", .linear(registers.eip)), .init("eflags", .linear(registers.eflags)),
        .init("cpl", .number(UInt64(registers.privilegeLevel))), .init("halted", .bool(registers.isHalted)),
        .init("place", .string(place)), .init("cycle", .number(cycle)),
      ])
  }

  private static let names: [(EFLAGS, String)] = [
    (.carry, "CF"), (.parity, "PF"), (.adjust, "AF"), (.zero, "ZF"), (.sign, "SF"), (.trap, "TF"),
    (.interruptEnable, "IF"), (.direction, "DF"), (.overflow, "OF"), (.nestedTask, "NT"), (.resume, "RF"),
    (.virtual8086, "VM"), (.alignmentCheck, "AC"),
  ]

  private static func flags(_ value: UInt32) -> String {
    let set = names.filter { EFLAGS(rawValue: value).contains($0.0) }.map(\.1)
    return "[\(set.joined(separator: " "))]"
  }
}

/// `creg`.
public struct ControlRegisters: Report {
  let registers: RegisterFile

  /// The control registers with the names of their bits.
  public init(registers: RegisterFile) { self.registers = registers }

  private static let cr0: [(CR0, String)] = [
    (.protectionEnable, "PE"), (.monitorCoprocessor, "MP"), (.emulation, "EM"), (.taskSwitched, "TS"),
    (.extensionType, "ET"), (.numericError, "NE"), (.writeProtect, "WP"), (.alignmentMask, "AM"),
    (.notWriteThrough, "NW"), (.cacheDisable, "CD"), (.paging, "PG"),
  ]

  private static let cr4: [(CR4, String)] = [
    (.virtual8086Extensions, "VME"), (.protectedModeVirtualInterrupts, "PVI"), (.timeStampDisable, "TSD"),
    (.debuggingExtensions, "DE"), (.pageSizeExtensions, "PSE"), (.physicalAddressExtension, "PAE"),
    (.machineCheckEnable, "MCE"), (.pageGlobalEnable, "PGE"), (.performanceCounterEnable, "PCE"),
  ]

  private var rows: [(name: String, key: String, value: UInt64, digits: Int, bits: [String])] {
    let zero = Self.cr0.filter { CR0(rawValue: registers.cr0).contains($0.0) }.map(\.1)
    let four = Self.cr4.filter { CR4(rawValue: registers.cr4).contains($0.0) }.map(\.1)
    return [
      ("CR0", "cr0", UInt64(registers.cr0), 8, zero), ("CR2", "cr2", UInt64(registers.cr2), 8, []),
      ("CR3", "cr3", UInt64(registers.cr3), 8, []), ("CR4", "cr4", UInt64(registers.cr4), 8, four),
      ("EFER", "efer", registers.efer, 16, registers.efer & EFER.noExecuteEnable != 0 ? ["NXE"] : []),
    ]
  }

  public var lines: [String] {
    rows.map { row in
      let bits = row.bits.isEmpty ? "" : "  " + row.bits.joined(separator: " ")
      return row.name.padded(to: 5) + hexadecimal(row.value, digits: row.digits) + bits
    }
  }

  public var json: JSONValue {
    .object(
      rows.map { row in
        .init(
          row.key,
          .object([
            .init("value", .hex(row.value, digits: row.digits)),
            .init("bits", .array(row.bits.map { .string($0) })),
          ]))
      })
  }
}

/// `sreg`.
public enum SegmentRegisters {
  /// A row for each segment register, with its hidden part.
  public static func table(_ registers: RegisterFile) -> Table {
    var table = Table(
      [
        .init("register", ""), .init("selector"), .init("base"), .init("limit"), .init("access"),
        .init("size"),
      ], empty: "")
    for (name, segment) in zip(RegisterNames.segments, registers.segments) {
      table.rows.append([
        .text(name),
        .init(hexadecimal(UInt64(segment.selector), digits: 4), .hex(UInt64(segment.selector), digits: 4)),
        .linear(segment.base), .linear(segment.limit),
        .init(access(segment.access), .hex(UInt64(segment.access), digits: 2)),
        .text(segment.is32Bit ? "32" : "16"),
      ])
    }
    return table
  }

  /// The access byte in words. SDM vol. 3A, table 3-1.
  private static func access(_ byte: UInt8) -> String {
    guard byte & 0x80 != 0 else { return "none" }
    let level = byte >> 5 & 3
    if byte & 8 != 0 {
      return "code DPL \(level)\(byte & 2 != 0 ? " readable" : "")\(byte & 4 != 0 ? " conforming" : "")"
    }
    return "data DPL \(level)\(byte & 2 != 0 ? " writable" : "")\(byte & 4 != 0 ? " expand-down" : "")"
  }
}
