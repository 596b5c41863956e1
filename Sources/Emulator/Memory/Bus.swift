import IA32

/// Accesses on the bus, by kind, since the machine was built.
public struct BusCounters: Sendable, Hashable, Codable {
  /// Reads and writes of memory-mapped devices, as the CPU issued them.
  public var mmioReads: UInt64 = 0
  /// See `mmioReads`.
  public var mmioWrites: UInt64 = 0
  /// IN and OUT, as the CPU issued them.
  public var portReads: UInt64 = 0
  /// See `portReads`.
  public var portWrites: UInt64 = 0
  /// Memory and port accesses of which at least a byte was unclaimed.
  public var unclaimed: UInt64 = 0
  /// Transactions more than accesses: what unaligned and wide accesses were split into.
  public var splits: UInt64 = 0
  /// Cycles that devices held the bus beyond the access itself.
  public var waitStates: UInt64 = 0

  /// Nothing counted yet.
  public init() {}
}

/// Where things are in the physical address space and in the port space, and what answers an access.
///
/// **How an access is split.** The P6 bus moves 8 aligned bytes in a transaction and names the wanted ones by byte
/// enables (Pentium Pro Family Developer's Manual, volume 1, on the bus's data transfers), and what stands behind it takes naturally
/// aligned pieces. So an access reaches devices as the fewest naturally aligned pieces of 1, 2, 4 or 8 bytes, no
/// wider than the device's data path, in ascending order; each piece goes to what answers at its address, and
/// the bytes read are put together again. A doubleword at offset 1 of a register block is a byte, a word and a byte.
/// RAM doesn't see the difference.
///
/// Unclaimed bytes read as ones; writes to them and to ROM are lost.
public final class Bus {
  /// The machine's RAM.
  public let memory: PhysicalMemory
  /// How many address lines there are: MAXPHYADDR, SDM vol. 3A, 4.1.4.
  public let physicalAddressBits: Int
  /// What has happened so far.
  public internal(set) var counters = BusCounters()
  /// What led nowhere so far.
  public internal(set) var lost = LostAccesses()
  /// What stores to RAM go through; none on a bus that stands alone. Stores that the CPU makes through host pages don't
  /// pass here.
  var gate: StoreGate?
  /// Where accesses to devices are told; nil on a bus that stands alone.
  var observation: Observation?

  /// Called when a range of the memory space has come, moved or gone while the machine exists: who keeps host pages must drop
  /// them.
  var onMapChange: () -> Void = {}
  /// Told of a device's stores to RAM, of up to 8 bytes within one frame: the caches drop the line.
  var snoop: (_ physical: UInt64, _ bytes: UInt32) -> Void = { _, _ in }

  /// RAM as far as the address lines reach.
  let ram: [MemoryRegion]
  /// ROM and devices, and where they lie.
  var map = BusMap()
  /// All ones, or all but bit 20 while the A20 gate is closed.
  private var addressMask = UInt64.max
  private var uncharged: UInt64 = 0

  /// A bus with `memory` on it and nothing else. RAM beyond the address width stays out of reach.
  ///
  /// - Throws: `BusError.addressWidthOutOfRange` unless `physicalAddressBits` is from 32 to 52.
  public init(memory: PhysicalMemory, physicalAddressBits: Int = 36) throws(BusError) {
    guard (32...52).contains(physicalAddressBits) else {
      throw .addressWidthOutOfRange(bits: physicalAddressBits)
    }
    self.memory = memory
    self.physicalAddressBits = physicalAddressBits
    let whole = 0..<(UInt64(1) << UInt64(physicalAddressBits))
    ram = memory.layout.ramRanges.compactMap { range in
      let reachable = range.clamped(to: whole)
      return reachable.isEmpty ? nil : MemoryRegion(name: "RAM", range: reachable, kind: .ram)
    }
  }

  deinit {
    for occupant in map.occupants { occupant.host?.deallocate() }
  }

  /// Opens or closes the A20 gate. While it is closed address line 20 is low, as software for the 8086 wants it.
  /// Who keeps host pages must drop them.
  func setA20(enabled: Bool) {
    addressMask = enabled ? .max : ~(1 << 20)
  }

  /// The address as it reaches memory and the caches, with the A20 gate's say.
  @inline(__always)
  func driven(_ address: UInt64) -> UInt64 { address & addressMask }

  // MARK: Memory accesses

