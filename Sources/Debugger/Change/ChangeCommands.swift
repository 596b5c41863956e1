import Emulator
import IA32
import Reports

/// Changing registers and memory. Each change is an input of the guest, as what `type` sends is: it is part of the history and
/// makes another future.
enum ChangeCommands {
  static let all: [Command] = [
    Command(
      ["set"], .run,
      "change a register, or memory through the processor's view (/b, /h, /w, /g; -p: physical): another future",
      usage: "set[/UNIT] $REGISTER = EXPRESSION | [-p] *ADDR = EXPRESSION", example: "set $eax = 5",
      completion: .expression, takesFormat: true, action: set)
  ]

  private static func set(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    var arguments = arguments
    let isPhysical = arguments.takeFlag("-p")
    let text = arguments.text
    guard let (target, value) = assignment(text) else {
      throw ShellError("'\(text)' is not an assignment: expected \(arguments.usage)")
    }
    let number = try session.evaluate(value)
    if target.hasPrefix("*") {
      let format = try arguments.format.map { text throws(ShellError) in try ExamineFormat(text) }
      let unit = format?.unit ?? 4
      guard fits(number, bytes: unit) else {
        throw ShellError(
          "0x\(String(number, radix: 16)) does not fit in \(unit) byte\(unit == 1 ? "" : "s"): set/g has 8")
      }
      let bytes = (0..<unit).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
      let place = String(target.dropFirst())
      if isPhysical {
        try session.write(bytes, atPhysical: try session.evaluate(place))
      } else {
        try session.write(bytes, at: try session.evaluateLinear(place))
      }
      return .nothing
    }
    guard arguments.format == nil, !isPhysical else {
      throw ShellError("a format and -p are for memory: expected \(arguments.usage)")
    }
    let name = target.hasPrefix("$") ? String(target.dropFirst()) : target
    guard fits(number, bytes: 4) else {
      throw ShellError("0x\(String(number, radix: 16)) does not fit in a register of 32 bits")
    }
    try session.write(UInt128(UInt32(truncatingIfNeeded: number)), toRegister: name.lowercased())
    return .nothing
  }

  /// A number, or a negative one that was given as such.
  private static func fits(_ number: UInt64, bytes: Int) -> Bool {
    guard bytes < 8 else { return true }
    let bits = UInt64(bytes) * 8
    return number >> bits == 0 || number >> (bits - 1) == UInt64.max >> (bits - 1)
  }

  /// What stands before and behind the first `=` that is not a comparison.
  private static func assignment(_ text: String) -> (target: String, value: String)? {
    let characters = Array(text)
    for (index, character) in characters.enumerated() where character == "=" {
      let before = index > 0 ? characters[index - 1] : " "
      let after = index + 1 < characters.count ? characters[index + 1] : " "
      guard after != "=", !"=!<>".contains(before) else { continue }
      func trimmed(_ part: ArraySlice<Character>) -> String {
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
      let parts = (trimmed(characters[..<index]), trimmed(characters[(index + 1)...]))
      return parts.0.isEmpty || parts.1.isEmpty ? nil : parts
    }
    return nil
  }
}

extension DebuggerSession {
  /// Changes bytes of memory through the translations that the processor would use for a load. The TLB and A and D stay as they
  /// are. What was known of a future is forgotten.
  /// - Throws: `ShellError` where something is not mapped or is not RAM; then nothing has changed.
  public func write(_ bytes: [UInt8], at linear: UInt32) throws(ShellError) {
    let view = MemoryView(machine, .processor)
    var parts: [(physical: UInt64, bytes: ArraySlice<UInt8>)] = []
    var rest = bytes[...]
    var next = linear
    while !rest.isEmpty {
      let count = min(rest.count, 4096 - Int(next & 0xfff))
      let physical = try view.place(of: UInt64(next)).physical
      guard machine.memory.isRAM(PhysicalAddress(physical), count: UInt64(count)) else {
        throw ShellError(
          "\(LinearAddress(next)) is at physical \(PhysicalAddress(physical)), which is not RAM")
      }
      parts.append((physical, rest.prefix(count)))
      rest = rest.dropFirst(count)
      next = next &+ UInt32(count)
    }
    for part in parts { try change(.memory(PhysicalAddress(part.physical), Array(part.bytes))) }
  }

  /// Changes bytes of RAM. What was known of a future is forgotten.
  /// - Throws: `ShellError` where something is not RAM; then nothing has changed.
  public func write(_ bytes: [UInt8], atPhysical physical: UInt64) throws(ShellError) {
    try change(.memory(PhysicalAddress(physical), bytes))
  }

  /// Changes a register of the innermost frame: general, EIP, EFLAGS, segment, of the floating-point unit or of SSE. What was
  /// known of a future is forgotten.
  /// - Parameter name: in small letters, without `$`, as gdb names it.
  /// - Throws: `ShellError` for another register, and for a selector that its register can't hold.
  public func write(_ value: UInt128, toRegister name: String) throws(ShellError) {
    guard let register = Self.writableRegisters[name] else {
      throw ShellError(
        "'$\(name)' can't be changed: general registers, $eip, $eflags, segment registers, those of the floating-point unit, $xmm0 to $xmm7 and $mxcsr can"
      )
    }
    if case .general = register, selectedFrame != 0 {
      throw ShellError("registers are changed in the innermost frame: 'frame 0' chooses it")
    }
    switch register {
    case .xmm, .mxcsr:
      guard machine.model.features.contains(.sse) else {
        throw ShellError("'$\(name)' is not there: this processor has no SSE")
      }
    default: break
    }
    try change(.register(register, value))
  }

  private static let writableRegisters: [String: WritableRegister] = {
    var registers: [String: WritableRegister] = ["eip": .eip, "eflags": .eflags, "mxcsr": .mxcsr]
    for (index, name) in RegisterNames.general.enumerated() {
      registers[name] = GeneralRegister(rawValue: UInt8(index)).map { .general($0) }
    }
    for segment in SegmentRegister.allCases { registers["\(segment)"] = .segment(segment) }
    for index in 0..<8 as Range<UInt8> {
      registers["st\(index)"] = .x87(index)
      registers["xmm\(index)"] = .xmm(index)
    }
    for word in WritableRegister.X87Word.allCases { registers["\(word)"] = .x87Word(word) }
    return registers
  }()

  private func change(_ input: MachineInput) throws(ShellError) {
    do throws(MachineInputError) {
      try history.apply(input)
      listing = nil
    } catch {
      throw ShellError(error.description)
    }
  }
}
