// The two 8259A interrupt controllers of the PC. Intel 8259A datasheet, initialisation and operation command words.

/// The vector of interrupt line 0: behind the processor's own 32.
public let interruptVectorBase: UInt32 = 32

private enum InterruptController {
  static let masterCommand: UInt16 = 0x20
  static let masterData: UInt16 = 0x21
  static let slaveCommand: UInt16 = 0xA0
  static let slaveData: UInt16 = 0xA1
  static let endOfInterrupt: UInt8 = 0x20
  static let readInService: UInt8 = 0x0B
  /// The slave sits on this line of the master.
  static let cascade: UInt32 = 2
}

extension Kernel {
  /// Moves the sixteen lines to vectors 32-47, away from the exceptions, and masks all but the cascade.
  public func startInterruptControllers() {
    hardware.portOut8(InterruptController.masterCommand, 0x11)
    hardware.portOut8(InterruptController.slaveCommand, 0x11)
    hardware.portOut8(InterruptController.masterData, UInt8(truncatingIfNeeded: interruptVectorBase))
    hardware.portOut8(InterruptController.slaveData, UInt8(truncatingIfNeeded: interruptVectorBase &+ 8))
    hardware.portOut8(InterruptController.masterData, 1 << UInt8(InterruptController.cascade))
    hardware.portOut8(InterruptController.slaveData, UInt8(InterruptController.cascade))
    hardware.portOut8(InterruptController.masterData, 0x01)
    hardware.portOut8(InterruptController.slaveData, 0x01)
    hardware.portOut8(InterruptController.masterData, ~(1 << UInt8(InterruptController.cascade)))
    hardware.portOut8(InterruptController.slaveData, 0xFF)
  }

  private func maskPort(_ line: UInt32) -> UInt16 {
    line < 8 ? InterruptController.masterData : InterruptController.slaveData
  }

  /// Opens interrupt line `line`, 0-15.
  public func unmaskInterrupt(_ line: UInt32) {
    let bit = UInt8(1) << UInt8(line & 7)
    hardware.portOut8(maskPort(line), hardware.portIn8(maskPort(line)) & ~bit)
  }

  /// Closes interrupt line `line`, 0-15.
  public func maskInterrupt(_ line: UInt32) {
    let bit = UInt8(1) << UInt8(line & 7)
    hardware.portOut8(maskPort(line), hardware.portIn8(maskPort(line)) | bit)
  }

  /// Whether line 7 or 15 fired without a request in service: noise. The master still wants its end for the cascade.
  public func isSpuriousInterrupt(_ line: UInt32) -> Bool {
    if line & 7 != 7 { return false }
    let command = line < 8 ? InterruptController.masterCommand : InterruptController.slaveCommand
    hardware.portOut8(command, InterruptController.readInService)
    if hardware.portIn8(command) & 0x80 != 0 { return false }
    if line == 15 { hardware.portOut8(InterruptController.masterCommand, InterruptController.endOfInterrupt) }
    return true
  }

  /// Tells the controllers that the interrupt of `line` is handled.
  public func endInterrupt(_ line: UInt32) {
    if line >= 8 { hardware.portOut8(InterruptController.slaveCommand, InterruptController.endOfInterrupt) }
    hardware.portOut8(InterruptController.masterCommand, InterruptController.endOfInterrupt)
  }
}
