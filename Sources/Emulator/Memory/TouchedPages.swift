import Glibc

/// Which pages of RAM hold anything.
extension PhysicalMemory {
  /// Calls `body` with each page of RAM that is not all zeros, by ascending frame, and its contents. Nothing on the host is touched
  /// that was not touched before.
  public func forEachNonzeroPage<E: Error>(
    _ body: (_ frame: UInt64, _ contents: UnsafeRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    let map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
    defer { if map >= 0 { close(map) } }
    for range in layout.ramRanges {
      var frame = range.lowerBound >> 12
      let end = range.upperBound >> 12
      while frame < end {
        let count = min(end - frame, Self.framesLookedUp)
        let present = presence(from: frame, count: Int(count), map)
        for index in 0..<count where present?[Int(index)] ?? true {
          let page = UnsafeRawBufferPointer(start: base + Int((frame + index) << 12), count: 4096)
          if !Self.isZero(page) { try body(frame + index, page) }
        }
        frame += count
      }
    }
  }

  private static let framesLookedUp: UInt64 = 4096

  /// Whether the host has the pages in memory or swapped out (pagemap's bits 63 and 62): the others are zero. nil where it does not
  /// tell.
  private func presence(from frame: UInt64, count: Int, _ map: Int32) -> [Bool]? {
    guard map >= 0, getpagesize() == 4096 else { return nil }
    var entries = [UInt64](repeating: 0, count: count)
    let place = off_t(UInt(bitPattern: base) >> 12) + off_t(frame)
    guard pread(map, &entries, count * 8, place * 8) == count * 8 else { return nil }
    return entries.map { $0 >> 62 != 0 }
  }

  private static func isZero(_ page: UnsafeRawBufferPointer) -> Bool {
    page.withMemoryRebound(to: UInt64.self) { words in
      for start in stride(from: 0, to: words.count, by: 8) {
        var any: UInt64 = 0
        for word in 0..<8 { any |= words[start &+ word] }
        if any != 0 { return false }
      }
      return true
    }
  }
}
