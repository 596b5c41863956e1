@testable import Emulator

/// A device that copies bytes of its own to RAM when a port is written: a disk controller reduced to its DMA.
final class CopyingDevice: BusDevice, Device {
  struct State: Sendable, Equatable, Codable {
    var copies = 0
  }

  static let port: UInt8 = 0xC8

  let name = "copying device"
  var state = State()
  var bytes: [UInt8]
  var target: UInt64
  private let dma: DMAPort

  init(bus: Bus, bytes: [UInt8], target: UInt64) {
    self.bytes = bytes
    self.target = target
    dma = DMAPort(bus: bus)
  }

  func attach(to bus: Bus) throws(BusError) {
    try bus.addPorts(self, at: UInt32(Self.port)..<UInt32(Self.port) + 1)
  }

  func reset() { state = State() }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 { UInt64(state.copies) }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    state.copies += 1
    dma.write(bytes, at: target)
  }
}

/// A device whose one page of registers moves: port CCh takes the number of the page, 0 for off the bus, as the register of a
/// PCI device would. Any read gives `mark`.
final class MovingDevice: BusDevice, Device {
  struct State: Sendable, Equatable, Codable {
    var writes = 0
  }

  static let port: UInt32 = 0xCC
  static let firstPage: UInt64 = 0xFE_000

  let name = "moving device"
  let dataWidth = AccessWidth.doubleword
  let mark: UInt64 = 0x600D_CAFE
  var state = State()
  private(set) var registers: BusRange!
  private let bus: Bus

  init(bus: Bus) { self.bus = bus }

  func attach(to bus: Bus) throws(BusError) {
    registers = try bus.addMMIO(self, at: Self.firstPage << 12..<(Self.firstPage + 1) << 12)
    try bus.addPorts(
      PortBlock(name: "moving device's base") { _ in
        0
      } write: { _, page in
        self.move(to: page)
      },
      at: Self.port..<Self.port + 1)
  }

  private func move(to page: UInt8) {
    guard page != 0 else { return bus.remove(registers) }
    // Where something else answers, the registers stay where they are.
    try? bus.move(registers, to: (Self.firstPage + UInt64(page)) << 12)
  }

  func reset() { state = State() }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 { mark & width.allOnes }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) { state.writes += 1 }
}
