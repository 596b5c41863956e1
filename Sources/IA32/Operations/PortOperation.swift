/// IN and OUT. SDM vol. 2; vol. 1, 18.5.
@frozen
public enum PortOperation: UInt8, CaseIterable, Hashable, Sendable {
  case `in`, out
}

extension PortOperation {
  public var record: OperationRecord {
    switch self {
    case .in: Self.record(.write)
    case .out: Self.record(.read)
    }
  }

  /// IOPL, or the I/O permission map in the task state, says who may use a port. What a device does may be seen at once.
  private static func record(_ operands: OperandUse) -> OperationRecord {
    OperationRecord(
      operands, memory: .tables, flags: .reads(.ioPrivilegeLevel), raises: .generalProtection,
      then: .synchronizes, needs: [], cost: .port)
  }
}
