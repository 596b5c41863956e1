import Debugger
import Emulator
import GuestImages
import IA32
import KernelAudit
import Reports

/// What a page in a browser is told of a session: the answers of the JSON interface in `docs/web.md`.
///
/// One is made when the session begins, and listens from then on. Asking changes nothing in the session but where a question
/// says so. All is done on the thread that the machine is on.
public final class PageSource {
  /// The session that the page is about.
  public let session: DebuggerSession
  let recorder: RunRecorder
  let kernel: KernelAudit?
  var census = WalkCensus()
  /// Lines of source files that were read, by name.
  private var sources: [String: [String]] = [:]

  /// Begins to listen to what `session`'s machine does.
  public init(_ session: DebuggerSession) {
    self.session = session
    recorder = RunRecorder(session)
    kernel = session.image.flatMap { try? KernelAudit(machine: session.machine, image: $0) }
  }

  var machine: Machine { session.machine }

  /// What names of source files end with. An image can name any file of the host as its source, and a report is given away.
  private static let sourceSuffixes: Set = [
    "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "inc", "s", "S", "asm", "swift", "rs", "zig", "go", "d",
    "adb", "ads",
    "nim", "pas", "m", "mm", "f90",
  ]

  /// The lines of a source file; nil where it can't be read, or is none by its name.
  func source(_ file: String) -> [String]? {
    guard let dot = file.lastIndex(of: "."),
      Self.sourceSuffixes.contains(String(file[file.index(after: dot)...]))
    else {
      return nil
    }
    if let lines = sources[file] { return lines }
    guard let lines = session.readSource(file) else { return nil }
    sources[file] = lines
    return lines
  }

  /// The JSON answer of a command of the shell, leaving `$_`, `$va` and `$pa` alone; null if it can't be answered here.
  func answer(_ line: String) -> JSONValue {
    let variables = session.variables
    defer { session.variables = variables }
    return (try? session.answer(to: line + " --json").answer.json) ?? .null
  }

  /// Such as "edit_pte+0xaf"; the address where no symbol is.
  func symbol(_ linear: UInt32) -> String {
    session.places.symbol(at: linear, isPaged: session.isPaged) ?? "\(LinearAddress(linear))"
  }

  /// The function alone.
  func function(_ linear: UInt32) -> String {
    guard let elf = session.image?.elf, let found = elf.symbol(at: linear, isPaged: session.isPaged) else {
      return (0xf_0000..<0x10_0000).contains(linear) || linear >= 0xffff_0000
        ? "[boot ROM]" : "[\(LinearAddress(linear))]"
    }
    return found.symbol.displayName
  }
}

extension JSONValue {
  /// A count from 0 on.
  static func count(_ value: some BinaryInteger) -> JSONValue { .number(UInt64(clamping: value)) }

  /// A linear address as a number, where there are many of them.
  static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }
}
