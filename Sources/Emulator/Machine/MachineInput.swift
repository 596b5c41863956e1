import IA32

/// Something that reaches the machine from outside, and that the guest can notice: all such things are one of these, and come
/// by `Machine.apply` or, with a history, `MachineHistory.apply`. With the image and the machine's description, the inputs and
/// their cycles determine a run.
public enum MachineInput: Hashable, Sendable {
  /// Bytes that a terminal sends to the serial port. They arrive one after the other at the line's speed.
  case serial([UInt8])
  /// Characters that a person types at the keyboard; nothing happens where there is none.
  case keyboard([UInt8])
  /// A register is changed, between two instructions.
  case register(WritableRegister, UInt32)
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

/// A register that can be changed from outside.
public enum WritableRegister: Hashable, Sendable {
  case general(GeneralRegister)
  /// The next instruction's offset in CS. A processor in HLT goes on there.
  case eip
  /// The flags that POPF at CPL 0 can change, with RF; the others stay. SDM vol. 1, 3.4.3.
  case eflags
}

/// Why an input can't be applied.
public enum MachineInputError: Error, Hashable, Sendable {
  /// Some of the `count` bytes from the physical address on are not RAM.
  case notRAM(address: UInt64, count: Int)
}

extension MachineInputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notRAM(let address, let count):
      "\(count) bytes at physical \(PhysicalAddress(address)) are not all RAM; only RAM can be written to"
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
    case .register(let register, let value): cpu.write(register, value)
    case .memory(let address, let bytes): _ = bus.store(bytes, at: address.rawValue, writer: .outside)
    }
    cpu.requestAttention()
  }

  /// Whether an input can be applied.
  /// - Throws: `MachineInputError` if it can't.
  func check(_ input: MachineInput) throws(MachineInputError) {
    guard case .memory(let address, let bytes) = input else { return }
    guard memory.isRAM(address, count: UInt64(bytes.count)) else {
      throw .notRAM(address: address.rawValue, count: bytes.count)
    }
  }
}

extension CPU {
  /// EFLAGS without those that can't be changed from outside: CF, PF, AF, ZF, SF, TF, IF, DF, OF, IOPL, NT, RF, AC, VIF, VIP, ID.
  private static let writableFlags: UInt32 = 0x003d_7fd5

  /// Changes a register from outside.
  fileprivate func write(_ register: WritableRegister, _ value: UInt32) {
    switch register {
    case .general(let general): self[general] = value
    case .eip:
      state.pointee.eip = value
      state.pointee.isHalted = false
      // A repeated string instruction that the processor held is not the next any more.
      heldString.letGo()
    case .eflags:
      let kept = state.pointee.eflags & ~Self.writableFlags
      state.pointee.eflags = kept | value & Self.writableFlags
      modeChanged()
    }
  }
}
