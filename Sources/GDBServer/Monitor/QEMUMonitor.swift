import Debugger
import Emulator
import IA32
import Reports

/// Monitor commands in QEMU's spelling with QEMU's output, because scripts around gdb parse it. All else is the shell's.
struct QEMUMonitor {
  let session: DebuggerSession

  /// The lines that QEMU would print; nil for a command that is not one of these.
  func answer(_ line: String) -> [String]? {
    let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
    switch words.first {
    case "info" where words.count == 2:
      switch words[1] {
      case "mem": return QEMUMappings(session.machine).memory
      case "tlb": return QEMUMappings(session.machine).entries
      case "registers": return QEMURegisters(session.machine).lines
      default: return nil
      }
    case "gva2gpa": return translation(words.dropFirst().joined(separator: " "))
    case "gpa2hva":
      return [
        "gpa2hva: the guest's memory has no host address that another program could use: see 'xp' and 'gva2gpa'"
      ]
    case let word? where word == "xp" || word.hasPrefix("xp/"):
      return dump(line)
    default: return nil
    }
  }

  private func translation(_ text: String) -> [String] {
    guard let value = number(text) else { return ["gva2gpa: '\(text)' is not an address"] }
    guard let place = try? MemoryView(session.machine, .processor).place(of: value) else {
      return ["Unmapped"]
    }
    return ["gpa: 0x\(String(place.physical, radix: 16))"]
  }

  private func dump(_ line: String) -> [String] {
    var rest = line.drop { $0 != "/" && $0 != " " }.drop { $0 == " " }
    var format = QEMUFormat()
    if rest.first == "/" {
      let text = rest.dropFirst().prefix { $0 != " " }
      guard let parsed = QEMUFormat(String(text)) else { return ["invalid char in format: '\(text)'"] }
      format = parsed
      rest = rest.dropFirst(text.count + 1)
    }
    guard let address = number(String(rest)) else { return ["xp: '\(rest)' is not an address"] }
    return QEMUDump(session.machine, format).lines(at: address)
  }

  /// What the debugger's expressions make of a text.
  private func number(_ text: String) -> UInt64? { try? session.evaluate(text) }
}
