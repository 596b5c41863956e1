import IA32

/// Operands of the general handlers: any width, any segment, any form.
extension CPU {
  // MARK: Registers

  /// The register of `W`'s width with this number; byte registers as the manual numbers them.
  @inline(__always)
  func register<W: OperandWord>(_ number: UInt8, as _: W.Type) -> W {
    if W.bitWidth == 8 {
      return W(truncatingIfNeeded: registers[Int(number & 3)] >> (number & 4 != 0 ? 8 : 0))
    }
    return W(truncatingIfNeeded: registers[Int(number)])
  }

  /// Writes a register of `W`'s width; the rest of the 32 bits stays.
  @inline(__always)
  func setRegister<W: OperandWord>(_ number: UInt8, _ value: W) {
    switch W.bitWidth {
    case 8:
      let shift: UInt32 = number & 4 != 0 ? 8 : 0
      let place = registers + Int(number & 3)
      place.pointee = place.pointee & ~(0xff << shift) | UInt32(truncatingIfNeeded: value) << shift
    case 16:
      let place = registers + Int(number)
      place.pointee = place.pointee & 0xffff_0000 | UInt32(truncatingIfNeeded: value)
    default:
      registers[Int(number)] = UInt32(truncatingIfNeeded: value)
    }
  }

  // MARK: Addresses

  /// The offset of the memory operand in its segment.
  func offset(_ op: UnsafeMutablePointer<Op>) -> UInt32 {
    let sum =
      registers[Int(op.pointee.base)]
      &+ (registers[Int(op.pointee.index)] &<< UInt32(op.pointee.scale)) &+ op.pointee.displacement
    return op.pointee.addressWidth == 2 ? sum & 0xffff : sum
  }

  // MARK: Operands by form

  func loadMemory<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, as type: W.Type) throws(GuestFault) -> W {
    try load(op.pointee.segment, offset(op), as: type)
  }

  func destinationValue<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> W {
    op.pointee.isDestinationInMemory
      ? try loadMemory(op, as: type) : register(op.pointee.destination, as: type)
  }

  func sourceValue<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type
  ) throws(GuestFault) -> W {
    switch op.pointee.form {
    case .registerRegister, .memoryRegister, .none: register(op.pointee.source, as: type)
    case .registerMemory: try loadMemory(op, as: type)
    case .registerImmediate, .memoryImmediate: W(truncatingIfNeeded: op.pointee.immediate)
    }
  }

  func setDestination<W: OperandWord>(_ op: UnsafeMutablePointer<Op>, _ value: W) throws(GuestFault) {
    if op.pointee.isDestinationInMemory {
      try store(op.pointee.segment, offset(op), value)
    } else {
      setRegister(op.pointee.destination, value)
    }
  }

  /// A read-modify-write of the destination; `body` runs once nothing can fault any more.
  func modifyDestination<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, as type: W.Type, _ body: (W) -> W
  ) throws(GuestFault) {
    if op.pointee.isDestinationInMemory {
      try modify(op.pointee.segment, offset(op), as: type, body)
    } else {
      setRegister(op.pointee.destination, body(register(op.pointee.destination, as: type)))
    }
  }

  /// A read-modify-write in memory: the write is checked before the read.
  func modify<W: OperandWord>(
    _ segment: SegmentRegister, _ offset: UInt32, as type: W.Type, _ body: (W) -> W
  ) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let linear = try linearAddress(segment, offset, bytes: bytes, .write)
    if let host = mmu.quick(linear, bytes: bytes, .store) {
      return host.storeBytes(of: body(host.loadUnaligned(as: type)), as: type)
    }
    let target = try mmu.writeTarget(linear, bytes: bytes, user: mmu.isUserMode)
    mmu.commit(target, body(mmu.current(target, as: type)))
  }

  /// The full segment registers, near branches: EIP must stay inside CS. SDM vol. 2, JMP.
  func setEIP(_ target: UInt32, width: UInt8) throws(GuestFault) {
    let eip = width == 2 ? target & 0xffff : target
    guard isInside(state.pointee.cs, eip, bytes: 1) else { throw .generalProtection() }
    state.pointee.eip = eip
  }
}
