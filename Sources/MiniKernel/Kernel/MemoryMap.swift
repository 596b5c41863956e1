// What memory there is, as the boot loader tells it, and what of it was in use before the page allocator:
// two small tables in the kernel's variables, kept for `pageIsRAM` and the listings (Linux's e820 map and bootmem).

/// The end of what frame numbers of 32 bits, and an array of their descriptors, are asked to cover: 1 TiB.
var maximumPhysicalMemory: UInt64 { 1 << 40 }

/// A table of physical ranges: which variables hold it.
enum RangeTable {
  case memory
  case reserved

  var entries: UInt32 { self == .memory ? KernelVariable.memoryRanges : KernelVariable.reservedRanges }
  var count: UInt32 { self == .memory ? KernelVariable.memoryRangeCount : KernelVariable.reservedRangeCount }
  var capacity: UInt32 { self == .memory ? 32 : 16 }
}

extension Kernel {
  /// How many ranges a table has.
  func rangeCount(_ table: RangeTable) -> UInt32 { self[word: table.count] }

  /// Entry `index` of a table: first physical address and the one after the last.
  func range(_ table: RangeTable, _ index: UInt32) -> Range<UInt64> {
    let start = self[doubleword: table.entries &+ index &* 16]
    return start..<max(start, self[doubleword: table.entries &+ index &* 16 &+ 8])
  }

  private func setRange(_ table: RangeTable, _ index: UInt32, _ range: Range<UInt64>) {
    self[doubleword: table.entries &+ index &* 16] = range.lowerBound
    self[doubleword: table.entries &+ index &* 16 &+ 8] = range.upperBound
  }

  /// Adds a range of RAM. Ranges may come in any order, overlap or touch; what the processor can't address is cut
  /// off. The table stays sorted and disjoint. When it is full, further ranges are ignored.
  public func addMemory(base: UInt64, length: UInt64) {
    let (sum, overflow) = base.addingReportingOverflow(length)
    let end = min(overflow ? UInt64.max : sum, min(physicalAddressLimit, maximumPhysicalMemory))
    if base < end { insert(base..<end, in: .memory) }
  }

  /// Keeps a range of physical addresses away from the allocator (`reserve_bootmem`).
  public func reserveMemory(_ range: Range<UInt64>) {
    if !range.isEmpty { insert(range, in: .reserved) }
  }

  /// Inserts `new`, joined with every range it overlaps or touches.
  private func insert(_ new: Range<UInt64>, in table: RangeTable) {
    var start = new.lowerBound
    var end = new.upperBound
    var kept: UInt32 = 0
    let count = rangeCount(table)
    for index in 0..<count {
      let old = range(table, index)
      if old.upperBound < start || old.lowerBound > end {
        setRange(table, kept, old)
        kept += 1
      } else {
        start = min(start, old.lowerBound)
        end = max(end, old.upperBound)
      }
    }
    if kept == table.capacity { return }
    var position = kept
    while position > 0, range(table, position - 1).lowerBound > start {
      setRange(table, position, range(table, position - 1))
      position -= 1
    }
    setRange(table, position, start..<end)
    self[word: table.count] = kept + 1
  }

  /// Whether any byte of `range` is RAM, the kernel's to give or not (`page_is_ram`).
  public func overlapsRAM(_ range: Range<UInt64>) -> Bool {
    for index in 0..<rangeCount(.memory) where self.range(.memory, index).overlaps(range) { return true }
    return false
  }

  /// The lowest place for `bytes` in RAM at or above `goal` and below lowmem's end, page-aligned and free;
  /// nil when there is none (`alloc_bootmem`).
  func findLowMemory(bytes: UInt64, goal: UInt64) -> UInt64? {
    let limit = UInt64(maxLowFrame) << UInt64(pageShift)
    for index in 0..<rangeCount(.memory) {
      let memory = range(.memory, index)
      var candidate = (max(memory.lowerBound, goal) + 4095) & ~4095
      for number in 0..<rangeCount(.reserved) {
        let used = range(.reserved, number)
        if candidate < used.upperBound && used.lowerBound < candidate + bytes {
          candidate = (used.upperBound + 4095) & ~4095
        }
      }
      if candidate + bytes <= min(memory.upperBound, limit) { return candidate }
    }
    return nil
  }

  /// Calls `body` with each run of whole frames that is RAM and not reserved, in ascending order.
  func forEachFreeRun(_ body: (_ start: FrameNumber, _ end: FrameNumber) -> Void) {
    for index in 0..<rangeCount(.memory) {
      let memory = range(.memory, index)
      var start = memory.lowerBound
      for number in 0..<rangeCount(.reserved) {
        let used = range(.reserved, number)
        if used.upperBound <= start || used.lowerBound >= memory.upperBound { continue }
        emit(start, min(used.lowerBound, memory.upperBound), body)
        start = max(start, used.upperBound)
      }
      emit(start, memory.upperBound, body)
    }
  }

  private func emit(_ start: UInt64, _ end: UInt64, _ body: (FrameNumber, FrameNumber) -> Void) {
    if start >= end { return }
    let first = UInt32(truncatingIfNeeded: (start + 4095) >> 12)
    let last = min(UInt32(truncatingIfNeeded: end >> 12), maxFrame)
    if first < last { body(first, last) }
  }

  /// Frames of RAM between two frame numbers.
  func presentFrames(from: FrameNumber, to: FrameNumber) -> UInt32 {
    var sum: UInt32 = 0
    for index in 0..<rangeCount(.memory) {
      let memory = range(.memory, index)
      let start = max(UInt32(truncatingIfNeeded: (memory.lowerBound + 4095) >> 12), from)
      let end = min(UInt32(truncatingIfNeeded: memory.upperBound >> 12), to)
      if start < end { sum &+= end &- start }
    }
    return sum
  }
}
