/// How wide one access on the bus is, in bytes.
public enum AccessWidth: UInt8, Sendable, CaseIterable {
  case byte = 1
  case word = 2
  case doubleword = 4
  case quadword = 8

  /// The number of bytes.
  @inlinable
  public var bytes: Int { Int(rawValue) }

  /// All ones in this width: what an unclaimed read answers.
  @inlinable
  public var allOnes: UInt64 { UInt64.max >> (64 - 8 * UInt64(rawValue)) }

  /// The next narrower width; a byte stays a byte.
  @inlinable
  public var half: AccessWidth { AccessWidth(rawValue: rawValue >> 1) ?? .byte }
}

extension AccessWidth: Comparable {
  @inlinable
  public static func < (a: AccessWidth, b: AccessWidth) -> Bool { a.rawValue < b.rawValue }
}

/// Something that answers on the memory bus or in the port space.
///
/// A device sees offsets from the start of the range it was given, never absolute addresses, so one device type
/// can stand anywhere. All of a device's mutable state lives in one value (`State`), so that a snapshot of the
/// machine is a copy of values.
public protocol BusDevice: AnyObject {
  /// The name used in messages and memory-map listings.
  var name: String { get }
  /// How wide the device's data path is: wider accesses reach it in pieces. A byte for most, as on the ISA bus.
  var dataWidth: AccessWidth { get }
  /// Clock cycles an access holds the bus beyond its own, charged to the CPU. 0 for most.
  var waitStates: UInt32 { get }
  /// Reads `width` bytes at `offset`; the result's upper bits are zero. May have side effects, as on hardware.
  func read(offset: UInt64, width: AccessWidth) -> UInt64
  /// Writes the low `width` bytes of `value` at `offset`.
  func write(offset: UInt64, width: AccessWidth, value: UInt64)
}

extension BusDevice {
  public var dataWidth: AccessWidth { .byte }
  public var waitStates: UInt32 { 0 }
}
