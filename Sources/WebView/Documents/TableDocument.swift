import Emulator
import IA32
import Reports

extension PageSource {
  /// Page directories and page tables on the way to what is mapped, at most `limit`; with their entries that are not 0.
  func tables(limit: Int = 2000) -> JSONValue {
    var found: [JSONValue] = []
    var seen: Set<UInt64> = []
    // Without a page there is nothing to walk to: tables are found all the same.
    TableScan(machine).forEachPage(
      in: 0...UInt32.max,
      enters: { table in
        guard found.count < limit else { return false }
        // A table may serve several places; its entries are the same.
        let isNew = seen.insert(table.address << 1 | (table.level == .pde ? 1 : 0)).inserted
        found.append(
          .object(
            [
              .init("address", .physical(table.address)), .init("linear", .linear(table.linear)),
              .init("level", .string(table.level.name)),
            ] + (isNew ? [.init("entries", entries(table.address))] : [])))
        return true
      }, { _, _, _ in true })
    return .array(found)
  }

  /// One table's entries that are not 0: index and value.
  func entries(_ address: UInt64) -> JSONValue {
    let size = machine.pagingControl.mode == .pae ? 8 : 4
    guard let bytes = machine.peek(PhysicalAddress(address), count: 4096) else { return .null }
    var rows: [JSONValue] = []
    for index in 0..<4096 / size {
      let value = MemoryView.value(bytes[index * size..<(index + 1) * size])
      if value != 0 { rows.append(.array([.count(index), .hex(value, digits: size * 2)])) }
    }
    return .array(rows)
  }

  /// "pae", "bits32" or "off".
  var pagingMode: String {
    switch machine.pagingControl.mode {
    case .off: "off"
    case .bits32: "bits32"
    case .pae: "pae"
    }
  }

  /// How `linear` is translated: what the TLB holds, the walk by the registers and the walk through memory.
  public func walk(_ linear: UInt32) -> JSONValue {
    WalkReport(machine, linear, PageAccess(.read, user: false)).json
  }
}
