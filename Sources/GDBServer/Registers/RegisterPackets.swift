import Debugger

/// `g`, `G`, `p` and `P`.
struct RegisterPackets {
  let session: DebuggerSession

  /// Every register.
  func readAll() -> Reply {
    let values = RegisterValues(session.machine)
    return .bytes(RegisterTable.all.flatMap { $0.text(values) })
  }

  /// `p NUMBER`.
  func read(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard let number = scanner.hexadecimal(UInt32.self), scanner.isAtEnd,
      let register = RegisterTable.register(Int(number))
    else { return .malformed }
    return .bytes(register.text(RegisterValues(session.machine)))
  }

  /// `P NUMBER=VALUE`.
  func write(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard let number = scanner.hexadecimal(UInt32.self), scanner.take("="),
      let register = RegisterTable.register(Int(number)),
      let value = HexText.decoded(scanner.remaining), value.count == register.bytes
    else { return .malformed }
    return write(value, to: register, RegisterValues(session.machine))
  }

  /// `G VALUES`: registers that keep their values may be among those that can't be changed.
  func writeAll(_ scanner: PacketScanner) -> Reply {
    var rest = scanner.remaining
    let digits = RegisterTable.all.reduce(0) { $0 + $1.bytes * 2 }
    guard rest.count == digits else { return .malformed }
    let old = RegisterValues(session.machine)
    var changes: [(RemoteRegister, [UInt8])] = []
    for register in RegisterTable.all {
      let text = rest.prefix(register.bytes * 2)
      rest = rest.dropFirst(text.count)
      if text.allSatisfy({ $0 == UInt8(ascii: "x") }) { continue }
      guard let value = HexText.decoded(text) else { return .malformed }
      // gdb sends zeros for what was unavailable.
      guard let present = register.read(old), present != Self.number(value) else { continue }
      guard register.writableName != nil else { return refusal(register) }
      changes.append((register, value))
    }
    for (register, value) in changes {
      let reply = write(value, to: register, old)
      guard reply == .ok else { return reply }
    }
    return .ok
  }

  private func write(_ value: [UInt8], to register: RemoteRegister, _ old: RegisterValues) -> Reply {
    let number = Self.number(value)
    guard let name = register.writableName else {
      return register.read(old) == number ? .ok : refusal(register)
    }
    do throws(ShellError) {
      try session.write(number, toRegister: name)
      return .ok
    } catch {
      return .refusal(error.message)
    }
  }

  private func refusal(_ register: RemoteRegister) -> Reply {
    .refusal(
      "\(register.name) can't be changed: general and segment registers, eip, eflags and those of x87 and SSE can"
    )
  }

  private static func number(_ bytes: [UInt8]) -> UInt128 {
    bytes.prefix(16).reversed().reduce(0) { $0 << 8 | UInt128($1) }
  }
}
