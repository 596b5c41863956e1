import IA32

/// A register as gdb knows it.
struct RemoteRegister: Sendable {
  /// Its name in gdb.
  let name: String
  /// Its number in packets.
  let number: Int
  let bits: Int
  /// How gdb shows it, by the name of a type of gdb's own or of the target description.
  let type: String
  /// Which of gdb's groups it is in; nil for the one that its type implies.
  let group: String?
  /// nil for one that this machine does not have.
  let read: @Sendable (RegisterValues) -> UInt128?
  /// What the debugger calls it, if it can be changed.
  let writableName: String?

  init(
    _ name: String, _ number: Int, bits: Int = 32, type: String = "int32", group: String? = nil,
    writableName: String? = nil, _ read: @escaping @Sendable (RegisterValues) -> UInt64?
  ) {
    self.name = name
    self.number = number
    self.bits = bits
    self.type = type
    self.group = group
    self.writableName = writableName
    self.read = { values in read(values).map { UInt128($0) } }
  }

  /// One of up to 128 bits, which can be changed.
  init(
    wide name: String, _ number: Int, bits: Int, type: String,
    _ read: @escaping @Sendable (RegisterValues) -> UInt128?
  ) {
    self.name = name
    self.number = number
    self.bits = bits
    self.type = type
    self.read = read
    group = nil
    writableName = name
  }

  var bytes: Int { bits / 8 }

  /// The value in the target's order as pairs of digits; `x` where the machine has no such register.
  func text(_ values: RegisterValues) -> [UInt8] {
    guard let value = read(values) else { return [UInt8](repeating: UInt8(ascii: "x"), count: bytes * 2) }
    return HexText.littleEndian(value, bytes: bytes)
  }
}
