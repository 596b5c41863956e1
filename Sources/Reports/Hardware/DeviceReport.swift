import Emulator
import IA32

/// The machine's devices: where each answers, and what it holds.
public struct DeviceReport: Report {
  private let devices: [DeviceListing]
  /// Whether the states are shown, or the places alone.
  private let isDetailed: Bool

  /// A report on `devices`; `isDetailed` adds their states.
  public init(_ devices: [DeviceListing], isDetailed: Bool) {
    self.devices = devices
    self.isDetailed = isDetailed
  }

  public var lines: [String] {
    devices.flatMap { device in
      let places =
        device.memory.map { "memory \(Self.text($0.lowerBound, $0.upperBound, digits: 9))" }
        + device.ports.map { "ports \(Self.text(UInt64($0.lowerBound), UInt64($0.upperBound), digits: 4))" }
        + (device.irq.map { ["IRQ \($0)"] } ?? [])
      let head = ([device.name] + places).joined(separator: ", ")
      return [head] + (isDetailed ? device.facts.map { "  \($0.name): \($0.value)" } : [])
    }
  }

  private static func text(_ start: UInt64, _ end: UInt64, digits: Int) -> String {
    hexadecimal(start, digits: digits) + "-" + hexadecimal(end &- 1, digits: digits)
  }

  /// An array of objects: name, memory and ports as pairs of first and last address, irq, state.
  public var json: JSONValue {
    .array(
      devices.map { device in
        .object([
          .init("name", .string(device.name)),
          .init(
            "memory",
            .array(device.memory.map { .array([.physical($0.lowerBound), .physical($0.upperBound &- 1)]) })),
          .init(
            "ports",
            .array(
              device.ports.map {
                .array([.number(UInt64($0.lowerBound)), .number(UInt64($0.upperBound) &- 1)])
              })),
          .init("irq", device.irq.map { .number(UInt64($0)) } ?? .null),
          .init("state", .object(device.facts.map { .init($0.name, .string($0.value)) })),
        ])
      })
  }
}
