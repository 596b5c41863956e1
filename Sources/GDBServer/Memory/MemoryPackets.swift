import Debugger
import Emulator
import IA32
import Reports

/// `m`, `x`, `M` and `X`: memory as the processor sees it, or physical memory where gdb has asked for that.
struct MemoryPackets {
  let session: DebuggerSession
  let isPhysical: Bool

  /// `ADDRESS,LENGTH`: as hexadecimal digits.
  func readText(_ scanner: PacketScanner) -> Reply { read(scanner) { HexText.encoded($0) } }

  /// `ADDRESS,LENGTH`: as it is, behind a `b`.
  func readBinary(_ scanner: PacketScanner) -> Reply { read(scanner) { [UInt8(ascii: "b")] + $0 } }

  /// What is there, in the form of an answer; less where something can't be read.
  private func read(_ scanner: PacketScanner, as form: ([UInt8]) -> [UInt8]) -> Reply {
    var scanner = scanner
    guard let (address, count) = Self.range(&scanner), scanner.isAtEnd else { return .malformed }
    let bytes = bytes(at: address, count: count)
    return bytes.isEmpty && count > 0 ? .unreachable : .bytes(form(bytes))
  }

  /// `ADDRESS,LENGTH:DIGITS`.
  func writeText(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard let (address, count) = Self.range(&scanner), scanner.take(":"),
      let bytes = HexText.decoded(scanner.remaining), bytes.count == count
    else { return .malformed }
    return write(bytes, at: address)
  }

  /// `ADDRESS,LENGTH:BYTES`.
  func writeBinary(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard let (address, count) = Self.range(&scanner), scanner.take(":"), scanner.remaining.count == count
    else { return .malformed }
    return write(Array(scanner.remaining), at: address)
  }

  private func bytes(at address: UInt64, count: Int) -> [UInt8] {
    let view = MemoryView(session.machine, isPhysical ? .physical : .processor)
    var found: [UInt8] = []
    var next = address
    while found.count < count {
      let part = min(count - found.count, 4096 - Int(next & 0xfff))
      guard let bytes = try? view.read(next, count: part) else { break }
      found += bytes
      let (behind, overflow) = next.addingReportingOverflow(UInt64(part))
      if overflow || !isPhysical && behind > 0xffff_ffff { break }
      next = behind
    }
    return found
  }

  private func write(_ bytes: [UInt8], at address: UInt64) -> Reply {
    // gdb asks so whether the packet is known.
    guard !bytes.isEmpty else { return .ok }
    do throws(ShellError) {
      if isPhysical {
        try session.write(bytes, atPhysical: address)
      } else if let linear = UInt32(exactly: address), UInt64(linear) + UInt64(bytes.count) <= 1 << 32 {
        try session.write(bytes, at: linear)
      } else {
        return .unreachable
      }
      return .ok
    } catch {
      return .refusal(error.message)
    }
  }

  private static func range(_ scanner: inout PacketScanner) -> (address: UInt64, count: Int)? {
    guard let address = scanner.hexadecimal(UInt64.self), scanner.take(","),
      let count = scanner.hexadecimal(UInt32.self), count <= PacketReader.maxPayload
    else { return nil }
    return (address, Int(count))
  }
}