  /// The host address of a frame of RAM or ROM; `nil` where a device answers, or nothing.
  @inline(__always)
  func hostPageForReading(_ frame: UInt64) -> UnsafeMutableRawPointer? {
    hostPageForWriting(frame) ?? romPage(frame & (addressMask &>> 12))
  }

  /// The host address of a frame of RAM; `nil` elsewhere.
  @inline(__always)
  func hostPageForWriting(_ frame: UInt64) -> UnsafeMutableRawPointer? {
    memory.hostPage(frame & (addressMask &>> 12))
  }

  @inline(never)
  private func romPage(_ frame: UInt64) -> UnsafeMutableRawPointer? {
    guard frame < 1 << 40, let slot = map.slot(at: frame << 12), let host = slot.host else { return nil }
    return host + Int(frame << 12 - slot.region.range.lowerBound)
  }

  /// Reads `width` bytes at a physical address, as the CPU or a device does.
  func read(_ address: UInt64, width: AccessWidth) -> UInt64 {
    let offset = Int(address & 0xFFF)
    if offset + width.bytes <= 4096, let page = hostPageForReading(address >> 12) {
      return page.load(at: offset, width: width)
    }
    return readPieces(address, width: width)
  }

  /// Writes the low `width` bytes of `value` at a physical address, as the CPU or a device does.
  func write(_ address: UInt64, width: AccessWidth, value: UInt64) {
    let offset = Int(address & 0xFFF)
    if offset + width.bytes <= 4096, let page = hostPageForWriting(address >> 12) {
      return store(page, value, at: offset, width: width)
    }
    writePieces(address, width: width, value: value)
  }

  private func store(_ page: UnsafeMutableRawPointer, _ value: UInt64, at offset: Int, width: AccessWidth) {
    guard let gate else { return page.store(value, at: offset, width: width) }
    gate.store(page, offset: UInt32(offset), bytes: UInt32(width.bytes)) {
      page.store(value, at: offset, width: width)
    }
  }

  private func readPieces(_ address: UInt64, width: AccessWidth) -> UInt64 {
    var result: UInt64 = 0
    var pieces = Pieces(address: address, width: width)
    var reachedDevice = false
    while let start = pieces.next {
      let here = start & addressMask
      if let page = hostPageForReading(here >> 12) {
        result |= page.load(at: Int(here & 0xFFF), width: .byte) << pieces.shift
        pieces.takeMemory()
      } else if let slot = map.slot(at: here), let device = slot.device {
        reachedDevice = true
        let piece = pieces.widest(upTo: device.dataWidth)
        hold(device.waitStates)
        let value = device.read(offset: here &- slot.region.range.lowerBound, width: piece)
        result |= (value & piece.allOnes) << pieces.shift
        pieces.take(piece)
      } else {
        result |= 0xFF << pieces.shift
        pieces.takeUnclaimed()
      }
    }
    counters.mmioReads &+= reachedDevice ? 1 : 0
    if reachedDevice, let observation, observation.wants(.mmio) {
      observation.tell(
        .mmio(BusEvent(address: address, bytes: width.rawValue, isWrite: false, value: result)))
    }
    count(pieces)
    return result
  }

  private func writePieces(_ address: UInt64, width: AccessWidth, value: UInt64) {
    var pieces = Pieces(address: address, width: width)
    var reachedDevice = false
    while let start = pieces.next {
      let here = start & addressMask
      let rest = value >> pieces.shift
      if let page = hostPageForWriting(here >> 12) {
        store(page, rest, at: Int(here & 0xFFF), width: .byte)
        pieces.takeMemory()
      } else if let slot = map.slot(at: here) {
        guard let device = slot.device else {
          pieces.takeROM()
          continue
        }
        reachedDevice = true
        let piece = pieces.widest(upTo: device.dataWidth)
        hold(device.waitStates)
        device.write(
          offset: here &- slot.region.range.lowerBound, width: piece, value: rest & piece.allOnes)
        pieces.take(piece)
      } else {
        pieces.takeUnclaimed()
      }
    }
    counters.mmioWrites &+= reachedDevice ? 1 : 0
    if reachedDevice, let observation, observation.wants(.mmio) {
      observation.tell(
        .mmio(
          BusEvent(address: address, bytes: width.rawValue, isWrite: true, value: value & width.allOnes)))
    }
    if pieces.sawROM { note(\.romStores, at: address) }
    if pieces.sawUnclaimed { note(\.unclaimedStores, at: address) }
    count(pieces)
  }

  // MARK: Port accesses

