import IA32

/// The general handlers' entry: by width, then by family. Everything that has no named handler comes through here.
extension CPU {
  /// An instruction that does not end its block.
  @inline(never)
  func general(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    try atExactTime(op) { () throws(GuestFault) in try dispatch(op) }
  }

  /// An instruction that ends its block: EIP goes on to the next one unless it says otherwise.
  @inline(never)
  func generalEnd(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    state.pointee.eip = op.pointee.nextEIP
    control.pointee.current = op
    defer { control.pointee.current = nil }
    do throws(GuestFault) {
      try atExactTime(op) { () throws(GuestFault) in try dispatch(op) }
    } catch {
      state.pointee.eip = op.pointee.eip
      throw error
    }
    modeChanged()
  }

  /// Bytes that are not an instruction of this processor.
  @inline(never)
  func undefined(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    try atExactTime(op) { () throws(GuestFault) in
      let needs = OpcodeTable.rows[Int(op.pointee.row)].record.needs
      if !model.features.isSuperset(of: needs) { throw missing(op) }
      throw GuestFault(op.pointee.faultVector)
    }
  }

  /// Records that a guest wanted something that this processor lacks, once for each name.
  private func reportMissing(_ name: String) {
    guard !missingOperations.contains(name) else { return }
    missingOperations.append(name)
    onMissingOperation?(name)
  }

  /// The fault of an instruction that other processors of the family have. Without a floating-point unit, too, EM and TS trap
  /// its opcodes. SDM vol. 3A, 2.5.
  func missing(_ op: UnsafeMutablePointer<Op>) -> GuestFault {
    let row = OpcodeTable.rows[Int(op.pointee.row)]
    if case .x87 = row.operation {
      if !state.pointee.cr0.isDisjoint(with: [.emulation, .taskSwitched]) {
        return GuestFault(.deviceNotAvailable)
      }
      reportMissing("x87")
    } else {
      missingFeatures = row.record.needs.subtracting(model.features)
      reportMissing("\(row.mnemonic)")
    }
    return .invalidOpcode
  }

  /// What `op` does.
  @inline(__always)
  func operation(of op: UnsafeMutablePointer<Op>) -> Operation { operations[Int(op.pointee.row)] }

  private func dispatch(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) {
    switch op.pointee.width {
    case 1: try dispatch(op, as: UInt8.self)
    case 2: try dispatch(op, as: UInt16.self)
    default: try dispatch(op, as: UInt32.self)
    }
  }

  private func dispatch<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) {
    switch operation(of: op) {
    case .arithmetic(let operation): try arithmetic(op, operation, as: type)
    case .decimal(let operation): try decimal(op, operation)
    case .shift(let operation): try shift(op, operation, as: type)
    case .bit(let operation): try bit(op, operation, as: type)
    case .flag(let operation): flag(operation)
    case .data(let operation): try data(op, operation, as: type)
    case .stack(let operation): try stack(op, operation, as: type)
    case .segment(let operation): try segment(op, operation, as: type)
    case .string(let operation): try iterate(op, operation, as: type)
    case .control(let operation): try control(op, operation, as: type)
    case .port(let operation): try port(op, operation, as: type)
    case .descriptor(let operation): try descriptor(op, operation)
    case .system(let operation): try system(op, operation)
    case .x87(let operation): try x87(op, operation)
    case .simdMove(let operation): try simdMove(op, operation)
    case .packedInteger(let operation, .mmx): try packedIntegerMMX(op, operation)
    case .packedInteger(let operation, .xmm): try packedIntegerXMM(op, operation)
    case .sse(let operation, let form): try sse(op, operation, form)
    case .simdConversion(let operation): try simdConversion(op, operation)
    case .simdControl(let operation): try simdControl(op, operation)
    }
  }
}
