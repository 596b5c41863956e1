import Emulator
import IA32
import Reports

/// Where in memory the entries lie that translate a linear address, the upper ones first, as the tables are now.
struct EntryPlaces {
  struct Entry: Hashable {
    /// Such as "PTE[0]".
    var name: String
    var level: PageWalk.Level
    /// Physical address.
    var address: UInt64
    /// 4, or 8 under PAE.
    var bytes: Int
  }

  /// Empty with paging off.
  var entries: [Entry] = []

  /// - Throws: `ShellError` with paging off.
  static func some(_ session: DebuggerSession, _ linear: UInt32) throws(ShellError) -> [Entry] {
    let entries = EntryPlaces(session.machine, linear).entries
    guard !entries.isEmpty else {
      throw ShellError("paging is off: no entry translates \(LinearAddress(linear))")
    }
    return entries
  }

  init(_ machine: Machine, _ linear: UInt32) {
    let control = machine.pagingControl
    guard control.mode != .off else { return }
    let bytes = control.mode == .pae ? 8 : 4
    let cr3 = machine.registers.cr3
    for step in machine.walkFromMemory(LinearAddress(linear), PageAccess(.read, user: false)).steps {
      entries.append(
        Entry(
          name: EntryName.text(step.level, linear, control), level: step.level,
          address: step.place(cr3: cr3, linear), bytes: bytes))
    }
  }
}