  /// Reads `width` bytes of ports from `port` on: IN. SDM vol. 1, Input/Output, I/O Address Space: a word is the ports `port` and `port` + 1.
  func readPort(_ port: UInt16, width: AccessWidth) -> UInt32 {
    var result: UInt32 = 0
    var pieces = Pieces(address: UInt64(port), width: min(width, .doubleword))
    while let start = pieces.next {
      if let slot = map.port(at: start) {
        let piece = pieces.widest(upTo: slot.device.dataWidth, end: UInt64(slot.range.upperBound))
        hold(slot.device.waitStates)
        let value = slot.device.read(offset: start &- UInt64(slot.range.lowerBound), width: piece)
        result |= UInt32(truncatingIfNeeded: value & piece.allOnes) << UInt32(pieces.shift)
        pieces.take(piece)
      } else {
        result |= 0xFF << UInt32(pieces.shift)
        pieces.takeUnclaimed()
      }
    }
    counters.portReads &+= 1
    if let observation, observation.wants(.port) {
      observation.tell(
        .port(BusEvent(address: UInt64(port), bytes: width.rawValue, isWrite: false, value: UInt64(result))))
    }
    count(pieces)
    return result
  }

  /// Writes `width` bytes of ports from `port` on: OUT.
  func writePort(_ port: UInt16, width: AccessWidth, value: UInt32) {
    var pieces = Pieces(address: UInt64(port), width: min(width, .doubleword))
    while let start = pieces.next {
      if let slot = map.port(at: start) {
        let piece = pieces.widest(upTo: slot.device.dataWidth, end: UInt64(slot.range.upperBound))
        hold(slot.device.waitStates)
        slot.device.write(
          offset: start &- UInt64(slot.range.lowerBound), width: piece,
          value: (UInt64(value) >> pieces.shift) & piece.allOnes)
        pieces.take(piece)
      } else {
        pieces.takeUnclaimed()
      }
    }
    counters.portWrites &+= 1
    if let observation, observation.wants(.port) {
      let sent = UInt64(value) & width.allOnes
      observation.tell(
        .port(BusEvent(address: UInt64(port), bytes: width.rawValue, isWrite: true, value: sent)))
    }
    count(pieces)
  }

  // MARK: Saving

  struct Saved: Codable {
    var counters: BusCounters
    var uncharged: UInt64
    var lost: LostAccesses
    /// Where the ranges lie.
    var bases: [UInt64?]
  }

  /// But for the A20 gate, which is a device's.
  var saved: Saved {
    get { Saved(counters: counters, uncharged: uncharged, lost: lost, bases: map.bases) }
    set {
      counters = newValue.counters
      uncharged = newValue.uncharged
      lost = newValue.lost
      guard newValue.bases != map.bases else { return }
      map.put(all: newValue.bases)
      onMapChange()
    }
  }

  /// Whether a saved state is one of this bus: ranges where they can be, none upon another.
  func accepts(_ saved: Saved) -> Bool {
    guard saved.bases.count == map.bases.count else { return false }
    let limits: [BusSpace: UInt64] = [.memory: 1 << UInt64(physicalAddressBits), .ports: 0x1_0000]
    for space in [BusSpace.memory, .ports] {
      var taken = space == .memory ? ram.map(\.range) : []
      for (occupant, base) in zip(map.occupants, saved.bases) where occupant.space == space {
        guard let base else { continue }
        let (end, overflow) = base.addingReportingOverflow(occupant.count)
        guard !overflow, end <= limits[space, default: 0], space == .ports || base & 0xfff == 0 else {
          return false
        }
        taken.append(base..<end)
      }
      taken.sort { $0.lowerBound < $1.lowerBound }
      guard zip(taken, taken.dropFirst()).allSatisfy({ !$0.overlaps($1) }) else { return false }
    }
    return true
  }

  // MARK: Bookkeeping

  /// The wait states since the last call, for the CPU to add to the clock.
  func takeWaitStates() -> UInt64 {
    defer { uncharged = 0 }
    return uncharged
  }

  /// Counts an access that nothing answered.
  func countUnclaimed() { counters.unclaimed &+= 1 }

  private func hold(_ waitStates: UInt32) {
    counters.waitStates &+= UInt64(waitStates)
    uncharged &+= UInt64(waitStates)
  }

  private func count(_ pieces: Pieces) {
    counters.unclaimed &+= pieces.sawUnclaimed ? 1 : 0
    counters.splits &+= pieces.deviceTransactions > 1 ? pieces.deviceTransactions &- 1 : 0
  }
}
