/// An address after segmentation and before paging: 32 bits on IA-32. SDM vol. 3A, 3.1.
@frozen
public struct LinearAddress: Hashable, Comparable, Sendable {
  /// The address as a number.
  public var rawValue: UInt32

  /// The linear address `rawValue`.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Unsigned comparison.
  @inlinable
  public static func < (a: LinearAddress, b: LinearAddress) -> Bool { a.rawValue < b.rawValue }

  /// The address `bytes` further on, wrapping at 4 GiB as the hardware does.
  @inlinable
  public func advanced(by bytes: UInt32) -> LinearAddress { LinearAddress(rawValue &+ bytes) }
}

/// An address on the bus, after paging: 36 bits by default under PAE, at most 52. SDM vol. 3A, 4.1.4.
@frozen
public struct PhysicalAddress: Hashable, Comparable, Codable, Sendable {
  /// The address as a number.
  public var rawValue: UInt64

  /// The physical address `rawValue`.
  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Unsigned comparison.
  @inlinable
  public static func < (a: PhysicalAddress, b: PhysicalAddress) -> Bool { a.rawValue < b.rawValue }

  /// The address `bytes` further on.
  @inlinable
  public func advanced(by bytes: UInt64) -> PhysicalAddress { PhysicalAddress(rawValue &+ bytes) }
}

extension LinearAddress: CustomStringConvertible {
  /// Eight hexadecimal digits, as debuggers print linear addresses.
  public var description: String { hexadecimal(UInt64(rawValue), digits: 8) }
}

extension PhysicalAddress: CustomStringConvertible {
  /// At least nine hexadecimal digits: 36 bits, the width PAE began with.
  public var description: String { hexadecimal(rawValue, digits: 9) }
}

/// `value` in lower-case hexadecimal, padded with zeros to at least `digits` digits.
public func hexadecimal(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
