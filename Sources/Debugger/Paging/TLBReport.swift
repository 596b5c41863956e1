import Emulator
import IA32
import Reports

/// `info tlb`: what the processor holds.
enum TLBReport {
  /// The arrays that `name` begins: "dtlb", "itlb 4k"; all of them without a name.
  /// - Throws: `ShellError` for a name of none.
  static func arrays(_ name: String) throws(ShellError) -> [TLBArrayName] {
    let name = name.lowercased()
    let found = TLBArrayName.allCases.filter { $0.rawValue.lowercased().hasPrefix(name) }
    guard !found.isEmpty else {
      let names = TLBArrayName.allCases.map { "'\($0.rawValue.lowercased())'" }.joined(separator: ", ")
      throw ShellError("there is no TLB array '\(name)': expected itlb, dtlb, or one of \(names)")
    }
    return found
  }

  static func table(_ machine: Machine, _ arrays: [TLBArrayName]) -> Table {
    let control = machine.pagingControl
    var table = Table(
      [
        .init("array"), .init("set", right: true), .init("way", right: true), .init("rank", right: true),
        .init("linear"), .init("physical"), .init("size"), .init("rights"),
        .init("filledAt", "filled at", right: true),
      ], empty: control.mode == .off ? "paging is off: the TLB is empty" : "the TLB is empty")
    for array in arrays {
      for line in machine.tlb(array) {
        let held = HeldTranslation(array, line, control)
        table.rows.append([
          .text(array.rawValue), .number(line.set), .number(line.way), .number(line.rank),
          .linear(held.linear),
          .physical(held.translation.frame),
          .text(EntryText.size(isLarge: held.translation.isLarge, control)),
          .text(EntryText.rights(held.translation)), .number(line.entry.filledAt),
        ])
      }
    }
    return table
  }

  /// The paging-structure cache, where the machine has one.
  static func directoryCache(_ machine: Machine) -> Table {
    var table = Table(
      [
        .init("set", right: true), .init("way", right: true), .init("linear"), .init("pde", "PDE"),
        .init("readAt", "read at"),
      ],
      empty: "no PDE is cached")
    for line in machine.directoryCache {
      table.rows.append([
        .number(line.set), .number(line.way), .linear(line.region << machine.pagingControl.largePageShift),
        .entry(line.entry.value), .physical(line.entry.address),
      ])
    }
    return table
  }
}
