import Emulator
import IA32
import Reports

/// The page tables in the formats of QEMU's `info mem` and `info tlb`.
struct QEMUMappings {
  private let machine: Machine
  private static let isOff = ["PG disabled"]
  /// Pages that are listed at most.
  private static let maxPages = 1 << 18

  init(_ machine: Machine) { self.machine = machine }

  /// `START-END SIZE urw`: neighbouring pages with the same rights; END is the first address behind them.
  var memory: [String] {
    guard machine.isPaging else { return Self.isOff }
    var lines: [String] = []
    var current: (start: UInt64, end: UInt64, rights: String)?
    func finish() {
      guard let range = current else { return }
      let numbers = [range.start, range.end, range.end - range.start].map { hexadecimal($0, digits: 16) }
      lines.append("\(numbers[0])-\(numbers[1]) \(numbers[2]) \(range.rights)")
    }
    TableScan(machine).forEachPage(in: 0...UInt32.max) { linear, bytes, found in
      guard case .page(let page) = found else { return true }
      let rights = "\(page.isUser ? "u" : "-")r\(page.isWritable ? "w" : "-")"
      if let range = current, range.end == UInt64(linear), range.rights == rights {
        current?.end += bytes
      } else {
        finish()
        current = (UInt64(linear), UInt64(linear) + bytes, rights)
      }
      return true
    }
    finish()
    return lines
  }

  /// `LINEAR: PHYSICAL XGPDACTUW`: the leaf entry of each page, as memory has it.
  var entries: [String] {
    guard machine.isPaging else { return Self.isOff }
    var lines: [String] = []
    TableScan(machine).forEachPage(in: 0...UInt32.max) { linear, _, found in
      guard case .page(let page) = found else { return true }
      guard lines.count < Self.maxPages else { return false }
      let steps = machine.walk(LinearAddress(linear), PageAccess(.read, user: false)).steps
      guard let entry = steps.last?.value else { return true }
      let flags = Self.flags.map { entry >> $0.bit & 1 != 0 ? $0.letter : "-" }.joined()
      lines.append(
        "\(hexadecimal(UInt64(linear), digits: 16)): \(hexadecimal(page.frame, digits: 16)) \(flags)")
      return true
    }
    return lines
  }

  private static let flags: [(letter: String, bit: UInt64)] = [
    ("X", 63), ("G", 8), ("P", 7), ("D", 6), ("A", 5), ("C", 4), ("T", 3), ("U", 2), ("W", 1),
  ]
}
