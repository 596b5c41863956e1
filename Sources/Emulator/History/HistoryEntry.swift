import Glibc

/// A snapshot, and the pages that changed between it and the next one as they were when it was taken.
struct HistoryEntry {
  var snapshot: MachineSnapshot
  /// How many of the logged inputs had been applied.
  var inputsApplied: Int
  /// By frame. No order matters: each page is put back where it was.
  var pages: [UInt64: SavedPage] = [:]

  /// What a snapshot takes without pages: the caches' directories make most of it.
  private static let snapshotBytes = 256 << 10

  var bytes: Int { Self.snapshotBytes + pages.count * SavedPage.bytes }
}

/// A page of RAM as it was.
struct SavedPage {
  /// nil for a page of zeros, which much of a machine's memory is before its first store.
  private let contents: [UInt8]?

  /// What one takes on the host, with its place in a dictionary.
  static let bytes = 4096 + 96

  init(at host: UnsafeRawPointer) {
    let page = UnsafeRawBufferPointer(start: host, count: 4096)
    let isZero = page.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 }
    contents = isZero ? nil : [UInt8](page)
  }

  func write(to host: UnsafeMutableRawPointer) {
    guard let contents else { return _ = memset(host, 0, 4096) }
    contents.withUnsafeBytes { host.copyMemory(from: $0.baseAddress!, byteCount: 4096) }
  }
}

extension [HistoryEntry] {
  /// How many snapshots are left to the older past before its beginning is given up.
  private static let fewest = 8

  /// Merges older neighbours, then forgets the oldest, until all fits into `budget` bytes or one is left.
  mutating func keepWithin(_ budget: Int) {
    var total = reduce(0) { $0 + $1.bytes }
    while total > budget && count > 2 {
      let index = count > Self.fewest ? mostCrowded : 0
      let before = self[index].bytes + self[index + 1].bytes
      if count > Self.fewest {
        // The older copy of a page is the one that its snapshot needs.
        self[index].pages.merge(self[index + 1].pages) { older, _ in older }
        remove(at: index + 1)
        total += self[index].bytes - before
      } else {
        total -= self[0].bytes
        removeFirst()
      }
    }
  }

  /// The entry whose next can best be spared: where the snapshots around it are closest together for their age.
  private var mostCrowded: Int {
    let now = self[count - 1].snapshot.cycle
    var best = (index: 0, crowding: 0.0)
    for index in 0..<(count - 2) {
      let span = self[index + 2].snapshot.cycle - self[index].snapshot.cycle
      let age = now - self[index].snapshot.cycle
      let crowding = Double(age) / Double(Swift.max(1, span))
      if crowding > best.crowding { best = (index, crowding) }
    }
    return best.index
  }
}
