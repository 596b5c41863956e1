import IA32

/// Descriptor tables, the task register, and checks of selectors.
extension CPU {
  func descriptor(_ op: UnsafeMutablePointer<Op>, _ operation: DescriptorOperation) throws(GuestFault) {
    switch operation {
    case .lgdt:
      try loadDescriptorTable(.gdt, from: op.pointee.segment, offset(op), operandSize: op.pointee.width)
    case .lidt:
      try loadDescriptorTable(.idt, from: op.pointee.segment, offset(op), operandSize: op.pointee.width)
    case .sgdt: try storeDescriptorTable(.gdt, to: op.pointee.segment, offset(op))
    case .sidt: try storeDescriptorTable(.idt, to: op.pointee.segment, offset(op))
    case .lldt: try loadLocalDescriptorTable(try selectorOperand(op))
    case .ltr: try loadTaskRegister(try selectorOperand(op))
    case .sldt: try setSystemWord(op, UInt32(try storeLocalDescriptorTable()))
    case .str: try setSystemWord(op, UInt32(try storeTaskRegister()))
    case .lar:
      if let rights = try loadAccessRights(try sourceValue(op, as: UInt16.self)) { setWide(op, rights) }
    case .lsl:
      if let limit = try loadSegmentLimit(try sourceValue(op, as: UInt16.self)) { setWide(op, limit) }
    case .verr: try verifyReadable(try selectorOperand(op))
    case .verw: try verifyWritable(try selectorOperand(op))
    case .arpl:
      let raised = try adjustRequestedPrivilegeLevel(
        of: try selectorOperand(op), to: register(op.pointee.source, as: UInt16.self))
      if let raised { try setDestination(op, raised) }
      state.pointee.flags.replace(zero: raised != nil)
    }
  }

  private func selectorOperand(_ op: UnsafeMutablePointer<Op>) throws(GuestFault) -> UInt16 {
    try destinationValue(op, as: UInt16.self)
  }
}
