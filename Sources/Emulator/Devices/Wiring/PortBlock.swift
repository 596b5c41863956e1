/// One block of ports of a device that has several: forwards the accesses there to the device.
///
/// A chip pair like the 8259s, or a controller with ports apart like the i8042, decodes more than one range; on
/// the bus each range is a device of its own.
final class PortBlock: BusDevice {
  let name: String
  private let readPort: (_ offset: UInt64) -> UInt8
  private let writePort: (_ offset: UInt64, _ value: UInt8) -> Void

  init(
    name: String, read: @escaping (_ offset: UInt64) -> UInt8,
    write: @escaping (_ offset: UInt64, _ value: UInt8) -> Void
  ) {
    self.name = name
    readPort = read
    writePort = write
  }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    UInt64(readPort(offset))
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    writePort(offset, UInt8(truncatingIfNeeded: value))
  }
}
