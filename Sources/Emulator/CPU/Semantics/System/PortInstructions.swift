import IA32

/// IN and OUT.
extension CPU {
  func port<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: PortOperation, as type: W.Type
  ) throws(GuestFault) {
    let bytes = UInt32(W.bitWidth / 8)
    let width = AccessWidth(rawValue: UInt8(bytes)) ?? .doubleword
    switch operation {
    case .in:
      let number = portNumber(op, immediateForm: .registerImmediate)
      try checkIOPermission(port: number, bytes: bytes)
      notePortAccess(number, bytes: bytes)
      setRegister(0, W(truncatingIfNeeded: bus.readPort(number, width: width)))
      attributePortCost()
    case .out:
      let number = portNumber(op, immediateForm: .none)
      try checkIOPermission(port: number, bytes: bytes)
      notePortAccess(number, bytes: bytes)
      bus.writePort(number, width: width, value: UInt32(truncatingIfNeeded: register(0, as: type)))
      attributePortCost()
    }
  }

  /// What a port access costs is charged with its block, and belongs to I/O.
  func attributePortCost() {
    if caches.isOn { caches.breakdown.pointee.io &+= caches.latencies.port }
  }

  private func portNumber(_ op: UnsafeMutablePointer<Op>, immediateForm: OperandForm) -> UInt16 {
    op.pointee.form == immediateForm
      ? UInt16(op.pointee.immediate & 0xff) : UInt16(truncatingIfNeeded: self[.edx])
  }
}
