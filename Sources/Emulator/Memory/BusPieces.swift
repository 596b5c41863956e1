/// One access being taken apart into the transactions that the bus makes of it.
struct Pieces {
  private let address: UInt64
  private let count: Int
  private var done = 0
  /// Transactions so far in which a device took part.
  private(set) var deviceTransactions: UInt64 = 0
  /// Whether some byte was unclaimed.
  private(set) var sawUnclaimed = false
  /// Whether some byte found ROM, as a store.
  private(set) var sawROM = false

  init(address: UInt64, width: AccessWidth) {
    self.address = address
    count = width.bytes
  }

  /// Where the next piece begins; `nil` once all is done.
  var next: UInt64? { done < count ? address &+ UInt64(done) : nil }

  /// How far the next piece's bytes are shifted in the access's value.
  var shift: UInt64 { 8 * UInt64(done) }

  /// The widest naturally aligned piece from here on that `limit` allows and that ends no later than `end`.
  func widest(upTo limit: AccessWidth, end: UInt64 = .max) -> AccessWidth {
    let start = address &+ UInt64(done)
    var width = limit
    while start & UInt64(width.bytes - 1) != 0 || width.bytes > count - done
      || UInt64(width.bytes) > end &- start
    {
      width = width.half
    }
    return width
  }

  /// Notes a piece as done by a device.
  mutating func take(_ width: AccessWidth) {
    done += width.bytes
    deviceTransactions &+= 1
  }

  /// Notes one byte as done by memory.
  mutating func takeMemory() {
    done += 1
  }

  /// Notes one byte as done that ROM ignored.
  mutating func takeROM() {
    done += 1
    sawROM = true
  }

  /// Notes one unclaimed byte as done.
  mutating func takeUnclaimed() {
    done += 1
    sawUnclaimed = true
  }
}

extension UnsafeMutableRawPointer {
  /// Loads `width` bytes, little-endian, zero-extended.
  @inline(__always)
  func load(at offset: Int, width: AccessWidth) -> UInt64 {
    switch width {
    case .byte: UInt64(loadUnaligned(fromByteOffset: offset, as: UInt8.self))
    case .word: UInt64(UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    case .doubleword: UInt64(UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    case .quadword: UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
  }

  /// Stores the low `width` bytes of `value`, little-endian.
  @inline(__always)
  func store(_ value: UInt64, at offset: Int, width: AccessWidth) {
    switch width {
    case .byte: storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: offset, as: UInt8.self)
    case .word:
      storeBytes(of: UInt16(truncatingIfNeeded: value).littleEndian, toByteOffset: offset, as: UInt16.self)
    case .doubleword:
      storeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, toByteOffset: offset, as: UInt32.self)
    case .quadword: storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
  }
}
