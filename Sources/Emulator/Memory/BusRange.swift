/// A range that was put on a bus, wherever it lies now, if anywhere. It stays the same when it moves: a device keeps it to
/// move its registers, as PCI's base address registers do.
public struct BusRange: Hashable, Sendable {
  /// Its place in the order in which ranges were put on the bus, from 0.
  let index: Int
}

/// The two address spaces of the bus.
public enum BusSpace: Hashable, Sendable {
  /// Physical addresses.
  case memory
  /// I/O ports.
  case ports
}

/// Where a range lies.
struct BusPlace: Hashable, Sendable {
  var space: BusSpace
  var range: Range<UInt64>
}

/// What a range is made of, wherever it lies.
struct BusOccupant {
  let name: String
  let space: BusSpace
  let kind: MemoryRegion.Kind
  let count: UInt64
  /// ROM contents; nil for a device.
  let host: UnsafeMutableRawPointer?
  let device: (any BusDevice)?
}

/// ROM, or a device's registers, at their present place.
struct BusSlot {
  let region: MemoryRegion
  let host: UnsafeMutableRawPointer?
  let device: (any BusDevice)?
}

/// A device's ports at their present place.
struct PortSlot {
  let range: Range<UInt32>
  let device: any BusDevice
}

/// All the ranges of a bus and where they lie: the map that accesses are looked up in.
struct BusMap {
  /// By `BusRange.index`, and where each begins; nil while it is off the bus.
  private(set) var occupants: [BusOccupant] = []
  private(set) var bases: [UInt64?] = []
  /// ROM and devices, by ascending address.
  private var slots: [BusSlot] = []
  /// Devices in the port space, by ascending port.
  private(set) var ports: [PortSlot] = []
  /// For each port the index of its device in `ports`, plus one; 0 where there is none.
  private var portIndex = [UInt16](repeating: 0, count: 0x1_0000)

  // MARK: Finding

  @inline(__always)
  func slot(at address: UInt64) -> BusSlot? {
    var low = 0
    var high = slots.count
    while low < high {
      let middle = (low + high) / 2
      let range = slots[middle].region.range
      if address < range.lowerBound {
        high = middle
      } else if address >= range.upperBound {
        low = middle + 1
      } else {
        return slots[middle]
      }
    }
    return nil
  }

  /// The device at a port. An access that runs over the end, from FFFFh to 10000h, finds none there.
  @inline(__always)
  func port(at port: UInt64) -> PortSlot? {
    guard port < 0x1_0000 else { return nil }
    let index = portIndex[Int(port)]
    return index == 0 ? nil : ports[Int(index) - 1]
  }

  var regions: [MemoryRegion] { slots.map(\.region) }

  /// Where a range lies; nil while it is off the bus.
  func place(of index: Int) -> BusPlace? {
    guard let base = bases[index] else { return nil }
    let occupant = occupants[index]
    return BusPlace(space: occupant.space, range: base..<(base + occupant.count))
  }

  // MARK: Changing

  /// Adds a range that is off the bus.
  mutating func append(_ occupant: BusOccupant) -> BusRange {
    occupants.append(occupant)
    bases.append(nil)
    return BusRange(index: occupants.count - 1)
  }

  /// Puts a range somewhere, or off the bus. The place is free.
  mutating func put(_ range: BusRange, at base: UInt64?) {
    bases[range.index] = base
    rebuild(occupants[range.index].space)
  }

  /// Puts every range where it was at a moment; those that were not there yet go off the bus.
  mutating func put(all saved: [UInt64?]) {
    for index in bases.indices { bases[index] = index < saved.count ? saved[index] : nil }
    rebuild(.memory)
    rebuild(.ports)
  }

  private mutating func rebuild(_ space: BusSpace) {
    let placed = occupants.indices.compactMap { index in
      occupants[index].space == space ? place(of: index).map { (occupants[index], $0.range) } : nil
    }.sorted { $0.1.lowerBound < $1.1.lowerBound }
    switch space {
    case .memory:
      slots = placed.map { occupant, range in
        BusSlot(
          region: MemoryRegion(name: occupant.name, range: range, kind: occupant.kind),
          host: occupant.host, device: occupant.device)
      }
    case .ports:
      for slot in ports { for port in slot.range { portIndex[Int(port)] = 0 } }
      ports = placed.compactMap { occupant, range in
        occupant.device.map {
          PortSlot(range: UInt32(range.lowerBound)..<UInt32(range.upperBound), device: $0)
        }
      }
      for (index, slot) in ports.enumerated() {
        for port in slot.range { portIndex[Int(port)] = UInt16(index + 1) }
      }
    }
  }
}
