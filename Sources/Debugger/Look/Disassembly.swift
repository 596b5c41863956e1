import Emulator
import IA32
import Reports

/// Instructions as the processor would fetch them.
struct Disassembly: Report {
  struct Row {
    var linear: UInt32
    var symbol: String?
    var bytes: [UInt8]
    var text: String
    var isNext: Bool
  }

  var rows: [Row] = []
  var problem: String?
  /// The address behind the last instruction.
  private(set) var end: UInt32

  /// `count` instructions from `start` on.
  /// - Parameter view: `.code` for what the processor fetches, `.tables` for what memory says.
  /// - Throws: `ShellError` when nothing can be read there.
  init(_ session: DebuggerSession, at start: UInt32, count: Int, _ view: MemoryView.Kind = .code)
    throws(ShellError)
  {
    let code = session.machine.registers[SegmentRegister.cs]
    let memory = MemoryView(session.machine, view)
    let next = session.nextInstruction
    end = start
    while rows.count < count {
      let bytes: [UInt8]
      do throws(ShellError) {
        bytes = try Self.read(memory, end)
      } catch {
        if rows.isEmpty { throw error }
        problem = error.message
        return
      }
      let offset = end &- code.base
      let result = bytes.withUnsafeBytes { Decoder.decode($0, mode: code.is32Bit ? .bits32 : .bits16) }
      var text = "(bad)"
      var length = 1
      switch result {
      case .instruction(let instruction):
        length = max(1, Int(instruction.length))
        text = Disassembler.text(instruction, at: offset) {
          session.shortSymbol($0 &+ code.base)
        }
      case .undefined(let used): length = min(max(1, Int(used)), bytes.count)
      case .incomplete, .tooLong: break
      }
      let symbol = session.shortSymbol(end)
      rows.append(
        Row(linear: end, symbol: symbol, bytes: Array(bytes.prefix(length)), text: text, isNext: end == next))
      end = end &+ UInt32(length)
    }
  }

  /// Up to 15 bytes: fewer where the next page is not there.
  private static func read(_ memory: MemoryView, _ linear: UInt32) throws(ShellError) -> [UInt8] {
    let first = min(Decoder.maximumLength, 4096 - Int(linear & 0xfff))
    var bytes = try memory.read(UInt64(linear), count: first)
    if first < Decoder.maximumLength {
      let rest = try? memory.read(UInt64(linear &+ UInt32(first)), count: Decoder.maximumLength - first)
      bytes += rest ?? []
    }
    return bytes
  }

  var lines: [String] {
    let width = min(40, rows.map { ($0.symbol ?? "").count }.max() ?? 0)
    return rows.map { row in
      let symbol =
        width == 0
        ? "" : (row.symbol.map { $0.count > 40 ? "..." + $0.suffix(37) : $0 } ?? "").padded(to: width) + "  "
      return "\(row.isNext ? "=>" : "  ") \(hexadecimal(UInt64(row.linear), digits: 8))  \(symbol)\(row.text)"
    } + (problem.map { ["! \($0)"] } ?? [])
  }

  var json: JSONValue {
    .array(
      rows.map { row in
        .object([
          .init("linear", .linear(row.linear)), .init("symbol", .optional(row.symbol)),
          .init("bytes", .string(row.bytes.map { hexadecimal(UInt64($0), digits: 2) }.joined())),
          .init("text", .string(row.text)), .init("next", .bool(row.isNext)),
        ])
      })
  }
}
