import IA32

/// Something that reaches the machine from outside, and that the guest can notice: all such things are one of these, and come
/// by `Machine.apply` or, with a history, `MachineHistory.apply`. With the image and the machine's description, the inputs and
/// their cycles determine a run.
public enum MachineInput: Hashable, Sendable {
  /// Bytes that a terminal sends to the serial port. They arrive one after the other at the line's speed.
  case serial([UInt8])
  /// Characters that a person types at the keyboard; nothing happens where there is none.
  case keyboard([UInt8])
  /// A register is changed, between two instructions. Of the number it takes as many bits as it has.
  case register(WritableRegister, UInt128)
  /// Bytes of RAM from a physical address on are changed. The caches, which hold no data, notice nothing.
  case memory(PhysicalAddress, [UInt8])
}

extension MachineInput {
  /// Whether a guest that has ended may go on for it.
  var canRevive: Bool {
    switch self {
    case .serial, .keyboard: false
    case .register, .memory: true
    }
  }
}

/// Why an input can't be applied.
public enum MachineInputError: Error, Hashable, Sendable {
  /// Some of the `count` bytes from the physical address on are not RAM.
  case notRAM(address: UInt64, count: Int)
  /// The selector's descriptor is none that the segment register can hold as the processor stands.
  case unusableSelector(SegmentRegister, UInt16)
}

extension MachineInputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notRAM(let address, let count):
      "\(count) bytes at physical \(PhysicalAddress(address)) are not all RAM; only RAM can be written to"
    case .unusableSelector(let register, let selector):
      "\(register) can't hold 0x\(String(selector, radix: 16)): it needs the selector of a present descriptor of the right kind and privilege level"
    }
  }
}

extension Machine {
  /// Lets an input take effect now. Between runs only.
  /// - Throws: `MachineInputError`; then nothing has changed.
  public func apply(_ input: MachineInput) throws(MachineInputError) {
    try check(input)
    switch input {
    case .serial(let bytes): devices.serial.receive(bytes)
    case .keyboard(let characters): devices.keyboardController.type(characters)
    case .register(let register, let value): write(register, value)
    case .memory(let address, let bytes): _ = bus.store(bytes, at: address.rawValue, writer: .outside)
    }
    cpu.requestAttention()
  }

  /// Whether an input can be applied.
  /// - Throws: `MachineInputError` if it can't.
  func check(_ input: MachineInput) throws(MachineInputError) {
    switch input {
    case .memory(let address, let bytes):
      guard memory.isRAM(address, count: UInt64(bytes.count)) else {
        throw .notRAM(address: address.rawValue, count: bytes.count)
      }
    case .register(.segment(let register), let value):
      let selector = UInt16(truncatingIfNeeded: value)
      guard segment(register, selector) != nil else { throw .unusableSelector(register, selector) }
    case .serial, .keyboard, .register: break
    }
  }
}
