import IA32

@testable import Emulator

/// One TLB array as plainly as it can be said: each set is a list, the most recently used entry first.
struct ReferenceArray {
  struct Entry: Equatable {
    var page: UInt32
    var frame: UInt64
    var isWritable: Bool
    var isUser: Bool
    var isNoExecute: Bool
    var isGlobal: Bool
    var isDirty: Bool
  }

  let ways: Int
  private(set) var sets: [[Entry]]

  init(_ shape: TLBGeometry.Array) {
    ways = shape.ways
    sets = Array(repeating: [], count: shape.entries / shape.ways)
  }

  private func setIndex(_ page: UInt32) -> Int { Int(page) % sets.count }

  func entry(_ page: UInt32) -> Entry? { sets[setIndex(page)].first { $0.page == page } }

  mutating func remove(_ page: UInt32) { sets[setIndex(page)].removeAll { $0.page == page } }

  mutating func removeAll(keepingGlobal: Bool) {
    for index in sets.indices { sets[index].removeAll { !(keepingGlobal && $0.isGlobal) } }
  }

  /// Puts `entry` first; the last of a full set goes.
  mutating func use(_ entry: Entry) {
    let set = setIndex(entry.page)
    sets[set].removeAll { $0.page == entry.page }
    if sets[set].count == ways { sets[set].removeLast() }
    sets[set].insert(entry, at: 0)
  }
}

/// A slow, plain paging unit with its own memory: what the machine's is compared with. No filter, no
/// shortcuts; rights and walks come from `PagingOracle`.
final class ReferenceMMU {
  /// The physical addresses that have memory here; the rest reads as ones.
  static let memoryRange: Range<UInt64> = 0x20_0000..<0x80_0000

  private(set) var registers: PagingOracle.Registers { didSet { oracle = PagingOracle(registers) } }
  private var oracle: PagingOracle
  private var cr3: UInt64
  /// The four PDPTE registers.
  private var pointers: [UInt64] = [0, 0, 0, 0]
  private(set) var memory = [UInt8](
    repeating: 0, count: Int(memoryRange.upperBound - memoryRange.lowerBound))
  /// In the order of `TLBArrayName`.
  private(set) var arrays: [ReferenceArray]
  /// The instruction arrays' hits stay 0: they are counted by the line of code entered, and no code runs
  /// here.
  private(set) var counters = PagingCounters()

  init(_ registers: PagingOracle.Registers, cr3: UInt64) {
    self.registers = registers
    oracle = PagingOracle(registers)
    self.cr3 = cr3
    let p6 = TLBGeometry.p6
    arrays = [p6.instruction4K, p6.instructionLarge, p6.data4K, p6.dataLarge].map { ReferenceArray($0) }
  }

  private var isPAE: Bool { registers.mode == .pae }
  private var largeShift: UInt32 { isPAE ? 21 : 22 }

  // MARK: Memory

  func byte(_ address: UInt64) -> UInt8 {
    Self.memoryRange.contains(address) ? memory[Int(address - Self.memoryRange.lowerBound)] : 0xff
  }

  func setByte(_ address: UInt64, _ value: UInt8) {
    if Self.memoryRange.contains(address) { memory[Int(address - Self.memoryRange.lowerBound)] = value }
  }

  func entry(_ address: UInt64) -> UInt64 {
    (0..<(isPAE ? 8 : 4)).reversed().reduce(0) { $0 << 8 | UInt64(byte(address + $1)) }
  }

  func setEntry(_ address: UInt64, _ value: UInt64) {
    for index in 0..<UInt64(isPAE ? 8 : 4) {
      setByte(address + index, UInt8(truncatingIfNeeded: value >> (8 * index)))
    }
  }

  // MARK: Accesses

  func load(_ linear: UInt32, bytes: Int, user: Bool) -> PagingOutcome {
    var value: UInt64 = 0
    let failure = eachByte(linear, bytes, .read, user: user) { index, address in
      value |= UInt64(byte(address)) << UInt64(8 * index)
    }
    return failure ?? .value(value)
  }

