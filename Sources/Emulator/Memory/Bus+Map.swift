import IA32

/// What is on the bus and where: listing it, adding to it, moving ranges.
extension Bus {
  /// The physical address space, sorted: RAM, ROM, devices, and what the PC's map keeps free.
  public var regions: [MemoryRegion] {
    let claimed = (ram + map.regions).sorted { $0.range.lowerBound < $1.range.lowerBound }
    var all = claimed
    for (name, range) in [("legacy window", MemoryMap.legacyWindow), ("device hole", MemoryMap.deviceHole)] {
      var start = range.lowerBound
      for region in claimed where region.range.overlaps(range) {
        if start < region.range.lowerBound {
          all.append(MemoryRegion(name: name, range: start..<region.range.lowerBound, kind: .reserved))
        }
        start = region.range.upperBound
      }
      if start < range.upperBound {
        all.append(MemoryRegion(name: name, range: start..<range.upperBound, kind: .reserved))
      }
    }
    return all.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// What answers at a physical address, or `nil` if nothing does and nothing is meant to.
  public func region(at address: PhysicalAddress) -> MemoryRegion? {
    regions.first { $0.range.contains(address.rawValue) }
  }

  /// The port ranges that are taken and by whom, sorted.
  public var portRanges: [(name: String, range: Range<UInt32>)] {
    map.ports.map { (name: $0.device.name, range: $0.range) }
  }

  // MARK: Adding

  /// Puts a ROM with the contents `bytes` at `address`. Writes to it are ignored.
  ///
  /// - Throws: `BusError`.
  @discardableResult
  public func addROM(
    name: String, at address: PhysicalAddress, bytes: [UInt8]
  ) throws(BusError) -> BusRange {
    let count = UInt64(bytes.count)
    _ = try vacant(name: name, space: .memory, kind: .rom, at: address.rawValue, count: count)
    let host = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 4096)
    bytes.withUnsafeBytes { host.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
    return put(
      BusOccupant(name: name, space: .memory, kind: .rom, count: count, host: host, device: nil),
      at: address.rawValue)
  }

  /// Lets `device` answer at the physical addresses `range`.
  ///
  /// - Throws: `BusError`.
  @discardableResult
  public func addMMIO(_ device: any BusDevice, at range: Range<UInt64>) throws(BusError) -> BusRange {
    let count = range.upperBound - range.lowerBound
    _ = try vacant(name: device.name, space: .memory, kind: .mmio, at: range.lowerBound, count: count)
    return put(
      BusOccupant(name: device.name, space: .memory, kind: .mmio, count: count, host: nil, device: device),
      at: range.lowerBound)
  }

  /// Lets `device` answer at the ports `range`, within 0 to FFFFh.
  ///
  /// - Throws: `BusError`.
  @discardableResult
  public func addPorts(_ device: any BusDevice, at range: Range<UInt32>) throws(BusError) -> BusRange {
    let (base, count) = (UInt64(range.lowerBound), UInt64(range.count))
    _ = try vacant(name: device.name, space: .ports, kind: .mmio, at: base, count: count)
    return put(
      BusOccupant(name: device.name, space: .ports, kind: .mmio, count: count, host: nil, device: device),
      at: base)
  }

  private func put(_ occupant: BusOccupant, at base: UInt64) -> BusRange {
    let range = map.append(occupant)
    map.put(range, at: base)
    changed(occupant.space)
    return range
  }

  // MARK: Moving

  /// Where a range begins now: a physical address or a port; nil while it is off the bus.
  public func base(of range: BusRange) -> UInt64? { map.bases[range.index] }

  /// Puts a range elsewhere in its space, or back on the bus: the same device with the same offsets, or the same ROM. A device
  /// may do so in the middle of an access; the access goes on at the new map.
  ///
  /// - Throws: `BusError`; then it stays where it was.
  public func move(_ range: BusRange, to base: UInt64) throws(BusError) {
    guard map.bases[range.index] != base else { return }
    let occupant = map.occupants[range.index]
    _ = try vacant(
      name: occupant.name, space: occupant.space, kind: occupant.kind, at: base, count: occupant.count,
      except: range)
    map.put(range, at: base)
    changed(occupant.space)
  }

  /// Takes a range off the bus: nothing answers there any more. Nothing happens if it is off already.
  public func remove(_ range: BusRange) {
    guard map.bases[range.index] != nil else { return }
    map.put(range, at: nil)
    changed(map.occupants[range.index].space)
  }

  /// Nothing keeps ports.
  private func changed(_ space: BusSpace) {
    if space == .memory { onMapChange() }
  }

  // MARK: The registry's view

  /// How many ranges were put on the bus so far.
  var rangeCount: Int { map.occupants.count }

  /// Where the range lies that was put on the bus as number `index`; nil while it is off the bus.
  func place(ofRange index: Int) -> BusPlace? { map.place(of: index) }

  // MARK: Checking

  /// Checks that a range may go there, and gives its place.
  private func vacant(
    name: String, space: BusSpace, kind: MemoryRegion.Kind, at base: UInt64, count: UInt64,
    except: BusRange? = nil
  ) throws(BusError) -> BusPlace {
    guard count > 0 else { throw .emptyRange(name: name) }
    let (end, overflow) = base.addingReportingOverflow(count)
    let range = base..<(overflow ? UInt64.max : end)
    switch space {
    case .memory: try checkMemory(name: name, kind: kind, range, overflow: overflow, except: except)
    case .ports: try checkPorts(name: name, range, except: except)
    }
    return BusPlace(space: space, range: range)
  }

  private func checkMemory(
    name: String, kind: MemoryRegion.Kind, _ range: Range<UInt64>, overflow: Bool, except: BusRange?
  ) throws(BusError) {
    guard !overflow, range.upperBound <= 1 << UInt64(physicalAddressBits) else {
      throw .beyondAddressWidth(name: name, range: range, bits: physicalAddressBits)
    }
    guard range.lowerBound % 4096 == 0, range.upperBound % 4096 == 0 else {
      throw .notWholePages(name: name, range: range)
    }
    let region = MemoryRegion(name: name, range: range, kind: kind)
    if let other = (ram + others(in: .memory, except: except)).first(where: { $0.range.overlaps(range) }) {
      throw .overlap(region, with: other)
    }
  }

  private func checkPorts(name: String, _ range: Range<UInt64>, except: BusRange?) throws(BusError) {
    let ports = UInt32(clamping: range.lowerBound)..<UInt32(clamping: range.upperBound)
    guard range.upperBound <= 0x1_0000 else { throw .beyondPortSpace(name: name, range: ports) }
    if let other = others(in: .ports, except: except).first(where: { $0.range.overlaps(range) }) {
      throw .portOverlap(
        name: name, range: ports, with: other.name,
        at: UInt32(other.range.lowerBound)..<UInt32(other.range.upperBound))
    }
  }

  /// What was put in a space, by ascending address, but for one range.
  private func others(in space: BusSpace, except: BusRange?) -> [MemoryRegion] {
    map.occupants.indices.compactMap { index in
      guard index != except?.index, let place = map.place(of: index), place.space == space else { return nil }
      return MemoryRegion(
        name: map.occupants[index].name, range: place.range, kind: map.occupants[index].kind)
    }.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