  func store(_ linear: UInt32, bytes: Int, _ value: UInt64, user: Bool) -> PagingOutcome {
    eachByte(linear, bytes, .write, user: user) { index, address in
      setByte(address, UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
    } ?? .value(0)
  }

  func fetch(_ linear: UInt32, user: Bool) -> PagingOutcome { translate(linear, .fetch, user: user) }

  /// Translates each page that the access touches once, in order, then goes over its bytes.
  private func eachByte(
    _ linear: UInt32, _ bytes: Int, _ kind: PagingOracle.Kind, user: Bool, _ body: (Int, UInt64) -> Void
  ) -> PagingOutcome? {
    var starts: [UInt64] = []
    for index in 0..<bytes {
      let address = linear &+ UInt32(index)
      if index > 0 && address & 0xfff != 0 {
        starts.append(starts[index - 1] + 1)
        continue
      }
      switch translate(address, kind, user: user) {
      case .value(let physical): starts.append(physical)
      case .fault(let fault): return .fault(fault)
      }
    }
    for index in 0..<bytes { body(index, starts[index]) }
    return nil
  }

  private func translate(_ linear: UInt32, _ kind: PagingOracle.Kind, user: Bool) -> PagingOutcome {
    let isFetch = kind == .fetch
    for (array, shift) in [(isFetch ? 0 : 2, UInt32(12)), (isFetch ? 1 : 3, largeShift)] {
      guard let entry = arrays[array].entry(linear >> shift) else { continue }
      let allowed = PagingOracle.allows(
        kind, user: user, writable: entry.isWritable, userPage: entry.isUser, executable: !entry.isNoExecute,
        writeProtect: registers.writeProtect)
      guard allowed else { return fault(1 | accessBits(kind, user: user), linear) }
      if array == 2 { counters.data4KHits += 1 }
      if array == 3 { counters.dataLargeHits += 1 }
      if kind == .write && !entry.isDirty {
        arrays[array].remove(entry.page)
        return walk(linear, kind, user: user)
      }
      arrays[array].use(entry)
      return .value(entry.frame | UInt64(linear & (1 << shift - 1)))
    }
    if isFetch { counters.instructionMisses += 1 } else { counters.dataMisses += 1 }
    return walk(linear, kind, user: user)
  }

  private func accessBits(_ kind: PagingOracle.Kind, user: Bool) -> UInt32 {
    let fetched: UInt32 = kind == .fetch && isPAE && registers.noExecuteEnable ? 16 : 0
    return (kind == .write ? 2 : 0) | (user ? 4 : 0) | fetched
  }

  private func fault(_ code: UInt32, _ linear: UInt32) -> PagingOutcome {
    forget(linear)
    return .pageFault(PageFaultErrorCode(rawValue: code), linear)
  }

  private func walk(_ linear: UInt32, _ kind: PagingOracle.Kind, user: Bool) -> PagingOutcome {
    counters.walks += 1
    var directory = cr3 & 0xffff_f000
    if isPAE {
      let pointer = pointers[Int(linear >> 30)]
      guard pointer & 1 != 0 else { return fault(accessBits(kind, user: user), linear) }
      directory = pointer & 0xf_ffff_f000
    }
    let (size, index): (UInt64, UInt64) = isPAE ? (8, 0x1ff) : (4, 0x3ff)
    let directoryAddress = directory + (UInt64(linear >> largeShift) & index) * size
    let pde = entry(directoryAddress)
    let tableAddress = pde & (isPAE ? 0xf_ffff_f000 : 0xffff_f000) + (UInt64(linear >> 12) & index) * size
    let pte = entry(tableAddress)
    let answer = oracle.answer(linear, kind, user: user, directoryEntry: pde, tableEntry: pte)
    counters.walkReferences += UInt64(answer.references)
    if let code = answer.errorCode { return fault(code, linear) }
    if answer.directoryEntry != pde {
      counters.accessedDirtyUpdates += 1
      setEntry(directoryAddress, answer.directoryEntry)
    }
    if answer.tableEntry != pte {
      counters.accessedDirtyUpdates += 1
      setEntry(tableAddress, answer.tableEntry)
    }
    fill(linear, isFetch: kind == .fetch, answer)
    return .value(answer.physical)
  }

  private func fill(_ linear: UInt32, isFetch: Bool, _ answer: PagingOracle.Answer) {
    let leaf = answer.isLarge ? answer.directoryEntry : answer.tableEntry
    let every = leaf & answer.directoryEntry
    let noExecute = (leaf | answer.directoryEntry) >> 63 != 0 && registers.noExecuteEnable && isPAE
    let shift = answer.isLarge ? largeShift : 12
    switch (isFetch, answer.isLarge) {
    case (true, false): counters.instruction4KFills += 1
    case (true, true): counters.instructionLargeFills += 1
    case (false, false): counters.data4KFills += 1
    case (false, true): counters.dataLargeFills += 1
    }
    arrays[(isFetch ? 0 : 2) + (answer.isLarge ? 1 : 0)].use(
      ReferenceArray.Entry(
        page: linear >> shift, frame: answer.physical - UInt64(linear & (1 << shift - 1)),
        isWritable: every & 2 != 0, isUser: every & 4 != 0, isNoExecute: noExecute,
        isGlobal: answer.isGlobal, isDirty: leaf & 64 != 0))
  }

  // MARK: Invalidation and registers

  private func forget(_ linear: UInt32) {
    arrays[0].remove(linear >> 12)
    arrays[1].remove(linear >> largeShift)
    arrays[2].remove(linear >> 12)
    arrays[3].remove(linear >> largeShift)
  }

  private func forgetAll(keepingGlobal: Bool) {
    for index in arrays.indices { arrays[index].removeAll(keepingGlobal: keepingGlobal) }
  }

  func invalidatePage(_ linear: UInt32) {
    counters.pageInvalidations += 1
    forget(linear)
  }

  private func loadPointers() {
    if isPAE { pointers = (0..<4).map { entry(cr3 + UInt64($0) * 8) } }
  }

  func moveToCR3(_ value: UInt64) {
    counters.cr3Loads += 1
    cr3 = value
    loadPointers()
    forgetAll(keepingGlobal: registers.globalPages)
  }

  func setWriteProtect(_ on: Bool) { registers.writeProtect = on }
  func setNoExecuteEnable(_ on: Bool) { registers.noExecuteEnable = on }

  func setGlobalPages(_ on: Bool) {
    guard registers.globalPages != on else { return }
    registers.globalPages = on
    loadPointers()
    forgetAll(keepingGlobal: false)
  }

  func setPageSizeExtensions(_ on: Bool) {
    guard registers.pageSizeExtensions != on else { return }
    registers.pageSizeExtensions = on
    loadPointers()
    forgetAll(keepingGlobal: false)
  }
}
